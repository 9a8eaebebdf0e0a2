"""transfer: give whole zones to other name servers (AXFR, RFC 5936; IXFR, RFC 1995).

::

    transfer [ZONES...] {
        to ADDRESS|*...      who may have them: IP addresses, with or without a port, or everybody
        source IP            where notifications of changes are sent from
    }

May be repeated; the occurrence with the longest zone that holds the question decides. ZONES are those of the block by
default; what is in them is given by other plugins of the block: `kubernetes` and `k8s_external` have their own zones,
and nothing below them.

Zones are sent over TCP only; over UDP, and to others than ADDRESSES, they are refused. A zone has its SOA first and
last, in messages of up to 63 000 octets, each made when the client has taken the one before. IXFR is answered with the
SOA alone if the client's serial is ours, else with the whole zone, and with SERVFAIL if the query has no SOA. Questions
of other types, and for zones nobody has, go to the next plugin. Zones of Kubernetes are never announced by NOTIFY.

Errors: "'to' is required", "must specify an IP address: X", "source already specified", `invalid source address "X"`,
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

from kdns.chain.handler import Handler
from kdns.chain.roles import Transferer
from kdns.chain.site import Site
from kdns.chain.zones import Zones
from kdns.corefile import Arguments, Line
from kdns.corefile.values import parse_host_port
from kdns.plugins.transfer.handler import EVERYBODY, Stanza, Transfers


def setup(args: Arguments, site: Site) -> None:
    """Read the directive. Raises `ConfigError`."""
    stanzas = [_stanza(line, args.zones) for line in args]

    def link(next_: Handler) -> Handler:
        return Transfers(next_, stanzas, site.find(Transferer))  # type: ignore[type-abstract]

    site.chain("transfer", link)


def _stanza(line: Line, default: tuple[str, ...]) -> Stanza:
    zones = Zones(line.zones(default))
    to: list[bytes] = []
    source = ""
    for option in line.block():
        match option.name:
            case "to":
                to.append(_address(option, option.text()))
                to += [_address(option, word) for word in option.words()]
            case "source":
                source = _source(option, source)
            case word:
                raise option.error(f'unknown property "{word}"')
    if not to:
        raise line.error("'to' is required")
    return Stanza(zones, frozenset(to))


def _source(option: Line, before: str) -> str:
    text = option.text()
    option.end()
    if before:
        raise option.error("source already specified")
    if not _packed(text):
        raise option.error(f'invalid source address "{text}"')
    return text


def _address(option: Line, word: str) -> bytes:
    if word == "*":
        return EVERYBODY
    octets = _packed(word)
    if not octets:
        try:
            octets = _packed(parse_host_port(word)[0])
        except ValueError:
            octets = b""
    if not octets:
        raise option.error(f"must specify an IP address: {word}")
    return octets


def _packed(text: str) -> bytes:
    try:
        return ip_address(text.partition("%")[0]).packed
    except ValueError:
        return b""
