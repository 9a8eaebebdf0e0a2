"""Databases of these tests."""

from pathlib import Path
from typing import Any

from tests.kit import mmdb

CAMBRIDGE: dict[str, Any] = {
    "city": {"names": {"en": "Cambridge", "de": "Cambridge an der Cam"}},
    "continent": {"code": "EU", "names": {"en": "Europe"}},
    "country": {"iso_code": "GB", "names": {"en": "United Kingdom"}, "is_in_european_union": True},
    "location": {"latitude": 52.2242, "longitude": 0.1315, "time_zone": "Europe/London"},
    "postal": {"code": "CB4"},
    "subdivisions": [{"iso_code": "ENG"}, {"iso_code": "CAM"}],
}
DEMO = {
    "10.0.0.0/8": {"continent": {"code": "EU", "names": {"en": "Europe"}}},
    "127.0.0.0/8": {"continent": {"code": "EU", "names": {"en": "Europe"}}},
}
"""What `deploy/demo/places.mmdb` is made of."""


def city(path: Path, **more: Any) -> str:
    """A database of cities with one place, in both families."""
    records = {"81.2.69.0/24": CAMBRIDGE, "2001:db8::/32": CAMBRIDGE, "192.0.2.0/24": more}
    return mmdb.write(path / "city.mmdb", "GeoLite2-City", records)


def asn(path: Path) -> str:
    """A database of autonomous systems."""
    known = {"autonomous_system_number": 12345, "autonomous_system_organization": "Test ASN Organization"}
    unrouted = {"autonomous_system_number": 0, "autonomous_system_organization": "Not routed"}
    return mmdb.write(path / "asn.mmdb", "GeoLite2-ASN", {"81.2.69.0/24": known, "10.0.0.0/8": unrouted})
