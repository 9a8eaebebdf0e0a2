"""cache: keep replies for as long as their records may be kept.

::

    cache [TTL] [ZONES...] {
        success CAPACITY [TTL] [MINTTL]
        denial CAPACITY [TTL] [MINTTL]
        prefetch AMOUNT [DURATION [PERCENTAGE%]]
        serve_stale [DURATION] [immediate [RESPONSE_TTL [FAILURE_RECHECK]]]
        serve_stale [DURATION] verify [VERIFY_TIMEOUT [RESPONSE_TTL [FAILURE_RECHECK]]]
        serve_stale_policy prefer_positive
        servfail DURATION
        disable success|denial [ZONES...]
        keepttl
    }

A reply is kept for the lowest TTL of all its records, at least MINTTL (5 s) and at most TTL (3600 s, denials 1800 s;
the first argument sets both), and all its records are shown with that TTL, which is then counted down. Denials
(NXDOMAIN, NODATA with an SOA) and failures (`servfail`: 5 s, 0 to 5 m) have a store of their own, which is looked into
first. The key is name, type, class, DO and CD. Kept replies have AA set; AD is shown to who asked with DO or AD.
Queries outside ZONES, by default those of the block, pass. Once in a block.

What rests on announced changes alone (cluster, hosts) is not kept here but by the server, which lets go of it in the
tick of a change; its TTLs are shown by the same rule. What also read such things on its way to an upstream is let go of
when they change.

`success`, `denial`
    CAPACITY 10000 is rounded down to a multiple of 256, to at least 1024 and at most 16777216; a store also has at most
    1 KiB of replies for each of its places. In a full one a random entry makes way, rather not one that was asked for.
`prefetch`
    ask anew, once at a time, for an entry that was hit AMOUNT times without a pause of DURATION (1m) when the last
    PERCENTAGE (10%, 10 to 90) of its time has begun. 0 is off.
`serve_stale`
    serve entries for DURATION (1h) past their end, with RESPONSE_TTL (0), and to EDNS clients with an extended error
    (RFC 8914). `immediate`, the default, serves at once and asks in the background; `verify` asks first, and waits at
    most VERIFY_TIMEOUT (0: for as long as it takes). Failures never replace a stale entry. After one it is not asked
    again for FAILURE_RECHECK (0 to 5m).
`serve_stale_policy prefer_positive`
    prefer a fresh or stale answer to any denial.
`disable`
    keep no successes, or denials, of names in ZONES (all by default); what rests on announced changes alone then passes
    as it is.
`keepttl`
    show the TTL that the entry began with.

TTL, MINTTL and RESPONSE_TTL above 2147483647 count as that (RFC 2181 section 8).

Errors: "cache TTL can not be zero or negative: N", "cache min TTL can not be negative: N", "prefetch amount should be
positive: N", "last character of percentage should be `%`, but is: 'X'", "percentage should fall in range [10, 90]: N",
"invalid negative duration for serve_stale", "invalid value for serve_stale refresh mode: X", "invalid negative timeout
for serve_stale verify", "invalid negative response TTL for serve_stale", "serve_stale response TTL must be a whole
number of seconds", "serve_stale response TTL exceeds the DNS TTL range", "invalid negative failure recheck for
serve_stale", "serve_stale failure recheck cannot exceed 5 minutes", "serve_stale_policy can only be specified once",
"serve_stale_policy requires serve_stale", "invalid serve_stale_policy: X", "invalid negative ttl for servfail",
"caching SERVFAIL responses over 5 minutes is not permitted", "invalid disabled zone: X", "cache type for disable must
be "success" or "denial"".

Metrics, all `coredns_cache_` with server, zones and view: `entries{type}`, `hits_total{type}`, `requests_total`,
`misses_total`, `prefetch_total`, `drops_total`, `served_stale_total`, `evictions_total{type}`. Replies that the server
kept count as hits.

Example::

    .:1053 {
        cache 30 {
            success 9984 30
            prefetch 10 1m 20%
            serve_stale 1h verify 1800ms 30s 30s
            disable denial example.org
        }
        whoami
    }
"""

from kdns.chain.handler import Handler
from kdns.chain.notices import only_questions
from kdns.chain.site import Site
from kdns.corefile import Arguments
from kdns.plugins.cache.handler import Cache
from kdns.plugins.cache.options import read
from kdns.plugins.cache.stores import Stores


def setup(args: Arguments, site: Site) -> None:
    """Read the directive. Raises `ConfigError`."""
    options = read(args)
    stores = Stores(options, site.process.clock)
    site.offer(stores)

    def link(next_: Handler) -> Handler:
        return only_questions(Cache(next_, options, stores, site), next_, site)

    site.chain("cache", link)
