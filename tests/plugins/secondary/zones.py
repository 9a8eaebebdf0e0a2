"""Zones for tests, from the text of master files."""

from kdns.chain.zone import Zone, build
from kdns.wire import name
from kdns.wire.zonetext import parse

TEXT = """$TTL 60
@    SOA ns1 host {serial} {refresh} {retry} {expire} 300
     NS  ns1
ns1  A   192.0.2.1
www  A   {address}
"""


def zone_of(text: str, origin: str = "example.org.") -> Zone:
    """The zone of a master file without inclusions."""

    def closed(path: str, by: str) -> tuple[str, str]:
        raise AssertionError(path)

    wire = name.from_text(origin)
    zone = build(wire, parse(text, wire, "db", closed))
    assert zone is not None
    return zone


def zone(
    serial: int = 1,
    *,
    refresh: int = 1000,
    retry: int = 100,
    expire: int = 5000,
    address: str = "192.0.2.2",
    origin: str = "example.org.",
) -> Zone:
    """A small zone with these times, in seconds."""
    text = TEXT.format(serial=serial, refresh=refresh, retry=retry, expire=expire, address=address)
    return zone_of(text, origin)
