r"""template: answers made of the query by templates.

::

    template CLASS TYPE [ZONES...] {
        match REGEX...
        var NAME EXPRESSION
        expr EXPRESSION
        answer RR...
        additional RR...
        authority RR...
        rcode CODE
        ederror CODE [TEXT]
        fallthrough [ZONES...]
    }

For questions of CLASS and TYPE (mnemonics in capitals, ANY for all) in ZONES (those of the block by default) whose name
a REGEX matches. Directives are tried in order; a question in no zone, or of another class or type, is none of theirs.

`match REGEX...`
    RE2, searched for in the folded name with its final dot; the first that is found counts. Default `.*`.
`expr EXPRESSION`
    must be true for a match to count; all of them must. One that has no value is SERVFAIL. Expressions are those of
    `view`, with `group(NAME)` and `group(NUMBER)` for the groups of the match.
`var NAME EXPRESSION`
    sets a variable for the expressions behind it, and for templates as `.Var.NAME`. CoreDNS has `var` and `expr` from
    the version after 1.14.7 on.
`answer`, `additional`, `authority`
    records in zone file syntax, one for each argument; names are complete without a final dot, the TTL is 3600 and the
    class IN by default. If a record of `answer` is a CNAME and the question is for A or AAAA, its target is looked up
    through the server.
`rcode CODE`
    the response code, default NOERROR. With SERVFAIL nothing is made.
`ederror CODE [TEXT]`
    an extended DNS error (RFC 8914), 0 to 65535, TEXT up to 4096 octets, also for clients without EDNS.
`fallthrough [ZONES...]`
    try the next directive if no REGEX matches or an `expr` is not true; without it, or for names not in ZONES, that is
    SERVFAIL.
`upstream ...`
    is read and means nothing.

RR is a template of Go's `text/template` (see `text`), with the fields `.Zone`, `.Name` (folded), `.Class`, `.Type` (the
directive's for a question that is for ANY), `.Regex`, `.Match` (list of groups, 0 is all), `.Group` (groups by number
and by name), `.Var`, `.Question`, `.Message` (header, question and OPT record) and `.Remote` (address of the client),
the method `.Meta "label"` for values that plugins know (see `metadata`), and the function `parseInt TEXT BASE BITS`.
Write `{{ $x }}`, as `{$x}` is a variable of the environment. Steps and octets of one execution are bounded. A template
that fails, or whose output is no record, is SERVFAIL.

Errors: missing arguments, "invalid query class X", "invalid RR class X", "regex pattern too long: N > 10000", "could
not parse regex: X, ...", "could not compile template: X, ...", "invalid variable name X", "variable name X is
reserved", "could not compile expression: ...", "unknown rcode X", "error parsing extended DNS error code X, ...".

Metrics: `coredns_template_matches_total{server, zone, view, class, type}`, and with `section` and `template` too
`coredns_template_template_failures_total` and `coredns_template_rr_failures_total`.

Example::

    .:1053 {
        template IN A ip.example {
            match "^ip-(?P<a>[0-9]+)-(?P<b>[0-9]+)-(?P<c>[0-9]+)-(?P<d>[0-9]+)[.]ip[.]example[.]$"
            answer "{{ .Name }} 60 IN A {{ .Group.a }}.{{ .Group.b }}.{{ .Group.c }}.{{ .Group.d }}"
            fallthrough
        }
        template ANY ANY invalid {
            rcode NXDOMAIN
            authority "invalid. 60 {{ .Class }} SOA ns.invalid. hostmaster.invalid. (1 60 60 60 60)"
            ederror 21 "Blocked according to RFC2606"
        }
        whoami
    }
"""

from kdns.chain.site import Site
from kdns.corefile import Arguments
from kdns.plugins.template import options
from kdns.plugins.template.handler import Templates
from kdns.plugins.template.metrics import Counts


def setup(args: Arguments, site: Site) -> None:
    """Read the directives. Raises `ConfigError`."""
    directives = [options.read(line, args.zones) for line in args]
    registry = site.process.registry
    # The name of the block's view is known when all of its words are read.
    site.chain("template", lambda next_: Templates(next_, directives, site.lookup, Counts(registry, site.view)))
