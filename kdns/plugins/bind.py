"""bind: the addresses that a block listens on.

::

    bind ADDRESS|IFACE... {
        except ADDRESS|IFACE...
    }

Instead of on all addresses of the machine, the keys of the block are served on the given IP addresses, and on all
addresses that the given interfaces have at start or reload, IPv6 link-local ones included. `except` takes addresses
away from its own directive, compared as text. The directive may be repeated: its addresses add up. If none is left, the
block is not served at all.

Errors: 'not a valid IP address or interface name: "X"', "at least one address or interface name is expected", "at least
one address or interface must be given to except subdirective", 'invalid option "X"'. An address that the machine does
not have is an error when it is opened. Metrics: none.

Example::

    .:1053 {
        bind 127.0.0.1 lo {
            except ::1
        }
        whoami
    }
"""

from collections.abc import Iterator, Mapping, Sequence
from ipaddress import ip_address

from kdns.chain.site import Site
from kdns.corefile import Arguments, Line
from kdns.net.sockets import interface_addresses

Interfaces = Mapping[str, Sequence[str]]


def setup(args: Arguments, site: Site) -> None:
    """Read the directive. Raises `ConfigError`."""
    interfaces = interface_addresses()
    site.listen.hosts = [host for line in args for host in _hosts(line, interfaces)]


def _hosts(line: Line, interfaces: Interfaces) -> list[str]:
    if not line.more:
        raise line.error("at least one address or interface name is expected")
    hosts, spared = list(_addresses(line, interfaces)), set[str]()
    for option in line.block():
        if option.name != "except":
            raise option.error(f'invalid option "{option.name}"')
        if not option.more:
            raise option.error("at least one address or interface must be given to except subdirective")
        spared = set(_addresses(option, interfaces))
    return [host for host in hosts if host not in spared]


def _addresses(line: Line, interfaces: Interfaces) -> Iterator[str]:
    for word in line.words():
        if word in interfaces:
            yield from interfaces[word]
        elif _is_address(word):
            yield word
        else:
            raise line.error(f'not a valid IP address or interface name: "{word}"')


def _is_address(word: str) -> bool:
    try:
        ip_address(word)
    except ValueError:
        return False
    return "%" not in word
