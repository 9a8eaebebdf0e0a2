"""Real clients of DNS over TLS and HTTPS: dig, kdig, curl; and a certificate that changes under them."""

import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.conftest import RequireTool
from tests.integration.running import Kdns, free_ports
from tests.kit.web import TLS
from tests.net.doh_rows import QUERY, encoded

pytestmark = [pytest.mark.integration, pytest.mark.clients]

Run = Callable[..., str]


class Served(NamedTuple):
    """A running kdns and its ports."""

    kdns: Kdns
    folder: Path
    dot: int
    doh: int
    clear: int


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("encrypted")
    dot, doh, clear = free_ports(3)
    certify(folder, "server")
    (folder / "Corefile").write_text(f"""\
tls://.:{dot} https://.:{doh} {{
    bind 127.0.0.1
    tls {folder}/tls.crt {folder}/tls.key
    hosts {{
        192.0.2.1 web.example
        {"".join(f"198.51.100.{n} many.example;" for n in range(1, 200)).replace(";", chr(10))}
        ttl 77
    }}
}}
https://.:{clear} {{
    bind 127.0.0.1
    whoami
}}
""")
    with Kdns(cwd=folder) as kdns:
        kdns.wait_for("kdns-")
        assert {f"tls://.:{dot} on 127.0.0.1", f"https://.:{doh} on 127.0.0.1"} <= set(kdns.lines)
        yield Served(kdns, folder, dot, doh, clear)
        assert not kdns.count("[ERROR]"), kdns.lines


def certify(folder: Path, name: str) -> None:
    """Give the server one of the kit's certificates."""
    for kind in ("crt", "key"):
        (folder / f"tls.{kind}").write_bytes((TLS / f"{name}.{kind}").read_bytes())


@pytest.fixture
def run(require_tool: RequireTool) -> Run:
    """The output of a program, which must succeed."""

    def run(program: str, *words: str) -> str:
        done = subprocess.run([require_tool(program), *words], capture_output=True, text=True, timeout=15)
        assert done.returncode == 0, done
        return done.stdout

    return run


TRUST = (f"+tls-ca={TLS / 'ca.crt'}", "+tls-hostname=localhost")
HOW = ("@127.0.0.1", "+short", "+tries=1", "+time=3")
MANY = sorted(f"198.51.100.{n}" for n in range(1, 200))


@pytest.mark.parametrize("how", ["+tls", "+https", "+https-get"])
def test_dig(served: Served, run: Run, how: str) -> None:
    port = served.dot if how == "+tls" else served.doh
    words = (*HOW, "-p", str(port), how, *TRUST)
    assert run("dig", *words, "web.example").split() == ["192.0.2.1"]
    assert sorted(run("dig", *words, "many.example").split()) == MANY
    assert run("dig", *words, "web.example", "AAAA", "web.example", "A").split() == ["192.0.2.1"]


@pytest.mark.parametrize("how", [("+tls",), ("+https",), ("+https", "+https-get")])
def test_kdig(served: Served, run: Run, how: tuple[str, ...]) -> None:
    port = served.dot if how == ("+tls",) else served.doh
    words = ("@127.0.0.1", "-p", str(port), "+short", "+retry=0", "+time=3", *how, *TRUST)
    assert run("kdig", *words, "web.example").split() == ["192.0.2.1"]
    assert sorted(run("kdig", *words, "many.example").split()) == MANY


@pytest.mark.parametrize(("version", "shown"), [("--http2", "2"), ("--http1.1", "1.1")])
def test_curl(served: Served, run: Run, version: str, shown: str) -> None:
    url = f"https://localhost:{served.doh}"
    words = ("--silent", "--cacert", str(TLS / "ca.crt"), "--write-out", "%{http_version} %{http_code}", version)
    sink = ("--output", "/dev/null")
    assert run("curl", *words, *sink, f"{url}/dns-query?dns={encoded(QUERY)}") == f"{shown} 200"
    assert run("curl", *words, *sink, f"{url}/") == f"{shown} 404"
    assert run("curl", *words, "--head", *sink, f"{url}/dns-query?dns={encoded(QUERY)}") == f"{shown} 400"
    (served.folder / "query").write_bytes(QUERY)
    posted = ("--data-binary", f"@{served.folder / 'query'}", "--header", "content-type: application/dns-message")
    head = run("curl", *words, *posted, "--dump-header", "-", *sink, f"{url}/dns-query")
    assert "cache-control: max-age=77" in head.lower()


def test_curl_in_clear_text(served: Served, run: Run) -> None:
    words = ("--silent", "--output", "/dev/null", "--write-out", "%{http_version} %{http_code}")
    url = f"http://127.0.0.1:{served.clear}/dns-query?dns={encoded(QUERY)}"
    assert run("curl", *words, url) == "1.1 200"


def test_a_new_certificate_comes_with_a_reload(served: Served, run: Run) -> None:
    words = (*HOW, "-p", str(served.doh), "+https", *TRUST, "web.example")
    assert run("dig", *words).split() == ["192.0.2.1"]
    assert _subject(served, run) == "kit server"
    certify(served.folder, "client")
    try:
        served.kdns.send_signal(signal.SIGUSR1)
        served.kdns.wait_for("[INFO] Reloading complete")
        assert _subject(served, run) == "kit client"
        assert run("dig", *words).split() == ["192.0.2.1"]
    finally:
        certify(served.folder, "server")


def _subject(served: Served, run: Run) -> str:
    url = f"https://localhost:{served.doh}/"
    words = ("--silent", "--cacert", str(TLS / "ca.crt"), "--output", "/dev/null", "--write-out", "%{certs}")
    lines = run("curl", *words, url).splitlines()
    return next(line.rpartition("= ")[2] for line in lines if line.startswith("Subject:"))
