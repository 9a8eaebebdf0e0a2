"""What a database says of addresses, and files that are none."""

import random
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest

from kdns.plugins.geoip.database import Database, Unusable
from tests.kit import mmdb
from tests.plugins.geoip import places

NOTHING = {
    "city/name": "",
    "country/code": "",
    "country/name": "",
    "country/is_in_european_union": "false",
    "continent/code": "",
    "continent/name": "",
    "latitude": "",
    "longitude": "",
    "timezone": "",
    "postalcode": "",
    "subdivisions/code": "",
}


@pytest.mark.parametrize("address", ["81.2.69.142", "2001:db8::7"])
def test_a_city(tmp_path: Path, address: str) -> None:
    assert Database(places.city(tmp_path)).labels(ip_address(address)) == {
        "city/name": "Cambridge",
        "country/code": "GB",
        "country/name": "United Kingdom",
        "country/is_in_european_union": "true",
        "continent/code": "EU",
        "continent/name": "Europe",
        "latitude": "52.2242",
        "longitude": "0.1315",
        "timezone": "Europe/London",
        "postalcode": "CB4",
        "subdivisions/code": "ENG,CAM",
    }


@pytest.mark.parametrize("address", ["198.51.100.1", "192.0.2.1", "2001:db9::1"])
def test_what_it_does_not_know_is_empty(tmp_path: Path, address: str) -> None:
    assert Database(places.city(tmp_path)).labels(ip_address(address)) == NOTHING


@pytest.mark.parametrize(
    ("address", "labels"),
    [
        ("81.2.69.1", {"asn/number": "12345", "asn/org": "Test ASN Organization"}),
        ("10.0.0.1", {"asn/number": "0", "asn/org": "Not routed"}),
        ("192.0.2.1", {"asn/number": "0", "asn/org": ""}),
    ],
)
def test_an_autonomous_system(tmp_path: Path, address: str, labels: dict[str, str]) -> None:
    assert Database(places.asn(tmp_path)).labels(ip_address(address)) == labels


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.0, "0"), (-33.0, "-33"), (1e-7, "0.0000001"), (13.4050001, "13.4050001"), (7, "7"), ("x", "")],
)
def test_degrees(tmp_path: Path, value: Any, text: str) -> None:
    labels = Database(places.city(tmp_path, location={"latitude": value})).labels(ip_address("192.0.2.9"))
    assert labels is not None
    assert labels["latitude"] == text


@pytest.mark.parametrize(
    "record",
    [
        {"city": "text", "country": [1], "subdivisions": {"a": 1}, "location": 5, "postal": {"code": 7}},
        {"subdivisions": ["text", 7, {"iso_code": 1}], "city": {"names": ["en"]}},
    ],
)
def test_records_of_another_shape(tmp_path: Path, record: dict[str, Any]) -> None:
    labels = Database(places.city(tmp_path, **record)).labels(ip_address("192.0.2.9"))
    assert labels is not None
    assert set(labels.values()) <= {"", "false", ",,"}


def test_an_ipv6_address_in_a_database_of_ipv4(tmp_path: Path) -> None:
    path = mmdb.write(tmp_path / "4.mmdb", "GeoLite2-Country", {"192.0.2.0/24": places.CAMBRIDGE}, version=4)
    database = Database(path)
    assert database.labels(ip_address("2001:db8::1")) is None
    assert (database.labels(ip_address("192.0.2.1")) or {})["country/code"] == "GB"


@pytest.mark.parametrize("kind", ["GeoIP2-Enterprise", "GeoLite2-Country", "DBIP-City-Lite"])
def test_types_that_have_places(tmp_path: Path, kind: str) -> None:
    path = mmdb.write(tmp_path / "x.mmdb", kind, {"192.0.2.0/24": places.CAMBRIDGE})
    assert (Database(path).labels(ip_address("192.0.2.1")) or {})["city/name"] == "Cambridge"


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        (
            "UnknownDbType",
            'failed to open database file: geoip2: reader does not support the "UnknownDbType" database type',
        ),
        ("GeoIP2-Domain", "database does not provide any supported schema (city, asn)"),
    ],
)
def test_types_that_do_not(tmp_path: Path, kind: str, message: str) -> None:
    with pytest.raises(Unusable) as caught:
        Database(mmdb.write(tmp_path / "x.mmdb", kind, {"192.0.2.0/24": {}}))
    assert str(caught.value) == message


@pytest.mark.parametrize(
    "metadata",
    [{"record_size": 25}, {"node_count": 1 << 30}, {"database_type": 7}, {"languages": b"\xff"}, {"unheard": "of"}],
)
def test_metadata_that_is_none(tmp_path: Path, metadata: dict[str, Any]) -> None:
    with pytest.raises(Unusable, match="failed to open database file"):
        Database(mmdb.write(tmp_path / "x.mmdb", "GeoLite2-City", {"192.0.2.0/24": {}}, **metadata))


def test_a_record_that_cannot_be_read(tmp_path: Path) -> None:
    loop = bytes((1 << 5, 0))  # a pointer to where it stands
    path = mmdb.write(tmp_path / "x.mmdb", "GeoLite2-City", {"192.0.2.0/24": loop})
    assert Database(path).labels(ip_address("192.0.2.1")) is None
    local = mmdb.write(tmp_path / "y.mmdb", "GeoLite2-City", {"127.0.0.0/8": loop})
    with pytest.raises(Unusable, match=r'unexpected failure looking up database "y\.mmdb" schema "city": '):
        Database(local)


def test_a_broken_file_is_an_error_or_an_answer(tmp_path: Path) -> None:
    whole, path, opened = Path(places.city(tmp_path)).read_bytes(), tmp_path / "broken.mmdb", 0
    for seed in range(400):
        pick, octets = random.Random(seed), bytearray(whole)
        for _ in range(pick.randrange(1, 8)):
            octets[pick.randrange(len(octets))] = pick.randrange(256)
        path.write_bytes(octets[: pick.randrange(len(octets))] if pick.random() < 0.2 else octets)
        try:
            database = Database(str(path))
        except Unusable:
            continue
        opened += 1
        for address in ("81.2.69.142", "2001:db8::7", "192.0.2.1", "8.8.8.8"):
            database.labels(ip_address(address))
    assert opened > 50


def test_the_database_of_the_demo_is_made_of_what_is_written_here() -> None:
    demo = Path(__file__).parents[3] / "deploy/demo/places.mmdb"
    assert demo.read_bytes() == mmdb.database("GeoLite2-City", places.DEMO)
