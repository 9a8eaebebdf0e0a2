"""Which HTTP proxy, if any, stands between kdns and an API server, read from the environment the way Go reads it.

CoreDNS takes Go's rules, and clusters behind a proxy rely on them: NO_PROXY may hold address ranges (Python's own rules
know none, and would send `https://10.96.0.1` to the proxy), and loopback is never proxied.
Source: golang.org/x/net/http/httpproxy, documented at `Config.NoProxy`.
"""

from collections.abc import Mapping
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from urllib.parse import urlsplit


def environment_proxy(url: str, environ: Mapping[str, str]) -> str | None:
    """The proxy's URL for requests to `url` (absolute, http or https); None for a direct connection."""
    parts = urlsplit(url)
    name = f"{parts.scheme}_proxy"
    proxy = environ.get(name.upper()) or environ.get(name)
    if not proxy or not parts.hostname:
        return None
    port = parts.port or (443 if parts.scheme == "https" else 80)
    if _direct(parts.hostname.lower(), port, environ.get("NO_PROXY") or environ.get("no_proxy") or ""):
        return None
    return proxy if "://" in proxy else f"http://{proxy}"


def _direct(host: str, port: int, exceptions: str) -> bool:
    try:
        address = ip_address(host)
    except ValueError:
        address = None
    if host == "localhost" or (address is not None and address.is_loopback):
        return True
    return any(_excepts(entry.strip().lower(), host, port, address) for entry in exceptions.split(",") if entry.strip())


def _excepts(entry: str, host: str, port: int, address: IPv4Address | IPv6Address | None) -> bool:
    if entry == "*":
        return True
    if address is not None and "/" in entry:
        try:
            return address in ip_network(entry, strict=False)
        except ValueError:
            return False
    # An IPv6 address has colons of its own; with a port it stands in brackets.
    if entry.startswith("[") or entry.count(":") == 1:
        entry, _, wanted = entry.rpartition(":") if not entry.endswith("]") else (entry, "", "")
        entry = entry.strip("[]")
        if wanted and wanted != str(port):
            return False
    if address is not None:
        return _same_address(entry, address)
    entry = entry.removeprefix("*")
    return host.endswith(entry) if entry.startswith(".") else host == entry or host.endswith(f".{entry}")


def _same_address(entry: str, address: IPv4Address | IPv6Address) -> bool:
    try:
        return ip_address(entry) == address
    except ValueError:
        return False
