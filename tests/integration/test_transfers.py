"""Zones on their way from kdns to another implementation and from there to kdns again, told of by NOTIFY (RFC 1996)."""

import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from kdns.wire import codes
from kdns.wire.message import Message
from tests.conftest import RequireTool
from tests.integration.running import PATIENCE, Kdns, ask, free_ports

pytestmark = [pytest.mark.integration, pytest.mark.clients]

ZONE = """$TTL 60
@        SOA   ns1 host {serial} 3600 900 604800 300
         NS    ns1
ns1      A     192.0.2.1
www      A     {address}
*.wild   TXT   "here" "and \\"there\\""
_s._tcp  SRV   1 2 3 ns1
svc      HTTPS 1 . alpn=h2
"""
COREFILE = """example.org:{first} {{
    bind 127.0.0.1
    auto {{
        directory zones
        reload 100ms
    }}
    transfer {{
        to 127.0.0.1:{middle}
    }}
}}
example.org:{last} {{
    bind 127.0.0.1
    secondary {{
        transfer from 127.0.0.1:{middle}
    }}
}}
"""
NSD = """server:
    ip-address: 127.0.0.1@{middle}
    username: ""
    chroot: ""
    zonesdir: "{folder}"
    database: ""
    pidfile: "{folder}/nsd.pid"
    xfrdfile: "{folder}/xfrd.state"
    xfrdir: "{folder}"
    zonelistfile: "{folder}/zone.list"
    xfrd-reload-timeout: 0
    server-count: 1
remote-control:
    control-enable: no
zone:
    name: example.org
    request-xfr: AXFR 127.0.0.1@{first} NOKEY
    allow-notify: 127.0.0.1 NOKEY
    notify: 127.0.0.1@{last} NOKEY
    provide-xfr: 127.0.0.1 NOKEY
"""


def put(folder: Path, serial: int, address: str) -> None:
    new = folder / "new"
    new.write_text(ZONE.format(serial=serial, address=address))
    new.replace(folder / "zones" / "db.example.org")


@contextmanager
def nsd(program: str, folder: Path) -> Iterator[None]:
    process = subprocess.Popen([program, "-d", "-c", folder / "nsd.conf"], stderr=subprocess.DEVNULL)
    try:
        yield
    finally:
        process.terminate()
        process.wait(PATIENCE)


def wait_for(port: int, address: bytes) -> Message:
    """Wait until a server has this address for www.example.org."""
    deadline = time.monotonic() + PATIENCE
    while True:
        reply = ask(port, "www.example.org")
        if [record.data for record in reply.answer] == [address]:
            return reply
        assert time.monotonic() < deadline, f"still {codes.rcode_name(reply.rcode)} {reply.answer}"
        time.sleep(0.02)


def test_through_another_server(require_tool: RequireTool, tmp_path: Path) -> None:
    program = require_tool("nsd")
    first, middle, last = free_ports(3)
    places = {"first": first, "middle": middle, "last": last, "folder": tmp_path}
    (tmp_path / "zones").mkdir()
    put(tmp_path, 1, "192.0.2.2")
    (tmp_path / "Corefile").write_text(COREFILE.format(**places))
    (tmp_path / "nsd.conf").write_text(NSD.format(**places))
    with Kdns("-conf", "Corefile", cwd=tmp_path) as kdns:
        kdns.wait_for("kdns-")
        assert ask(last, "www.example.org").rcode == codes.SERVFAIL
        with nsd(program, tmp_path):
            wait_for(last, b"\xc0\0\2\2")
            for text, rtype in (("x.wild", "TXT"), ("_s._tcp", "SRV"), ("svc", "HTTPS"), ("nowhere", "A")):
                here, there = (ask(port, f"{text}.example.org", rtype) for port in (first, last))
                assert (here.rcode, here.flags, here.answer) == (there.rcode, there.flags, there.answer)
                assert here.authority == there.authority
            put(tmp_path, 2, "192.0.2.22")
            wait_for(last, b"\xc0\0\2\x16")
        kdns.wait_for("[INFO] plugin/file: Notify from 127.0.0.1 for example.org.: checking transfer")
