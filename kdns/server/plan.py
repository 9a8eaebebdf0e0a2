"""Which listeners a configuration needs, and which blocks each of them serves (`corefile.md` section 6). Pure.

Keys with the same transport, address and port share a listener and its routing table. What two blocks may not both
serve is found here, before anything is opened.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from kdns.corefile import Address

PROTOS = {"dns": ("tcp", "udp"), "tls": ("tcp",), "https": ("tcp",)}
"""The sockets of each transport that is served, in CoreDNS's order, which decides what an error names."""
ABSENT = {"quic": "DNS over QUIC", "grpc": "gRPC", "https3": "DNS over HTTP/3"}
"""Transports that are absent on purpose."""

_PREFERRED = re.compile(r"[a-z]([-a-z0-9]*[a-z0-9])?", re.ASCII)

WILDCARD = ""
"""The host of a listener on all addresses of both families."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What one block asks for: its keys, where it is bound (`WILDCARD` if nowhere), and whether a view filters it."""

    keys: tuple[Address, ...]
    hosts: tuple[str, ...]
    filtered: bool = False


@dataclass(frozen=True, slots=True)
class Listener:
    """One listen address; `served` are (zone, number of the block) in the order of the configuration."""

    transport: str
    host: str
    port: int
    served: tuple[tuple[str, int], ...]

    @property
    def label(self) -> str:
        """The listener as metrics and logs name it: `dns://:53`, `dns://[::1]:53`."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.transport}://{host}:{self.port}"


def listeners(wishes: Sequence[Wish]) -> tuple[Listener, ...]:
    """The listeners for these blocks, in the order in which they first appear.

    Raises `Conflict` when two blocks that no view tells apart would serve the same zone.
    """
    _check(wishes)
    served: dict[tuple[str, str, int], list[tuple[str, int]]] = {}
    for number, wish in enumerate(wishes):
        for host in wish.hosts:
            for key in wish.keys:
                if key.transport != "unix":
                    served.setdefault((key.transport, host, key.port), []).append((key.zone, number))
    return tuple(Listener(*place, tuple(zones)) for place, zones in served.items())


class Conflict(Exception):
    """Two blocks serve the same zone; the text is CoreDNS's, `block` the number of the later one."""

    def __init__(self, message: str, block: int) -> None:
        super().__init__(message)
        self.block = block


def _check(wishes: Sequence[Wish]) -> None:
    taken: dict[Address, list[str]] = {}
    for number, wish in enumerate(wishes):
        for key in wish.keys:
            hosts = taken.setdefault(key, [])
            for host in wish.hosts:
                if host in hosts:
                    if wish.filtered:
                        continue
                    raise Conflict(f"cannot serve {_shown(key, host)} - it is already defined", number)
                other = hosts[-1:] if host == WILDCARD else [WILDCARD] if WILDCARD in hosts else []
                if other:
                    message = f"cannot serve {_shown(key, host)} - zone overlap listener capacity with"
                    raise Conflict(f"{message} {_shown(key, other[0])}", number)
                # A block with a filter goes with those behind it, however they are bound.
                if not wish.filtered:
                    hosts.append(host)


def _shown(key: Address, host: str) -> str:
    return f"{key}{' on ' + host if host else ''}"


def listing(served: Iterable[Listener]) -> list[str]:
    """The lines that a start prints, zones sorted within a listener (section 10.1), with warnings about odd zones."""
    lines = []
    for listener in served:
        scheme = "" if listener.transport == "dns" else f"{listener.transport}://"
        where = f":{listener.port}{' on ' + listener.host if listener.host else ''}"
        for zone in sorted({zone for zone, _ in listener.served}):
            if not _is_preferred(zone):
                lines.append(f'Warning: Domain "{zone}" does not follow RFC1035 preferred syntax')
            lines.append(f"{scheme}{zone}{where}")
    return lines


def _is_preferred(zone: str) -> bool:
    """Whether a zone has letters, digits and inner hyphens only, and no label that begins with a digit (RFC 1035)."""
    if zone == "." or zone.endswith((".in-addr.arpa.", ".ip6.arpa.")):
        return True
    labels = zone.removesuffix(".").split(".")
    return all(
        label.isascii() and label.replace("-", "").isalnum() and label[0].isalpha() and label[-1] != "-"
        for label in labels
    )
