"""TO: where queries are forwarded to, from the words of the directive to addresses and ports.

A word is tried as an address first, then as a file, then as a host name, whose addresses are looked up at start.
"""

from typing import NamedTuple

from kdns.corefile import parse_port
from kdns.net.failures import host_port
from kdns.plugins.forward import resolvconf
from kdns.plugins.forward.resolvconf import is_address
from kdns.wire import name
from kdns.wire.errors import WireError

PORTS = {"dns": 53, "tls": 853}
_ABSENT = ("https", "https3", "grpc", "quic", "unix")


class Target(NamedTuple):
    """An upstream: host, an IP address or a name that is still to be looked up, and port.

    `server_name` is the name its certificate must carry, `file` the file it was found in; empty if its word names none.
    """

    host: str
    port: int
    tls: bool = False
    server_name: str = ""
    file: str = ""

    def __str__(self) -> str:
        return ("tls://" if self.tls else "") + host_port(self.host, self.port)

    @property
    def is_name(self) -> bool:
        """Whether the host is still to be looked up."""
        return not is_address(self.host)


def read(word: str) -> tuple[Target, ...]:
    """What one word stands for; a file may stand for nothing. Blocks to read one.

    Raises ValueError with CoreDNS's text.
    """
    scheme, rest = _scheme(word)
    if not rest:
        raise ValueError(f'invalid address: "{word}"')
    if scheme in _ABSENT:
        raise ValueError(_absent(scheme, rest, word))
    if "/" in rest:
        return _of_file(scheme, rest)
    host, port = _split(rest)
    address, zone = host.rpartition("%")[::2] if "%" in host else (host, "")
    if not is_address(address):
        try:
            return _of_file(scheme, rest)
        except FileNotFoundError:
            pass
        if not _is_domain(address):
            raise ValueError(f'not an IP address, file, or valid domain: "{word}"')
    number = PORTS[scheme] if port is None else parse_port(port)
    if number == 0:
        raise ValueError(f"address {port}: invalid port")
    return (Target(address, number, scheme == "tls", zone if scheme == "tls" else ""),)


def _absent(scheme: str, rest: str, word: str) -> str:
    if scheme != "https":
        return f"'{scheme}' is not supported as a destination protocol in forward: {word}"
    if "/" in rest:
        path = "paths are not allowed in HTTPS upstream addresses (the /dns-query path is used by default)"
        return f"{path}: {word}"
    return f"kdns cannot forward over HTTPS yet: {word}"


def _of_file(scheme: str, path: str) -> tuple[Target, ...]:
    """Servers of a file speak plain DNS; CoreDNS asks them so even when the word promises TLS."""
    try:
        servers = resolvconf.read(path)
    except (OSError, ValueError) as error:
        if isinstance(error, FileNotFoundError) and "/" not in path:
            raise
        reason = error.strerror.lower() if isinstance(error, OSError) and error.strerror else error
        raise ValueError(f'failed to resolve "{path}": {reason}') from error
    if scheme != "dns":
        raise ValueError(f"'{scheme}' is not supported for a file of name servers: {scheme}://{path}")
    return tuple([Target(server, PORTS["dns"], file=path) for server in servers])


def _scheme(word: str) -> tuple[str, str]:
    scheme, mark, rest = word.partition("://")
    return (scheme, rest) if mark and (scheme in PORTS or scheme in _ABSENT) else ("dns", word)


def _split(text: str) -> tuple[str, str | None]:
    """Host, without brackets, and port if there is one; a bare IPv6 address has none."""
    if text.startswith("["):
        host, _, rest = text[1:].partition("]")
        if not rest or rest.startswith(":"):
            return host, rest[1:] if rest else None
    if text.count(":") == 1:
        host, _, port = text.partition(":")
        return host, port
    return text, None


def _is_domain(text: str) -> bool:
    try:
        name.from_text(text)
    except WireError:
        return False
    return bool(text) and not set(text) & set(":/[]%")
