import asyncio
import re
import socket
import ssl
from collections.abc import Callable
from pathlib import Path

import pytest
from blockbuster import BlockBuster
from prometheus_client.parser import text_string_to_metric_families

from kdns.chain.answer import Answer
from tests.kit.chain import Chain, Next, chain_of, chains_of, root_chain
from tests.kit.http import fetch
from tests.kit.upstream import unused_port

Printed = Callable[[], list[str]]

KEYS = Path(__file__).parents[2] / "kit" / "tls"


@pytest.fixture(autouse=True)
def proc(blockbuster: BlockBuster | None) -> None:
    """Figures of the process come out of /proc, which is memory and may be read on the loop."""
    if blockbuster is not None:
        for name in ("io.BufferedReader.read", "io.TextIOWrapper.read", "os.listdir"):
            blockbuster.functions[name].can_block_in("kdns/plugins/prometheus/process.py", {"read", "_network"})


@pytest.fixture
def port() -> int:
    return unused_port()


def enabled(chain: Chain) -> list[str]:
    lines = chain.registry.render().decode().splitlines()
    return [line.removeprefix("coredns_plugin_enabled") for line in lines if line.startswith("coredns_plugin_enabled{")]


async def test_everything_is_exported(port: int) -> None:
    chain = root_chain(f"prometheus 127.0.0.1:{port} {{\n runtime_metrics\n}}", behind=Next(Answer()))
    async with chain.running():
        await chain.asked("a.example")
        found = await fetch(port, "/metrics")
        assert (await fetch(port, "/")).status == 404
    assert found.status == 200
    assert found.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8; escaping=underscores"
    families = {family.name: family for family in text_string_to_metric_families(found.body)}
    assert families["coredns_dns_requests"].samples[0].value == 1
    for name in (
        "process_cpu_seconds",
        "process_resident_memory_bytes",
        "process_virtual_memory_bytes",
        "process_virtual_memory_max_bytes",
        "process_open_fds",
        "process_max_fds",
        "process_start_time_seconds",
        "process_network_receive_bytes",
        "process_network_transmit_bytes",
    ):
        assert families[name].samples[0].value > 0, name
    with pytest.raises(ConnectionRefusedError):
        await fetch(port, "/metrics")


def test_buckets_are_written_as_go_writes_them() -> None:
    chain = root_chain("prometheus", behind=Next(Answer()))
    chain.ask("a.example")
    text = chain.registry.render().decode()
    bounds = re.findall(r'coredns_dns_request_duration_seconds_bucket{le="([^"]*)"', text)
    assert " ".join(bounds) == (
        "0.00025 0.0005 0.001 0.002 0.004 0.008 0.016 0.032 0.064 0.128 0.256 0.512 1.024 2.048 4.096 8.192 +Inf"
    )
    bounds = re.findall(r'coredns_dns_request_size_bytes_bucket{le="([^"]*)"', text)
    assert " ".join(bounds) == "0 100 200 300 400 511 1023 2047 4095 8291 16000 32000 48000 64000 +Inf"


async def test_blocks_with_the_same_address_share_it(port: int) -> None:
    other = unused_port()
    ports = (port, port, other)
    chains = chains_of("".join(f"b{i}.example {{\n prometheus 127.0.0.1:{p}\n}}\n" for i, p in enumerate(ports)))
    async with chains[0].running():
        for each in (port, other):
            found = await fetch(each, "/metrics")
            assert {f'zone="b{i}.example."' in found.body for i in range(3)} == {True}
        assert len(await asyncio.gather(*[fetch(port, "/metrics") for _ in range(20)])) == 20


async def test_plugins_of_the_first_key_are_shown_for_each_address(port: int) -> None:
    words = f"prometheus 127.0.0.1:{port}\nerrors\nbind ::1 127.0.0.1\nwhoami"
    chain = chain_of(f"Example.org:1053 tls://example.net {{\n{words}\n}}")
    where = 'view="",zone="example.org."'
    async with chain.running():
        shown = sorted(
            f'{{name="{name}",server="dns://{host}:1053",{where}}} 1.0'
            for name in ("prometheus", "errors", "whoami")
            for host in ("[::1]", "127.0.0.1")
        )
        assert sorted(enabled(chain)) == shown
        await chain.fire("restart")
        assert enabled(chain) == []
        with pytest.raises(ConnectionRefusedError):
            await fetch(port, "/metrics")
        await chain.fire("restart_failed")
        assert sorted(enabled(chain)) == shown
        assert (await fetch(port, "/metrics")).status == 200


async def test_without_bind_the_server_is_any_address(port: int) -> None:
    chain = root_chain(f"prometheus 127.0.0.1:{port}")
    async with chain.running():
        assert enabled(chain) == ['{name="prometheus",server="dns://:53",view="",zone="."} 1.0']


async def test_an_address_that_cannot_be_opened_is_an_error_and_no_more(printed: Printed) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        place = f"127.0.0.1:{taken.getsockname()[1]}"
        chain = root_chain(f"prometheus {place}", behind=Next(Answer()))
        async with chain.running():
            await chain.asked("a.example")
    assert printed() == [
        f"[ERROR] Failed to start metrics handler: listen tcp {place}: bind: address already in use",
    ]


async def test_an_instance_that_comes_to_nothing_leaves_no_endpoint(port: int) -> None:
    with pytest.raises(RuntimeError):
        async with root_chain(f"prometheus 127.0.0.1:{port}").running():
            raise RuntimeError
    with pytest.raises(ConnectionRefusedError):
        await fetch(port, "/metrics")


def web_config(tmp_path: Path, text: str) -> str:
    (tmp_path / "web.yml").write_text(text)
    return str(tmp_path / "web.yml")


async def test_over_tls(port: int, tmp_path: Path, printed: Printed) -> None:
    file = web_config(tmp_path, f"tls_server_config: {{cert_file: {KEYS}/server.crt, key_file: {KEYS}/server.key}}")
    client = ssl.create_default_context(cafile=str(KEYS / "ca.crt"))
    client.check_hostname = False
    async with root_chain(f"prometheus 127.0.0.1:{port} {{\n tls {file}\n}}").running():
        reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=client)
        writer.write(b"GET /metrics HTTP/1.1\r\nHost: kdns\r\nConnection: close\r\n\r\n")
        assert b"coredns_build_info" in await reader.read()
        writer.close()
    assert printed() == []


async def test_a_web_configuration_that_cannot_be_used_opens_nothing(
    port: int, tmp_path: Path, printed: Printed
) -> None:
    file = web_config(tmp_path, "basic_auth_users: {me: secret}")
    async with root_chain(f"prometheus 127.0.0.1:{port} {{\n tls {file}\n}}").running():
        with pytest.raises(ConnectionRefusedError):
            await fetch(port, "/metrics")
    said = f"[ERROR] Failed to start HTTPS metrics server: {file}: "
    assert printed() == [f"{said}only tls_server_config is supported in a web configuration"]
