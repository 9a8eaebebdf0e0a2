import asyncio
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from kdns.corefile import ConfigError
from kdns.plugins import multisocket
from kdns.server.ports import Ports
from tests.kit.chain import root_chain
from tests.kit.desk import TcpClient, UdpClient
from tests.kit.house import House, packet
from tests.kit.upstream import unused_port


@pytest.mark.parametrize(("text", "number"), [("multisocket 1", 1), ("multisocket 7", 7), ("multisocket 1024", 1024)])
def test_the_number(text: str, number: int) -> None:
    chain = root_chain(text)
    assert chain.site.listen.sockets == number
    assert chain.links == {}


def test_by_default_as_many_as_cpus(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(multisocket, "CGROUP", tmp_path)
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: {0, 2, 5}, raising=False)
    assert root_chain("multisocket").site.listen.sockets == 3
    monkeypatch.delattr(os, "sched_getaffinity")
    monkeypatch.setattr(os, "cpu_count", lambda: 4)
    assert root_chain("multisocket").site.listen.sockets == 4
    monkeypatch.setattr(os, "cpu_count", lambda: None)
    assert root_chain("multisocket").site.listen.sockets == 1


@pytest.mark.parametrize(
    ("text", "number"),
    [("max 100000\n", 8), ("200000 100000\n", 2), ("150000 100000", 2), ("1000 100000", 1), ("5 0", 8), ("", 8)],
)
def test_by_default_as_many_as_the_control_group_may_use(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, number: int
) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: set(range(8)), raising=False)
    (tmp_path / "cpu.max").write_text(text)
    monkeypatch.setattr(multisocket, "CGROUP", tmp_path)
    assert root_chain("multisocket").site.listen.sockets == number


@pytest.mark.parametrize(("quota", "number"), [("-1\n", 8), ("250000\n", 3)])
def test_the_older_kind_of_control_groups(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, quota: str, number: int
) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: set(range(8)), raising=False)
    (tmp_path / "cpu").mkdir()
    (tmp_path / "cpu/cpu.cfs_quota_us").write_text(quota)
    (tmp_path / "cpu/cpu.cfs_period_us").write_text("100000\n")
    monkeypatch.setattr(multisocket, "CGROUP", tmp_path)
    assert root_chain("multisocket").site.listen.sockets == number


@pytest.fixture
def ports() -> Iterator[Ports]:
    ports = Ports()
    yield ports
    ports.close()


def bound(port: int) -> int:
    """UDP sockets of 127.0.0.1 on a port, as the kernel lists them."""
    with open("/proc/net/udp") as table:
        return sum(line.split()[1] == f"0100007F:{port:04X}" for line in table)


@pytest.mark.asyncio(loop_factories=["asyncio", "uvloop"])
async def test_queries_are_answered_whichever_socket_they_come_to(ports: Ports) -> None:
    port = unused_port()
    for number in (2, 4, 2):
        house = House(f".:{port} {{\n bind 127.0.0.1\n multisocket {number}\n whoami\n}}\n")
        ports.serve(house.instance)
        await ports.end_retired(1.0, _nothing_runs)
        assert bound(port) == number
        for _ in range(4 * number):  # each from a port of its own, which the kernel chooses a socket by
            await ask_by_udp(port)
            await ask_by_tcp(port)


async def _nothing_runs() -> None:
    pass


async def ask_by_udp(port: int) -> None:
    client = UdpClient("127.0.0.1", port)
    with client.sock:
        assert (await client.ask(packet("web.example")))[:2] == b"\x12\x34"


async def ask_by_tcp(port: int) -> None:
    client = TcpClient(*await asyncio.open_connection("127.0.0.1", port))
    assert (await client.ask(packet("web.example")))[:2] == b"\x12\x34"
    await client.close()


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("multisocket 1 2", "Wrong argument count or unexpected line ending after '2'"),
        ("multisocket 1\nmultisocket 2", "Wrong argument count or unexpected line ending after 'multisocket'"),
        ("multisocket x", 'invalid num sockets: strconv.Atoi: parsing "x": invalid syntax'),
        ("multisocket 0", "num sockets can not be zero or negative: 0"),
        ("multisocket -2", "num sockets can not be zero or negative: -2"),
        ("multisocket 1025", "num sockets exceeds maximum (1024): 1025"),
        ("multisocket {\n sockets 2\n}", "unknown property 'sockets'"),
    ],
)
def test_setup_errors(text: str, error: str) -> None:
    with pytest.raises(ConfigError) as raised:
        root_chain(text)
    assert str(raised.value).startswith("plugin/multisocket: Corefile:")
    assert raised.value.message == error
