"""transfer: give whole zones to other name servers (AXFR, RFC 5936; IXFR, RFC 1995).

::

    transfer [ZONES...] {
        to ADDRESS|*...      who may have them: IP addresses, with or without a port, or everybody
        source IP            where notifications of changes are sent from
    }

May be repeated; the occurrence with the longest zone that holds the question decides. ZONES are those of the block by
default; what is in them is given by other plugins of the block: `file`, `auto` and `secondary`, and `kubernetes` and
`k8s_external`, which have their own zones and nothing below them.

Zones are sent over TCP only; over UDP, and to others than ADDRESSES, they are refused. A zone has its SOA first and
last, in messages of up to 63 000 octets, each made when the client has taken the one before. IXFR is answered with the
SOA alone if the client's serial is ours, else with the whole zone, and with SERVFAIL if the query has no SOA. Questions
of other types, and for zones nobody has, go to the next plugin; a zone that could not be had yet is SERVFAIL. What was
sent to whom is logged.

When a zone of `file`, `auto` or `secondary` is loaded or replaced, every ADDRESS is told by NOTIFY (RFC 1996) over UDP,
as soon as queries are answered; three times, for 2 s each, until it is accepted, and with a warning if it never is.
Zones of Kubernetes are not announced.

Errors: "'to' is required", "must specify an IP address: `X'", "source already specified", `invalid source address "X"`,
`unknown property "X"`. Metrics: none.

Example::

    cluster.local:1053 {
        transfer {
            to 192.0.2.53 2001:db8::53
        }
        kubernetes {
            manifests deploy/demo/cluster
        }
    }
"""

from ipaddress import ip_address
from itertools import chain

from kdns.chain.handler import Handler
from kdns.chain.roles import Transferer
from kdns.chain.site import Site
from kdns.chain.zones import Zones
from kdns.corefile import Arguments, Line
from kdns.corefile.values import parse_server
from kdns.plugins.transfer.announcements import Announcements
from kdns.plugins.transfer.handler import Transfers
from kdns.plugins.transfer.stanza import EVERYBODY, Stanza, Target


def setup(args: Arguments, site: Site) -> None:
    """Read the directive. Raises `ConfigError`."""
    stanzas = [_stanza(line, args.zones) for line in args]
    announcements = Announcements(stanzas, site.wiring.spawn)
    site.offer(announcements)
    site.once.serving.append(announcements.begin)

    def link(next_: Handler) -> Handler:
        return Transfers(next_, stanzas, site.find(Transferer))  # type: ignore[type-abstract]

    site.chain("transfer", link)


def _stanza(line: Line, default: tuple[str, ...]) -> Stanza:
    zones = Zones(line.zones(default))
    targets: dict[Target, None] = {}
    everybody = False
    source = ""
    for option in line.block():
        match option.name:
            case "to":
                for word in chain((option.text(),), option.words()):
                    everybody |= word == "*"
                    if word != "*":
                        targets[_target(option, word)] = None
            case "source":
                source = _source(option, source)
            case word:
                raise option.error(f'unknown property "{word}"')
    if not targets and not everybody:
        raise line.error("'to' is required")
    to = frozenset(target.packed for target in targets)
    return Stanza(zones, to | {EVERYBODY} if everybody else to, tuple(targets), source)


def _source(option: Line, before: str) -> str:
    text = option.text()
    option.end()
    if before:
        raise option.error("source already specified")
    if not _packed(text):
        raise option.error(f'invalid source address "{text}"')
    return text


def _target(option: Line, word: str) -> Target:
    try:
        return Target(*parse_server(word))
    except ValueError as error:
        raise option.error(str(error)) from error


def _packed(text: str) -> bytes:
    try:
        return ip_address(text.partition("%")[0]).packed
    except ValueError:
        return b""
