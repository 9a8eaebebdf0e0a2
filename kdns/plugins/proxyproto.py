"""proxyproto: clients behind a load balancer or proxy, by the PROXY protocol.

::

    proxyproto {
        allow CIDR...
        default use|ignore|reject|skip
        udp_session_tracking TTL [MAX]
    }

A proxy tells in a header, in front of everything else, whom it speaks for. That client's address is then the one that
`log` shows, `acl` and `view` judge and the metrics count by family; replies go to the proxy. Versions 1 and 2 of the
header on TCP, before TLS and HTTP as well; version 2 on UDP, in every datagram. A connection or datagram without a
header is served as its own, in any case.

`allow` names the proxies. Headers from elsewhere are treated as `default` says: believed (`use`), taken off and
forgotten (`ignore`, the default with `allow`), the connection ended or the datagram dropped (`reject`), or not looked
for (`skip`), so that a header is a malformed message. Without `allow` that holds for everybody, and the default is
`use`: then anybody can be any client. The health checks of a proxy itself (LOCAL, UNKNOWN) count as the proxy's own.

`udp_session_tracking` is for proxies that send the header of a client in a datagram of its own, and not again
(Cloudflare Spectrum): for TTL since the last datagram, those that come from the same address and port are that
client's. MAX, 10240 by default, bounds how many are remembered; the one that was silent for longest is forgotten.

A header that breaks the protocol ends its connection; a datagram with one is dropped with a warning, at most one a
second. Where several blocks share a listener, the last one with `proxyproto` decides.

Errors: an argument, "X: invalid CIDR address: X", another policy, no or more than two arguments of
`udp_session_tracking`, 'udp_session_tracking: invalid duration "X"...', 'udp_session_tracking: invalid max sessions
"X": must be a positive integer', "unknown option 'X'". Metrics: none.

Example::

    .:1053 {
        proxyproto {
            allow 10.0.0.0/8 2001:db8::/32
            default reject
            udp_session_tracking 28s 20000
        }
        whoami
    }
"""

from dataclasses import dataclass, field

from kdns.chain.listen import Proxied
from kdns.chain.site import Site
from kdns.corefile import Arguments, Line, Network, parse_duration, parse_integer, parse_network
from kdns.net.proxied import IGNORE, REJECT, SESSIONS, SKIP, USE


@dataclass(slots=True)
class _Options:
    allowed: list[Network] = field(default_factory=list)
    otherwise: str = ""
    ttl: float = 0.0
    sessions: int = SESSIONS


def setup(args: Arguments, site: Site) -> None:
    """Read the directive; options of several lines add up. Raises `ConfigError`."""
    options = _Options()
    for line in args:
        line.end()
        for option in line.block():
            match option.name:
                case "allow":
                    options.allowed += [_network(option, word) for word in option.words()]
                case "default":
                    options.otherwise = _policy(option)
                case "udp_session_tracking":
                    _track(option, options)
                case _:
                    raise option.error(f"unknown option '{option.name}'")
    otherwise = options.otherwise or (IGNORE if options.allowed else USE)
    site.listen.proxied = Proxied(tuple(options.allowed), otherwise, options.ttl, options.sessions)


def _network(option: Line, word: str) -> Network:
    try:
        return parse_network(word)
    except ValueError:
        raise option.error(f"{word}: invalid CIDR address: {word}") from None


def _policy(option: Line) -> str:
    policy = option.text().lower()
    option.end()
    if policy not in (USE, IGNORE, REJECT, SKIP):
        raise option.wrong_count()
    return policy


def _track(option: Line, options: _Options) -> None:
    word = option.text()
    most = option.text() if option.more else None
    option.end()
    try:
        options.ttl = parse_duration(word)
    except ValueError as error:
        raise option.error(f'udp_session_tracking: invalid duration "{word}": {error}') from None
    if most is None:
        return
    try:
        options.sessions = parse_integer(most)
    except ValueError:
        options.sessions = 0
    if options.sessions < 1:
        raise option.error(f'udp_session_tracking: invalid max sessions "{most}": must be a positive integer')
