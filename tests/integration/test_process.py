"""The process seen from outside: command line, output, signals, exit status (`corefile.md` sections 10-13).

Texts and statuses are those of a CoreDNS binary that was put through the same.
"""

import os
import signal
import socket
import time
from pathlib import Path

import pytest

from kdns.wire import codes
from tests.integration.load import Load
from tests.integration.running import Kdns, ask, fetch, free_ports, run, wait_until_refused
from tests.kit.house import packet

pytestmark = pytest.mark.integration

STARTED = "kdns-"
"""How the line begins that is printed when all is up."""
RELOADED = "[INFO] Reloading complete"


def write(folder: Path, text: str, name: str = "Corefile") -> Path:
    path = folder / name
    path.write_text(text)
    return path


def block(port: int, *directives: str, zone: str = ".") -> str:
    return "\n".join([f"{zone}:{port} {{", "bind 127.0.0.1", *directives, "}", ""])


# The command line


def test_version_and_plugins(tmp_path: Path) -> None:
    status, output, errors = run("-version", cwd=tmp_path)
    assert (status, errors) == (0, "")
    assert len(output.splitlines()) == 2
    assert output.startswith("kdns-")
    status, output, errors = run("--plugins", cwd=tmp_path)
    names = output.split("\n")
    assert (status, errors, names[-2:]) == (0, "", ["", ""])
    assert names[:-2] == sorted(names[:-2])
    assert {"kubernetes", "forward", "cache", "whoami"} <= set(names)


@pytest.mark.parametrize(
    ("words", "status", "error"),
    [
        ("-conf nowhere", 1, "loading Caddyfile via flag: open nowhere: no such file or directory\n"),
        ("-conf .", 1, "loading Caddyfile via flag: read .: is a directory\n"),
        ("-kubednscm nowhere", 1, "loading Caddyfile via default: open nowhere: no such file or directory\n"),
        ("-foo", 2, "flag provided but not defined: -foo\nUsage of kdns:\n"),
        ("-conf a b", 1, "extra command line arguments: [b]\n"),
    ],
)
def test_what_cannot_be_started(tmp_path: Path, words: str, status: int, error: str) -> None:
    outcome, output, errors = run(*words.split(), cwd=tmp_path)
    assert (outcome, output) == (status, "")
    assert errors.startswith(error)
    assert status == 2 or errors == error


@pytest.mark.parametrize(
    ("stubs", "error"),
    [
        ('{"a": ["192.0.2.1"],\n }', "2 - Error during parsing: stubDomains, line 2, column 2: not the JSON"),
        ('{"a": ["192.0.2"]}', "1 - Error during parsing: stubDomains, line 1, column 8: '192.0.2' is neither an IP"),
        ('{"b": ["192.0.2.1"]}', "1 - Error during parsing: cannot serve dns://b.:53 - it is already defined"),
    ],
)
def test_stub_domains_that_cannot_be_served(tmp_path: Path, stubs: str, error: str) -> None:
    write(tmp_path, ".:53 b:53 {\n whoami\n}\n")
    (tmp_path / "cm").mkdir()
    write(tmp_path, stubs, "cm/stubDomains")
    status, output, errors = run("-kubednscm", "cm", cwd=tmp_path)
    assert (status, output) == (1, "")
    assert errors.startswith(f"cm/stubDomains:{error}")


@pytest.mark.parametrize(
    ("corefile", "error"),
    [
        (".:0 {\n whoami\n nosuch\n}\n", "Corefile:3 - Error during parsing: Unknown directive 'nosuch'"),
        (".:0 {\n whoami\n", "Corefile:2 - Syntax error: Unexpected token 'whoami', expecting '}'"),
        (
            ".:0 {\n health a:b:c\n}\n",
            "plugin/health: Corefile:2 - Error during parsing: address a:b:c: too many colons in address",
        ),
        (".:0 {\n bind 192.0.2.77\n}\n", "Listen: listen tcp 192.0.2.77:0: bind: cannot assign requested address"),
    ],
)
def test_corefiles_that_cannot_be_served(tmp_path: Path, corefile: str, error: str) -> None:
    write(tmp_path, corefile)
    status, output, errors = run(cwd=tmp_path)
    assert (status, output) == (1, "")
    assert errors.startswith(error)
    assert "Traceback" not in errors


