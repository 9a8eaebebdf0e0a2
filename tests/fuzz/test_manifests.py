"""Whatever lies in a manifests folder, what is wrong is named and what is right is served."""

import logging
from pathlib import Path

import pytest

from kdns.cluster import kinds
from kdns.cluster.folder import Folder
from kdns.cluster.selector import EVERYTHING
from kdns.wire import codes
from tests.fuzz.packets import Packets
from tests.kit.house import Ends, House, packet
from tests.kit.until import until

COREFILE = "cluster.local {{\n kubernetes {{\n manifests {folder}\n }}\n}}\n"
NAMESPACE = "{apiVersion: v1, kind: Namespace, metadata: {name: shop}}\n"
SERVICE = """
apiVersion: v1
kind: Service
metadata: {name: NAME, namespace: shop}
spec: {clusterIP: ADDRESS, ports: [{name: http, port: 80, protocol: TCP}]}
"""
HEAD = "{apiVersion: v1, kind: Service, metadata: {name: bad, namespace: shop}"
SLICE = "{apiVersion: discovery.k8s.io/v1, kind: EndpointSlice, metadata: {name: bad, namespace: shop}"


def service(name: str, address: str) -> str:
    return SERVICE.replace("NAME", name).replace("ADDRESS", address)


async def addresses(house: House, name: str) -> list[bytes]:
    reply = await house.ask(f"{name}.shop.svc.cluster.local")
    assert reply.rcode in (codes.NOERROR, codes.NXDOMAIN)
    return [record.data for record in reply.answer]


BAD = [
    ("kind: [", "document 1"),
    ("a: b: c", "document 1"),
    ("\x00", "document 1"),
    (f"{NAMESPACE}---\n- {{\n", "document 2"),
    ("just words", "document 1"),
    ("42", "document 1"),
    ("[1, 2]", "document 1"),
    ("{}", "kind is missing"),
    ("{kind: Service}", "apiVersion is missing"),
    ("{apiVersion: v1, kind: Service}", "Service"),
    ("{apiVersion: v1, kind: Service, metadata: 5}", "Service"),
    ("{apiVersion: v1, kind: Service, metadata: {name: [x]}}", "Service"),
    ("{apiVersion: v9, kind: Service, metadata: {name: bad}}", "apiVersion 'v9'"),
    (HEAD + ", spec: []}", "shop/bad"),
    (HEAD + ", spec: {clusterIP: 7}}", "shop/bad"),
    (HEAD + ", spec: {clusterIP: 10.0.0.1, ports: {}}}", "shop/bad"),
    (HEAD + ", spec: {clusterIP: 10.0.0.1, ports: [{port: many}]}}", "shop/bad"),
    (HEAD + ", spec: {clusterIP: 10.0.0.1, ports: [{port: 99999999999999999999999}]}}", "shop/bad"),
    (SLICE + ", endpoints: 5}", "shop/bad"),
    (SLICE + ", endpoints: [{addresses: [[]]}]}", "shop/bad"),
    ("[" * 50_000, "nested too deeply"),
    ("{a: " * 50_000, "nested too deeply"),
    ("- " * 50_000, "nested too deeply"),
    ("a: &a [x]\nb: *nobody", "document 1"),
    ("a: !!python/object/apply:os.system [true]", "kind is missing"),
    ("{<<: {kind: Service}}", "merge keys"),
    ("a: !!int words", "document 1"),
    ("a: !!binary '*'", "kind is missing"),
    ("? [a]\n: b", "document 1"),
    ("\udc80", "document 1"),
]


@pytest.mark.parametrize(("text", "said"), BAD, ids=range(len(BAD)))
async def test_one_bad_file_among_good_ones(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, text: str, said: str
) -> None:
    (tmp_path / "good.yaml").write_text(f"{NAMESPACE}---{service('web', '10.96.0.1')}")
    bad = tmp_path / "bad.yaml"
    bad.write_bytes(text.encode(errors="surrogateescape"))
    with caplog.at_level(logging.ERROR, "kdns.kubernetes"):
        async with House(COREFILE.format(folder=tmp_path)).running() as house:
            assert await addresses(house, "web") == [b"\x0a\x60\0\1"]
            told = [record.getMessage() for record in caplog.records]
            assert len(told) == 1
            assert f"{bad}: " in told[0]
            assert said in told[0]


async def test_a_bad_object_leaves_the_others_of_its_file(tmp_path: Path) -> None:
    texts = [NAMESPACE, service("web", "10.96.0.1"), HEAD + ", spec: 5}\n", service("api", "10.96.0.2")]
    (tmp_path / "all.yaml").write_text("---\n".join(texts))
    async with House(COREFILE.format(folder=tmp_path)).running() as house:
        assert await addresses(house, "web") == [b"\x0a\x60\0\1"]
        assert await addresses(house, "api") == [b"\x0a\x60\0\2"]


@pytest.mark.slow
async def test_a_file_that_is_spoilt_while_it_is_served(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    file = tmp_path / "web.yaml"
    file.write_text(f"{NAMESPACE}---{service('web', '10.96.0.1')}")
    async with House(COREFILE.format(folder=tmp_path)).running() as house:
        assert await addresses(house, "web") == [b"\x0a\x60\0\1"]
        file.write_text("kind: [")
        await until(lambda: "document 1" in caplog.text)
        assert await addresses(house, "web") == [b"\x0a\x60\0\1"]
        file.write_text(f"{NAMESPACE}---{service('web', '10.96.0.9')}")
        await until(lambda: _served(house) == b"\x0a\x60\0\x09")


def _served(house: House) -> bytes:
    reply = house.ask_now(packet("web.shop.svc.cluster.local"), Ends())
    assert reply is not None
    return reply[-4:]


def test_spoilt_files_never_raise_anything_else(tmp_path: Path) -> None:
    source = Packets(seed=3)
    whole = (
        f"{NAMESPACE}---{service('web', '10.96.0.1')}---\n{SLICE}, endpoints: [{{addresses: [10.1.2.3]}}]}}".encode()
    )
    for number in range(300):
        (tmp_path / "bad.yaml").write_bytes(source.spoil(whole))
        reading = Folder(str(tmp_path), (kinds.SERVICES, kinds.NAMESPACES, kinds.ENDPOINT_SLICES), EVERYTHING).read()
        assert reading is not None
        assert reading.problems or any(reading.objects.values()), number
