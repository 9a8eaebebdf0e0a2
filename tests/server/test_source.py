import json
from pathlib import Path

import pytest

from kdns.corefile import CLUSTER, ConfigError, kubedns
from kdns.server.source import BUILT_IN, Source, SourceError
from tests.kit.mount import mount


async def test_a_mounted_config_map_is_read_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    folder = mount(tmp_path / "cm", {"stubDomains": '{"a": ["192.0.2.1"]}', "upstreamNameservers": '["192.0.2.2"]'})
    source = Source("", folder)
    found = await source.read()
    assert (found.text, found.file) == (CLUSTER, "Corefile")
    assert [(each.domain, each.servers, each.place.file) for each in found.kube_dns.stub_domains] == [
        ("a.", ("192.0.2.1",), f"{folder}/stubDomains")
    ]
    assert [each.text for each in found.kube_dns.upstreams] == ["192.0.2.2"]
    mount(tmp_path / "cm", {"stubDomains": '{"b": ["192.0.2.1"]}'})
    found = await source.read()
    assert [each.domain for each in found.kube_dns.stub_domains] == ["b."]
    assert found.kube_dns.upstreams == ()
    mount(tmp_path / "cm", {})
    assert (await source.read()).kube_dns == kubedns.KubeDns()


async def test_a_corefile_is_taken_where_there_is_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    folder = mount(tmp_path / "cm", {})
    assert (await Source("").read()).text == BUILT_IN
    assert (await Source("", folder).read()).text == CLUSTER
    (tmp_path / "Corefile").write_text("here")
    assert (await Source("", folder).read()).text == "here"
    (tmp_path / "given").write_text("there")
    assert (await Source("given", folder).read()).text == "there"


async def test_other_files_are_told_and_not_read(tmp_path: Path) -> None:
    folder = tmp_path / "cm"
    mount(folder, {"federations": "x"})
    (folder / "sub").mkdir()
    (folder / "big").write_bytes(b"\xff" * 2_000_000)
    (tmp_path / "Corefile").write_text(".")
    found = (await Source(str(tmp_path / "Corefile"), str(folder)).read()).kube_dns
    assert [warning.file for warning in found.warnings] == [f"{folder}/big", f"{folder}/federations"]


@pytest.mark.parametrize(
    ("content", "error", "message"),
    [
        (None, SourceError, "open .*cm: no such file or directory"),
        (b"\xff", ConfigError, "not UTF-8"),
        (b'{"a": ["192.0.2.1"' + b" " * (1 << 20), ConfigError, "file is larger than 1048576 octets"),
        (b'{"a": ["192.0.2.1"\n}', ConfigError, "stubDomains, line 2, column 1: not the JSON that is read here"),
        (json.dumps({"a": []}).encode(), ConfigError, "stubDomains, line 1, column 2: 'a' has no name server"),
    ],
)
async def test_what_cannot_be_read(tmp_path: Path, content: bytes | None, error: type[Exception], message: str) -> None:
    (tmp_path / "Corefile").write_text(".")
    if content is not None:
        (tmp_path / "cm").mkdir()
        (tmp_path / "cm" / "stubDomains").write_bytes(content)
    with pytest.raises(error, match=message):
        await Source(str(tmp_path / "Corefile"), str(tmp_path / "cm")).read()