@pytest.mark.parametrize("kind", ["tcp", "udp", "health"])
def test_an_address_that_is_taken(tmp_path: Path, kind: str) -> None:
    port, probe = free_ports(2)
    write(tmp_path, block(port, f"health 127.0.0.1:{probe}", "whoami"))
    family = socket.SOCK_DGRAM if kind == "udp" else socket.SOCK_STREAM
    taken = probe if kind == "health" else port
    with socket.socket(socket.AF_INET, family) as other:
        other.bind(("127.0.0.1", taken))
        if family == socket.SOCK_STREAM:
            other.listen()
        status, _, errors = run(cwd=tmp_path)
    start = {"tcp": "Listen: listen tcp", "udp": "ListenPacket: listen udp", "health": "listen tcp"}[kind]
    assert (status, errors) == (1, f"{start} 127.0.0.1:{taken}: bind: address already in use\n")


def test_stdin_is_read_once(tmp_path: Path) -> None:
    (port,) = free_ports(1)
    with Kdns("-conf", "stdin", cwd=tmp_path, text=block(port, "whoami")) as kdns:
        kdns.wait_for(STARTED)
        kdns.send_signal(signal.SIGUSR1)
        kdns.wait_for(RELOADED)
        assert ask(port).rcode == codes.NOERROR
        assert kdns.end(signal.SIGTERM) == 0


@pytest.mark.parametrize("corefile", [None, "# nothing\n"], ids=["none", "empty"])
def test_the_built_in_corefile(tmp_path: Path, corefile: str | None) -> None:
    (port,) = free_ports(1)
    if corefile is not None:
        write(tmp_path, corefile)
    with Kdns(f"-dns.port={port}", cwd=tmp_path) as kdns:
        lines = kdns.wait_for(STARTED)
        assert lines[0] == f".:{port}"
        assert len(ask(port).additional) == 2
        kdns.wait_for("[INFO] 127.0.0.1:")
        assert kdns.end(signal.SIGTERM) == 0


def test_quiet_and_pidfile(tmp_path: Path) -> None:
    (port,) = free_ports(1)
    write(tmp_path, block(port, "whoami"))
    with Kdns("-quiet", "-pidfile", "pid", cwd=tmp_path) as kdns:
        while not (tmp_path / "pid").exists() or not (tmp_path / "pid").read_text():
            assert kdns.process.poll() is None
            time.sleep(0.01)
        assert (tmp_path / "pid").read_text() == f"{kdns.process.pid}\n"
        assert kdns.lines == []
        assert kdns.end(signal.SIGQUIT) == 0
    assert not (tmp_path / "pid").exists()
    assert kdns.lines == ["[INFO] SIGQUIT: Quitting process immediately"]


def test_a_pidfile_that_cannot_be_written_is_only_logged(tmp_path: Path) -> None:
    (port,) = free_ports(1)
    write(tmp_path, block(port, "whoami"))
    with Kdns("-pidfile", "no/such/folder", cwd=tmp_path) as kdns:
        kdns.wait_for("[ERROR] Could not write pidfile:")
        assert ask(port).rcode == codes.NOERROR
        assert kdns.end(signal.SIGINT) == 0


# Signals


def test_sigterm_serves_through_the_lameduck_time(tmp_path: Path) -> None:
    port, probe, readiness = free_ports(3)
    write(
        tmp_path, block(port, f"health 127.0.0.1:{probe} {{\nlameduck 1s\n}}", f"ready 127.0.0.1:{readiness}", "whoami")
    )
    with Kdns("-pidfile", "pid", cwd=tmp_path) as kdns:
        kdns.wait_for(STARTED)
        assert (fetch(probe, "/health"), fetch(readiness, "/ready")) == ((200, "OK"), (200, "OK"))
        with socket.create_connection(("127.0.0.1", port)) as idle:
            begun = time.monotonic()
            kdns.send_signal(signal.SIGTERM)
            kdns.wait_for("[INFO] plugin/health: Going into lameduck mode for 1s")
            wait_until_refused(readiness)
            assert fetch(probe, "/health") == (200, "OK")
            assert ask(port).rcode == codes.NOERROR
            query = packet("late.example")
            idle.sendall(len(query).to_bytes(2, "big") + query)
            assert idle.recv(2)
            for impatient in (signal.SIGTERM, signal.SIGINT):
                kdns.send_signal(impatient)
                kdns.wait_for(f"[INFO] {impatient.name}: Shutting down", times=2 if impatient is signal.SIGTERM else 1)
                assert fetch(probe, "/health") == (200, "OK")
            while idle.recv(65535):
                pass
        assert kdns.end() == 0
        assert 1.0 <= time.monotonic() - begun < 4.0
    assert "[INFO] SIGTERM: Shutting down servers then terminating" in kdns.lines
    assert not (tmp_path / "pid").exists()


