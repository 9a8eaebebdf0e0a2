"""Signed queries of real clients (RFC 8945): dig, and another name server that fetches a zone."""

import base64
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from kdns.wire import codes
from tests.conftest import RequireTool
from tests.integration.running import PATIENCE, Kdns, ask, free_ports

pytestmark = [pytest.mark.integration, pytest.mark.clients]

SECRET = base64.b64encode(b"a secret of thirty-two octets ..").decode()
ZONE = """$TTL 60
@    SOA  ns1 host 7 3600 900 604800 300
     NS   ns1
ns1  A    192.0.2.1
www  A    192.0.2.2
"""
COREFILE = f"""example.org:{{first}} {{{{
    bind 127.0.0.1
    tsig {{{{
        secret Key.Example.Org {SECRET}
        require AXFR TXT
    }}}}
    transfer {{{{
        to *
    }}}}
    file zone
}}}}
"""
NSD = f"""server:
    ip-address: 127.0.0.1@{{other}}
    username: ""
    chroot: ""
    zonesdir: "{{folder}}"
    database: ""
    pidfile: "{{folder}}/nsd.pid"
    xfrdfile: "{{folder}}/xfrd.state"
    xfrdir: "{{folder}}"
    zonelistfile: "{{folder}}/zone.list"
    server-count: 1
remote-control:
    control-enable: no
key:
    name: key.example.org
    algorithm: hmac-sha512
    secret: "{SECRET}"
zone:
    name: example.org
    request-xfr: AXFR 127.0.0.1@{{first}} key.example.org
"""


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """The port of a kdns with a zone of many messages."""
    folder = tmp_path_factory.mktemp("signed")
    (port,) = free_ports(1)
    (folder / "zone").write_text(ZONE + "".join(f"n{number} TXT {'x' * 200}\n" for number in range(900)))
    (folder / "Corefile").write_text(COREFILE.format(first=port))
    with Kdns("-conf", "Corefile", cwd=folder) as kdns:
        kdns.wait_for("kdns-")
        yield port


def dig(program: str, port: int, key: str, *words: str) -> str:
    command = [program, "@127.0.0.1", "-p", str(port), "+time=5", "+tries=1", "-y", key, *words]
    done = subprocess.run(command, text=True, capture_output=True, timeout=PATIENCE)
    return done.stdout + done.stderr


@pytest.mark.parametrize("algorithm", ["sha1", "sha224", "sha256", "sha384", "sha512"])
def test_dig_believes_replies(served: int, require_tool: RequireTool, algorithm: str) -> None:
    """It says so if a signature is not good, and does without where the code says that it is to be so."""
    program = require_tool("dig")
    key = f"hmac-{algorithm}:key.example.org:{SECRET}"
    for words in (
        ("www.example.org",),
        ("www.example.org", "+tcp"),
        ("nowhere.example.org", "+noedns"),
        ("n1.example.org", "TXT"),
    ):
        output = dig(program, served, key, *words)
        assert f"hmac-{algorithm}." in output
        assert "WARNING -- Some TSIG could not be validated" not in output
        assert "Couldn't verify signature" not in output
        assert ("NXDOMAIN" if "nowhere" in words[0] else "NOERROR") in output


def test_dig_is_told_what_is_wrong(served: int, require_tool: RequireTool) -> None:
    program = require_tool("dig")
    assert "BADKEY" in dig(program, served, f"hmac-sha256:other.example.org:{SECRET}", "www.example.org")
    assert "BADSIG" in dig(program, served, "hmac-sha256:key.example.org:AAAA", "www.example.org")


def test_dig_fetches_a_zone(served: int, require_tool: RequireTool) -> None:
    program = require_tool("dig")
    output = dig(program, served, f"hmac-sha256:key.example.org:{SECRET}", "example.org", "AXFR")
    records = [line for line in output.splitlines() if line and not line.startswith(";")]
    assert len([line for line in records if "\tTXT\t" in line]) == 900
    assert len([line for line in records if "\tTSIG\t" in line]) > 3
    assert "verify" not in output
    failed = dig(program, served, "hmac-sha256:key.example.org:AAAA", "example.org", "AXFR")
    assert "Transfer failed" in failed


def test_another_server_fetches_a_zone(served: int, require_tool: RequireTool, tmp_path: Path) -> None:
    program = require_tool("nsd")
    (other,) = free_ports(1)
    (tmp_path / "nsd.conf").write_text(NSD.format(first=served, other=other, folder=tmp_path))
    with nsd(program, tmp_path):
        deadline = time.monotonic() + PATIENCE
        while not has(other, "n899.example.org"):
            assert time.monotonic() < deadline
            time.sleep(0.02)
    assert ask(served, "n899.example.org", "TXT").rcode == codes.REFUSED


def has(port: int, name: str) -> bool:
    with suppress(ConnectionRefusedError):
        return ask(port, name, "TXT").rcode == codes.NOERROR
    return False


@contextmanager
def nsd(program: str, folder: Path) -> Iterator[None]:
    process = subprocess.Popen([program, "-d", "-c", folder / "nsd.conf"], stderr=subprocess.DEVNULL)
    try:
        yield
    finally:
        process.terminate()
        process.wait(PATIENCE)
