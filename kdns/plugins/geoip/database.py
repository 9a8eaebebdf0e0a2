"""A MaxMind database, and what it says of an address.

It is read into memory whole, by the reader that is written in Python: a file that is cut short while it is mapped, or
one that is made to mislead a reader in C, would end the process. What is looked up once is remembered for a while.
"""

from collections.abc import Callable, Mapping
from decimal import Decimal
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address
from pathlib import PurePath
from typing import Any, Final

import maxminddb
from maxminddb.reader import Reader

REMEMBERED: Final = 1024
"""Addresses of which the labels are kept."""

_CITY: Final = frozenset(
    (
        "DBIP-City-Lite",
        "DBIP-Country-Lite",
        "DBIP-Country",
        "DBIP-Location (compat=City)",
        "GeoLite2-City",
        "GeoIP-City-Redacted-US",
        "GeoIP2-City",
        "GeoIP2-City-Africa",
        "GeoIP2-City-Asia-Pacific",
        "GeoIP2-City-Europe",
        "GeoIP2-City-North-America",
        "GeoIP2-City-South-America",
        "GeoIP2-Precision-City",
        "GeoLite2-Country",
        "GeoIP2-Country",
        "DBIP-ISP (compat=Enterprise)",
        "DBIP-Location-ISP (compat=Enterprise)",
        "GeoIP-Enterprise-Redacted-US",
        "GeoIP2-Enterprise",
    )
)
_ASN: Final = frozenset(("DBIP-ASN-Lite (compat=GeoLite2-ASN)", "GeoLite2-ASN", "GeoIP2-ISP", "GeoIP2-Precision-ISP"))
_OTHER: Final = frozenset(("GeoIP-Anonymous-Plus", "GeoIP2-Anonymous-IP", "GeoIP2-Connection-Type", "GeoIP2-Domain"))
"""Types that CoreDNS's library reads, and that say nothing of places or networks."""

_BROKEN: Final = (maxminddb.InvalidDatabaseError, ValueError, TypeError)
"""What the reader raises for a file that is not as it should be; some of it comes from the values in it."""

_PROBE: Final = IPv4Address("127.0.0.1")


class Unusable(Exception):
    """A database that cannot be used; the text is CoreDNS's, or that of the library below it."""


class Database:
    """The labels of addresses."""

    def __init__(self, path: str) -> None:
        """Read a file, which blocks. Raises `Unusable`."""
        self._reader = _opened(path)
        self._read = _reading(self._reader)
        try:
            self._reader.get(_PROBE)
        except _BROKEN as error:
            schema = "asn" if self._read is _asn else "city"
            raise Unusable(
                f'unexpected failure looking up database "{PurePath(path).name}" schema "{schema}": {error}'
            ) from error
        self.labels: Callable[[IPv4Address | IPv6Address], dict[str, str] | None]
        self.labels = lru_cache(maxsize=REMEMBERED)(self._labels)
        """The labels of an address, without `geoip/`; `None` if it cannot be looked up."""

    def _labels(self, address: IPv4Address | IPv6Address) -> dict[str, str] | None:
        try:
            record = self._reader.get(address)
        except _BROKEN:
            return None
        return self._read(record if isinstance(record, dict) else {})


def _opened(path: str) -> Reader:
    try:
        return Reader(path, maxminddb.MODE_MEMORY)
    except OSError as error:
        text = (error.strerror or str(error)).lower()
        raise Unusable(f"failed to open database file: open {path}: {text}") from error
    except _BROKEN as error:
        raise Unusable(f"failed to open database file: {error}") from error


def _reading(reader: Reader) -> "Callable[[Mapping[str, Any]], dict[str, str]]":
    """What makes labels of the records of a database."""
    kind = reader.metadata().database_type
    if kind in _CITY:
        return _city
    if kind in _ASN:
        return _asn
    if kind in _OTHER:
        raise Unusable("database does not provide any supported schema (city, asn)")
    shown = str(kind)[:100]
    raise Unusable(f'failed to open database file: geoip2: reader does not support the "{shown}" database type')


def _city(record: Mapping[str, Any]) -> dict[str, str]:
    divisions = record.get("subdivisions")
    return {
        "city/name": _text(record, "city", "names", "en"),
        "country/code": _text(record, "country", "iso_code"),
        "country/name": _text(record, "country", "names", "en"),
        "country/is_in_european_union": "true" if _at(record, "country", "is_in_european_union") is True else "false",
        "continent/code": _text(record, "continent", "code"),
        "continent/name": _text(record, "continent", "names", "en"),
        "latitude": _degrees(_at(record, "location", "latitude")),
        "longitude": _degrees(_at(record, "location", "longitude")),
        "timezone": _text(record, "location", "time_zone"),
        "postalcode": _text(record, "postal", "code"),
        "subdivisions/code": ",".join(_text(each, "iso_code") for each in divisions) if type(divisions) is list else "",
    }


def _asn(record: Mapping[str, Any]) -> dict[str, str]:
    number = record.get("autonomous_system_number")
    return {
        "asn/number": str(number) if type(number) is int else "0",
        "asn/org": _text(record, "autonomous_system_organization"),
    }


def _at(record: Any, *keys: str) -> Any:
    for key in keys:
        record = record.get(key) if isinstance(record, dict) else None
    return record


def _text(record: Any, *keys: str) -> str:
    value = _at(record, *keys)
    return value if isinstance(value, str) else ""


def _degrees(value: Any) -> str:
    """A number in the fewest digits that mean it, without an exponent; empty if there is none."""
    if type(value) is not float and type(value) is not int:
        return ""
    return format(Decimal(repr(float(value))), "f").removesuffix(".0")