def test_sigint_and_again(tmp_path: Path) -> None:
    port, probe = free_ports(2)
    write(tmp_path, block(port, f"health 127.0.0.1:{probe} {{\nlameduck 1m\n}}", "whoami"))
    with Kdns("-pidfile", "pid", cwd=tmp_path) as kdns:
        kdns.wait_for(STARTED)
        kdns.send_signal(signal.SIGINT)
        kdns.wait_for("[INFO] plugin/health: Going into lameduck mode")
        assert not (tmp_path / "pid").exists()
        assert ask(port).rcode == codes.NOERROR
        assert kdns.end(signal.SIGINT) == 2
    assert kdns.lines[-3:] == [
        "[INFO] SIGINT: Shutting down",
        "[INFO] plugin/health: Going into lameduck mode for 1m0s",
        "[INFO] SIGINT: Force quit",
    ]


def test_sigquit_does_not_wait(tmp_path: Path) -> None:
    port, probe = free_ports(2)
    write(tmp_path, block(port, f"health 127.0.0.1:{probe} {{\nlameduck 1m\n}}", "whoami"))
    with Kdns(cwd=tmp_path) as kdns:
        kdns.wait_for(STARTED)
        kdns.send_signal(signal.SIGTERM)
        kdns.wait_for("[INFO] plugin/health: Going into lameduck mode")
        assert kdns.end(signal.SIGQUIT) == 0


def test_other_zones_are_served_while_the_first_load_is_awaited(tmp_path: Path) -> None:
    (port,) = free_ports(1)
    silent = socket.create_server(("127.0.0.1", 0))
    api = f"endpoint http://127.0.0.1:{silent.getsockname()[1]}"
    cluster = block(port, f"kubernetes {{\n{api}\nstartup_timeout 1m\n}}", zone="cluster.local")
    write(tmp_path, cluster + block(port, "whoami"))
    with silent, Kdns(cwd=tmp_path) as kdns, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        kdns.wait_for(STARTED)
        sock.connect(("127.0.0.1", port))
        sock.send(packet("web.shop.svc.cluster.local", "A"))
        assert ask(port).rcode == codes.NOERROR
        with pytest.raises(BlockingIOError):
            sock.recv(512, socket.MSG_DONTWAIT)
        begun = time.monotonic()
        assert kdns.end(signal.SIGTERM) == 0
        assert time.monotonic() - begun < 4.0


def test_sighup_is_ignored(tmp_path: Path) -> None:
    (port,) = free_ports(1)
    write(tmp_path, block(port, "whoami"))
    with Kdns(cwd=tmp_path) as kdns:
        kdns.wait_for(STARTED)
        kdns.send_signal(signal.SIGHUP)
        assert ask(port).rcode == codes.NOERROR
        assert kdns.end(signal.SIGTERM) == 0


# Reload


def test_sigusr1_reloads(tmp_path: Path) -> None:
    port, other, probe, figures = free_ports(4)
    common = (f"health 127.0.0.1:{probe}", f"prometheus 127.0.0.1:{figures}", "whoami")
    write(tmp_path, block(port, *common))
    with Kdns(cwd=tmp_path) as kdns:
        kdns.wait_for(STARTED)
        assert ask(port).rcode == codes.NOERROR
        write(tmp_path, block(other, *common))
        kdns.send_signal(signal.SIGUSR1)
        lines = kdns.wait_for(RELOADED)
        assert lines[-3:] == ["[INFO] SIGUSR1: Reloading", "[INFO] Reloading", RELOADED]
        assert ask(other).rcode == codes.NOERROR
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.connect(("127.0.0.1", port))
            sock.send(packet("example.org"))
            with pytest.raises(ConnectionRefusedError):
                sock.recv(512)
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", port))
        assert fetch(probe, "/health")[0] == 200
        metrics = fetch(figures, "/metrics")[1]
        for each in (port, other):
            server = f'server="dns://127.0.0.1:{each}"'
            assert (
                f'coredns_dns_requests_total{{family="1",proto="udp",{server},type="A",view="",zone="."}} 1' in metrics
            )
        assert f'name="whoami",server="dns://127.0.0.1:{other}"' in metrics
        assert f'name="whoami",server="dns://127.0.0.1:{port}"' not in metrics
        assert kdns.end(signal.SIGTERM) == 0


