import resource
from pathlib import Path

import pytest

from kdns.plugins.prometheus import process


def values() -> dict[str, float]:
    return {sample.name: sample.value for metric in process.read().collect() for sample in metric.samples}


def test_octets_of_the_network_namespace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    netstat = tmp_path / "netstat"
    netstat.write_text("TcpExt: A B\nTcpExt: 1 2\nIpExt: InNoRoutes InOctets OutOctets\nIpExt: 0 1234 5678\n")
    monkeypatch.setattr(process, "NETSTAT", netstat)
    found = values()
    assert found["process_network_receive_bytes_total"] == 1234
    assert found["process_network_transmit_bytes_total"] == 5678


@pytest.mark.parametrize("text", [None, "", "IpExt: InOctets\n", "IpExt: InOctets\nIpExt: many\n"])
def test_what_the_system_does_not_tell_is_left_out(
    text: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    netstat = tmp_path / "netstat"
    if text is not None:
        netstat.write_text(text)
    monkeypatch.setattr(process, "NETSTAT", netstat)
    assert not [name for name in values() if "network" in name]


@pytest.mark.parametrize(("limit", "shown"), [(resource.RLIM_INFINITY, 2**64 - 1), (1 << 40, 1 << 40)])
def test_the_limit_of_memory(limit: int, shown: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resource, "getrlimit", lambda which: (limit, limit))
    assert values()["process_virtual_memory_max_bytes"] == shown
