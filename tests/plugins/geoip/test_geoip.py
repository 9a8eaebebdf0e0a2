"""The labels of queries (`plugins.md`, geoip)."""

import sys
from pathlib import Path

import pytest

from kdns.chain.basis import Basis
from kdns.chain.roles import MetadataProvider
from kdns.corefile import ConfigError
from kdns.wire.edns import Edns, Option
from tests.kit import mmdb
from tests.kit.chain import Chain, root_chain
from tests.kit.query import query
from tests.plugins.conftest import Printed
from tests.plugins.geoip import places

ABROAD = Edns(1232, options=(Option(8, b"\0\1\x18\0\x51\2\x45"),))


def labels(chain: Chain) -> MetadataProvider:
    (found,) = chain.site.find(MetadataProvider)  # type: ignore[type-abstract]
    return found


def test_labels_in_the_log(tmp_path: Path, printed: Printed) -> None:
    chain = root_chain(f'metadata\ngeoip {places.city(tmp_path)}\nlog . "{{/geoip/city/name}} {{/geoip/country/code}}"')
    chain.ask("example.org", client="81.2.69.142")
    chain.ask("example.org", client="198.51.100.1")
    assert printed()[-2:] == ["[INFO] Cambridge GB", "[INFO]  "]


def test_without_metadata_there_are_none(tmp_path: Path, printed: Printed) -> None:
    root_chain(f'geoip {places.city(tmp_path)}\nlog . "{{/geoip/city/name}}"').ask("example.org", client="81.2.69.142")
    assert printed()[-1] == "[INFO] -"


@pytest.mark.parametrize("label", ["geoip/asn/number", "geoip/other", "geoip/", "view/name", "city/name"])
def test_labels_that_there_are_not(tmp_path: Path, label: str) -> None:
    provider = labels(root_chain(f"geoip {places.city(tmp_path)}"))
    assert provider.metadata_of(query("example.org", client="81.2.69.142"), label) is None


@pytest.mark.parametrize(
    ("option", "edns", "city"),
    [
        ("", ABROAD, ""),
        ("edns-subnet", ABROAD, "Cambridge"),
        ("edns-subnet", Edns(1232), ""),
        ("edns-subnet", None, ""),
    ],
)
def test_the_subnet_of_the_client(tmp_path: Path, option: str, edns: Edns | None, city: str) -> None:
    provider = labels(root_chain(f"geoip {places.city(tmp_path)} {{\n{option}\n}}"))
    asked = query("example.org", client="198.51.100.1", edns=edns)
    assert provider.metadata_of(asked, "geoip/city/name") == city


def test_an_answer_that_rests_on_the_client_is_its_own(tmp_path: Path) -> None:
    provider = labels(root_chain(f"geoip {places.city(tmp_path)}"))
    basis = Basis()
    provider.metadata_of(query("example.org", basis=basis), "view/name")
    assert not basis.private
    provider.metadata_of(query("example.org", basis=basis), "geoip/city/name")
    assert basis.private


def test_an_address_that_cannot_be_looked_up_has_no_labels(tmp_path: Path) -> None:
    path = mmdb.write(tmp_path / "4.mmdb", "GeoLite2-City", {"192.0.2.0/24": {}}, version=4)
    provider = labels(root_chain(f"geoip {path}"))
    assert provider.metadata_of(query("example.org", client="2001:db8::1"), "geoip/city/name") is None


def test_without_the_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "maxminddb", None)
    monkeypatch.delitem(sys.modules, "kdns.plugins.geoip.database", raising=False)
    with pytest.raises(ConfigError, match=r"^plugin/geoip: .*the package maxminddb is not installed: pip install kdns"):
        root_chain(f"geoip {places.city(tmp_path)}")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("geoip", "Wrong argument count or unexpected line ending after 'geoip'"),
        ("geoip 1 2 3", "Wrong argument count or unexpected line ending after '2'"),
        ("geoip {\n}", "Wrong argument count or unexpected line ending after 'geoip'"),
        ("geoip {city} {\nlanguages en\n}", 'unknown property "languages"'),
        ("geoip {city}\ngeoip {city}", "configuring multiple databases is not supported"),
        ("geoip /nowhere/x.mmdb", "failed to open database file: open /nowhere/x.mmdb: no such file or directory"),
        ("geoip /", "failed to open database file: open /: is a directory"),
        ("geoip Makefile", "failed to open database file: Error opening database file (Makefile)."),
        ("geoip {other}", 'geoip2: reader does not support the "Other" database type'),
    ],
)
def test_setup_errors(tmp_path: Path, text: str, message: str) -> None:
    other = mmdb.write(tmp_path / "other.mmdb", "Other", {"192.0.2.0/24": {}})
    with pytest.raises(ConfigError) as caught:
        root_chain(text.replace("{city}", places.city(tmp_path)).replace("{other}", other))
    assert str(caught.value).startswith("plugin/geoip: Corefile:")
    assert message in str(caught.value)