def test_a_reload_that_fails_leaves_everything_as_it_was(tmp_path: Path) -> None:
    port, probe, figures, taken = free_ports(4)
    common = (f"health 127.0.0.1:{probe}", f"prometheus 127.0.0.1:{figures}", "whoami")
    blocker = socket.create_server(("127.0.0.1", taken))
    failures = [
        (block(port, *common, "nosuch"), "Corefile:6 - Error during parsing: Unknown directive 'nosuch'"),
        (
            block(port, *common, "ready nonsense"),
            "plugin/ready: Corefile:6 - Error during parsing: address nonsense: missing port in address",
        ),
        (
            block(port, f"health 127.0.0.1:{taken}", "whoami"),
            f"listen tcp 127.0.0.1:{taken}: bind: address already in use",
        ),
        (
            block(port, *common) + block(taken, f"health 127.0.0.1:{probe}"),
            f"Listen: listen tcp 127.0.0.1:{taken}: bind: address already in use",
        ),
    ]
    write(tmp_path, block(port, *common))
    with blocker, Kdns(cwd=tmp_path) as kdns:
        kdns.wait_for(STARTED)
        for number, (corefile, error) in enumerate(failures, 1):
            write(tmp_path, corefile)
            kdns.send_signal(signal.SIGUSR1)
            lines = kdns.wait_for("[ERROR] SIGUSR1:", times=number)
            assert lines[-3:-1] == ["[INFO] Reloading", f"[ERROR] Restart failed: {error}"]
            assert lines[-1] == f"[ERROR] SIGUSR1: starting with listener file descriptors: {error}"
            assert ask(port).rcode == codes.NOERROR
            assert fetch(probe, "/health") == (200, "OK")
            assert f'name="whoami",server="dns://127.0.0.1:{port}"' in fetch(figures, "/metrics")[1]
        (tmp_path / "Corefile").unlink()
        os.symlink("gone", tmp_path / "Corefile")
        write(tmp_path, block(port, *common), "gone")
        kdns.send_signal(signal.SIGUSR1)
        kdns.wait_for(RELOADED)
        assert ask(port).rcode == codes.NOERROR
        assert kdns.end(signal.SIGTERM) == 0
    assert not [line for line in kdns.lines if "Traceback" in line or "panic" in line]


def test_a_corefile_that_has_gone(tmp_path: Path) -> None:
    (port,) = free_ports(1)
    path = write(tmp_path, block(port, "whoami"))
    with Kdns("-conf", str(path), cwd=tmp_path) as kdns:
        kdns.wait_for(STARTED)
        path.unlink()
        kdns.send_signal(signal.SIGUSR1)
        text = f"[ERROR] SIGUSR1: loading updated Caddyfile: open {path}: no such file or directory"
        assert kdns.wait_for("[ERROR]")[-1] == text
        assert ask(port).rcode == codes.NOERROR
        assert kdns.end(signal.SIGTERM) == 0


@pytest.mark.slow
def test_a_mounted_config_map_is_followed(tmp_path: Path) -> None:
    """kubelet swaps a symbolic link to a folder, never a file (`ecosystem.md` section 1.5)."""
    (port,) = free_ports(1)

    def swap(version: str, override: str) -> None:
        folder = tmp_path / f"..{version}"
        folder.mkdir()
        write(folder, block(port, "reload 2s 0", "import custom/*.override", "whoami"))
        write(folder, override, "x.override")
        os.symlink(folder.name, tmp_path / "..tmp")
        os.replace(tmp_path / "..tmp", tmp_path / "..data")

    swap("1", "")
    os.symlink("..data/Corefile", tmp_path / "Corefile")
    (tmp_path / "custom").mkdir()
    os.symlink("../..data/x.override", tmp_path / "custom" / "x.override")
    with Kdns("-conf", str(tmp_path / "Corefile"), cwd=tmp_path) as kdns:
        kdns.wait_for(STARTED)
        kdns.wait_for("[INFO] plugin/reload: Running configuration SHA512")
        swap("2", "nosuch\n")
        kdns.wait_for(
            "[ERROR] plugin/reload: Corefile changed but reload failed: starting with listener file descriptors:"
        )
        assert f"{tmp_path}/custom/x.override:1 - Error during parsing: Unknown directive 'nosuch'" in kdns.lines[-1]
        assert ask(port).answer == ()
        swap("3", "hosts {\n192.0.2.7 example.org\nfallthrough\n}\n")
        kdns.wait_for(RELOADED)
        assert len(ask(port).answer) == 1
        assert kdns.count("[ERROR] plugin/reload:") == 1
        assert kdns.end(signal.SIGTERM) == 0


