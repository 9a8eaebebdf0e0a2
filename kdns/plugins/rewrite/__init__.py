"""rewrite: change queries before, and replies after, the rest of the chain.

::

    rewrite [continue|stop] FIELD ...
    rewrite [continue|stop] {
        FIELD ...
        answer ...
    }

One rule a directive, tried in order. A `stop` rule (the default) that matches is the last one, a `continue` rule hands
the changed query to the next. The client always gets its own question back, and replies are changed in reverse order
of the rules. MATCH is `exact` unless given; letter case means nothing in FIELD and MATCH.

`name [MATCH] FROM TO [answer auto] [answer name|value REGEX TO]...`
    MATCH is `exact`, `prefix`, `suffix`, `substring` or `regex`; other FROM than regular expressions (RE2, unanchored)
    get a final dot, so `prefix` and `substring` match at the ends of labels. TO of `regex` has `{0}` to `{n}` for the
    groups. `exact` turns names in the reply back by itself, others with `answer auto`. `answer name` changes owners,
    `answer value` names in CNAME, DNAME, MX, NAPTR, NS, PTR, SOA and SRV; they see names in their letter case. What is
    no domain name is SERVFAIL.
`type FROM TO`, `class FROM TO`
    by mnemonics.
`ttl [MATCH] NAME SECONDS|MIN-MAX|MIN-|-MAX`
    set or clamp the TTLs of all records, up to 4294967295; `MIN-` is up to 2147483647.
`rcode [MATCH] NAME FROM TO`
    mnemonics or numbers 0 to 23. Codes above 15 are not set for clients without EDNS.
`cname [MATCH] FROM TO`
    look another target up in place of that of the first CNAME that matches.
`edns0 local set|append|replace CODE DATA [revert]`, `edns0 local unset CODE`
    CODE has 16 bits; DATA is text, `0x` hex, up to 4096 octets, or `{qname}`, `{qtype}`, `{client_ip}`,
    `{client_port}`, `{protocol}`, `{server_ip}`, `{server_port}` or a metadata label `{PLUGIN/LABEL}`.
`edns0 nsid set|append|replace [revert]`, `edns0 nsid unset`
    an empty NSID option.
`edns0 subnet set|append|replace V4BITS V6BITS [revert]`, `edns0 subnet unset`
    the client's address, cut to so many bits (32 and 128 at most).

`append` adds an option only if there is none, `replace` changes only what is there. Options with the codes of rules are
shown to the client, but for what `revert` rules did, and in replies of an upstream, which have their own; a client
without EDNS gets an OPT only with them.

Errors: see the texts in `directive`, `names` and `options`, which are CoreDNS's. Metrics: none.

Example::

    .:1053 {
        rewrite name suffix .apps.example .default.svc.cluster.local answer auto
        rewrite continue ttl suffix . 30-300
        rewrite stop {
            name regex (.*)\\.us-west\\.coredns\\.org {1}.coredns.org
            answer name (.*)\\.coredns\\.org {1}.us-west.coredns.org
        }
        rewrite edns0 subnet set 24 56 revert
        whoami
    }
"""

from kdns.chain.site import Site
from kdns.corefile import Arguments
from kdns.plugins.rewrite import directive
from kdns.plugins.rewrite.directive import Line
from kdns.plugins.rewrite.handler import Rewrite


def setup(args: Arguments, site: Site) -> None:
    """Read the directives. Raises `ConfigError`."""
    lines: list[Line] = []
    for line in args:
        words = list(line.rest())
        if len(words) < 2:
            for option in line.block():
                words += (option.name, *option.rest())
        try:
            lines.append(directive.read(words, site))
        except ValueError as error:
            raise line.error(str(error)) from error
    site.chain("rewrite", lambda next_: Rewrite(next_, lines))