def test_blocks_share_a_health_address(tmp_path: Path) -> None:
    port, other, probe = free_ports(3)
    health = f"health 127.0.0.1:{probe}"
    write(tmp_path, block(port, health, "whoami") + block(other, health, "whoami"))
    with Kdns(cwd=tmp_path) as kdns:
        kdns.wait_for(STARTED)
        for number in (1, 2):
            assert fetch(probe, "/health") == (200, "OK")
            assert {ask(port).rcode, ask(other).rcode} == {codes.NOERROR}
            kdns.send_signal(signal.SIGUSR1)
            kdns.wait_for(RELOADED, times=number)
        assert kdns.end(signal.SIGTERM) == 0


# No query is lost


def test_ten_reloads_under_load_lose_no_query(tmp_path: Path) -> None:
    port, probe, figures = free_ports(3)
    zone = f"kubernetes cluster.local {{\nmanifests {Path(__file__).parents[2]}/deploy/demo/cluster\n}}"
    shared = ("errors", f"health 127.0.0.1:{probe}", f"prometheus 127.0.0.1:{figures}", "cache 30", "loadbalance", zone)
    write(tmp_path, block(port, *shared))
    with Kdns(cwd=tmp_path) as kdns:
        kdns.wait_for(STARTED)
        with Load(port, "web.shop.svc.cluster.local") as load:
            for number in range(1, 11):
                write(tmp_path, f"{block(port, *shared)}# {'x' * number}")
                before = load.asked["udp"]
                kdns.send_signal(signal.SIGUSR1)
                kdns.wait_for(RELOADED, times=number)
                load.wait_until_asked(before + 20)
        assert load.lost == []
        assert kdns.end(signal.SIGTERM) == 0
    assert min(load.asked.values()) > 10
    assert load.slowest < 1.0


@pytest.mark.parametrize("proto", ["udp", "tcp"])
@pytest.mark.parametrize("how", ["reload", "moved away", "SIGTERM"])
def test_a_query_under_way_is_answered(tmp_path: Path, proto: str, how: str) -> None:
    port, other = free_ports(2)
    upstream = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    upstream.bind(("127.0.0.1", 0))
    upstream.settimeout(10)
    forward = f"forward . 127.0.0.1:{upstream.getsockname()[1]} {{\nprefer_udp\n}}"
    write(tmp_path, block(port, "prometheus 127.0.0.1:0", forward))
    kind = socket.SOCK_DGRAM if proto == "udp" else socket.SOCK_STREAM
    with upstream, socket.socket(socket.AF_INET, kind) as client, Kdns(cwd=tmp_path) as kdns:
        kdns.wait_for(STARTED)
        client.settimeout(10)
        client.connect(("127.0.0.1", port))
        query = packet("slow.example.org")
        client.sendall(query if proto == "udp" else len(query).to_bytes(2, "big") + query)
        asked, address = upstream.recvfrom(4096)
        if how == "SIGTERM":
            kdns.send_signal(signal.SIGTERM)
            kdns.wait_for("[INFO] SIGTERM")
        else:
            write(tmp_path, block(other if how == "moved away" else port, "prometheus 127.0.0.1:0", forward))
            kdns.send_signal(signal.SIGUSR1)
            kdns.wait_for("[INFO] Reloading")
        time.sleep(0.2)  # for whatever would let the query fall
        upstream.sendto(asked[:2] + b"\x81\x83" + asked[4:], address)
        reply = client.recv(4096)
        assert reply[-len(query) :][:2] == query[:2]
        assert reply[-len(query) :][3] & 15 == codes.NXDOMAIN
        client.close()
        if how != "SIGTERM":
            kdns.wait_for(RELOADED)
        assert kdns.end(None if how == "SIGTERM" else signal.SIGTERM) == 0
