"""Real programs in a pod resolve through kdns as kubelet sets them up (`ecosystem.md` section 3).

Each of them stands for a family: dig and bind's nslookup, busybox, everything on glibc, everything on musl. None may
take noticeable time: a resolver that gets no usable reply waits for five seconds.
"""

import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.conftest import Require, RequireTool
from tests.integration import resolver
from tests.integration.namespaces import NODE, NODE_6, SECOND, SECOND_6, Namespaces, possible
from tests.integration.running import Kdns

pytestmark = [pytest.mark.integration, pytest.mark.clients]

HERE = Path(__file__).parent
PROMPT = 2.0
"""Seconds that no look-up takes, unless a resolver waited for something."""

# kubeadm's, with other sources of Services and of everything else.
COREFILE = f"""\
.:53 {{
    errors
    health
    ready
    kubernetes cluster.local in-addr.arpa ip6.arpa {{
       manifests {HERE}/cluster
       pods insecure
       fallthrough in-addr.arpa ip6.arpa
       ttl 30
    }}
    prometheus :9153
    forward . 127.0.0.1:5300 {{
       max_concurrent 1000
    }}
    cache 30 {{
       disable success cluster.local
       disable denial cluster.local
    }}
    loop
    reload
    loadbalance
}}
"""

RESOLV_CONF = f"""\
nameserver {NODE}
search shop.svc.cluster.local svc.cluster.local cluster.local
options ndots:5
"""
ETC = {
    "resolv.conf": RESOLV_CONF,
    "nsswitch.conf": "hosts: files dns\n",
    "hosts": "127.0.0.1 localhost\n",
}

WEB, DB = "10.96.0.80", ["10.244.1.10", "10.244.2.11"]
DUAL = ["10.96.0.90", "fd00:96::90"]
ABSOLUTE = "web.shop.svc.cluster.local"

Call = Callable[..., tuple[int, str]]
Find = Callable[..., list[str]]


@pytest.fixture(scope="module")
def call(require: Require, require_tool: RequireTool, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Call]:
    """Runs a program in the pod: status and output. Fails if it took so long that something was amiss."""
    require_tool("ip")
    reason = possible()
    require(not reason, reason)
    folder = tmp_path_factory.mktemp("node")
    (folder / "Corefile").write_text(COREFILE)
    with Namespaces(ETC) as both:
        beyond = [*both.on_node(), sys.executable, "-m", "tests.integration.resolver", "5300"]
        with subprocess.Popen(beyond, cwd=HERE.parents[1], stdout=subprocess.PIPE) as upstream:
            try:
                assert upstream.stdout is not None
                assert upstream.stdout.readline() == b"ready\n"
                with Kdns(cwd=folder, before=both.on_node()) as kdns:
                    kdns.wait_for("kdns-")

                    def call(*words: str) -> tuple[int, str]:
                        begun = time.monotonic()
                        outcome = both.in_pod(*words)
                        assert time.monotonic() - begun < PROMPT, f"{words}: {outcome}"
                        return outcome

                    yield call
                    assert not kdns.count("[ERROR]"), kdns.lines
            finally:
                upstream.kill()


@pytest.fixture(scope="module")
def dig(call: Call, require_tool: RequireTool) -> Find:
    """The records that `dig +short` shows, sorted."""
    program = require_tool("dig")

    def dig(*words: str) -> list[str]:
        status, output = call(program, "+search", "+short", "+tries=1", "+time=1", *words)
        assert status == 0, output
        assert ";;" not in output, output
        return sorted(output.splitlines())

    return dig


@pytest.fixture(scope="module")
def getent(call: Call, require_tool: RequireTool) -> Find:
    """The addresses that glibc finds, sorted, each once."""
    program = require_tool("getent")

    def getent(database: str, name: str) -> list[str]:
        status, output = call(program, database, name)
        assert status in (0, 2), output
        return sorted({line.split()[0] for line in output.splitlines()})

    return getent


@pytest.fixture(scope="module")
def musl(call: Call, require_tool: RequireTool, tmp_path_factory: pytest.TempPathFactory) -> Find:
    """The lines that a program on musl prints, sorted: addresses, or what is wrong."""
    program = tmp_path_factory.mktemp("musl") / "resolve"
    subprocess.run([require_tool("musl-gcc"), "-static", "-o", program, HERE / "musl.c"], check=True)

    def musl(how: str, name: str) -> list[str]:
        _, output = call(str(program), how, name)
        return sorted(output.splitlines())

    return musl


# dig


@pytest.mark.parametrize(
    ("words", "records"),
    [
        ("web", [WEB]),
        ("web.shop", [WEB]),
        ("web.shop.svc", [WEB]),
        (ABSOLUTE, [WEB]),
        ("db", DB),
        ("db-0.db", DB[:1]),
        ("10-244-1-10.shop.pod", DB[:1]),
        ("AAAA dual.infra", DUAL[1:]),
        ("AAAA web", []),
        ("SRV _http._tcp.web", [f"0 100 80 {ABSOLUTE}."]),
        ("SRV _sql._tcp.db", [f"0 50 5432 db-{n}.db.shop.svc.cluster.local." for n in (0, 1)]),
        (f"-x {WEB}", [f"{ABSOLUTE}."]),
        ("-x 10.244.2.11", ["db-1.db.shop.svc.cluster.local."]),
        ("-x fd00:96::90", ["dual.infra.svc.cluster.local."]),
        ("-x 203.0.113.9", []),
        ("api.example.com", resolver.ONE),
        ("payments", [*resolver.ONE, "api.example.com."]),
        ("many.example.com", sorted(resolver.MANY)),
        ("missing", []),
    ],
)
def test_dig(dig: Find, words: str, records: list[str]) -> None:
    assert dig(*words.split()) == records


@pytest.mark.parametrize("over", ["+notcp", "+tcp"])
@pytest.mark.parametrize("address", [NODE, SECOND, NODE_6, SECOND_6])
def test_dig_at_each_address_of_the_node(dig: Find, address: str, over: str) -> None:
    """dig takes a reply only from the address that it asked."""
    assert dig(f"@{address}", over, ABSOLUTE) == [WEB]
    assert dig(f"@{address}", over, "+ignore", "api.example.com.") == resolver.ONE


# bind's nslookup


def test_nslookup(call: Call, require_tool: RequireTool) -> None:
    program = require_tool("nslookup")
    for name, full in (("web", ABSOLUTE), ("web.shop", ABSOLUTE), ("api.example.com", "api.example.com")):
        status, output = call(program, name)
        assert status == 0, output
        assert f"Name:\t{full}\nAddress: " in output
    status, output = call(program, "-type=srv", "_sql._tcp.db")
    assert (status, output.count("service = 0 50 5432 db-")) == (0, 2), output
    status, output = call(program, WEB)
    assert (status, f"name = {ABSOLUTE}.\n" in output) == (0, True), output
    status, output = call(program, "missing")
    assert (status, "** server can't find missing: NXDOMAIN" in output) == (1, True), output


# busybox


@pytest.mark.parametrize(
    ("words", "found"),
    [
        (ABSOLUTE, [f"Address: {WEB}"]),
        ("dual.infra.svc.cluster.local", [f"Address: {address}" for address in DUAL]),
        ("-type=srv _http._tcp.web.shop.svc.cluster.local", [f"service = 0 100 80 {ABSOLUTE}"]),
        (WEB, [f"name = {ABSOLUTE}"]),
        ("api.example.com", [f"Address: {resolver.ONE[0]}"]),
    ],
)
def test_busybox_nslookup(call: Call, require_tool: RequireTool, words: str, found: list[str]) -> None:
    status, output = call(require_tool("busybox"), "nslookup", *words.split())
    assert status == 0, output
    assert "can't find" not in output
    assert all(line in output for line in found), output


def test_busybox_nslookup_of_a_short_name(call: Call, require_tool: RequireTool) -> None:
    """It asks for all names of the search list, and fails for those that are not there, whatever the server does."""
    _, output = call(require_tool("busybox"), "nslookup", "web")
    assert f"Name:\t{ABSOLUTE}\nAddress: {WEB}\n" in output
    assert f"can't find {ABSOLUTE}" not in output
    status, output = call(require_tool("busybox"), "nslookup", "missing")
    assert (status, output.count("can't find missing.shop.svc.cluster.local: NXDOMAIN")) == (1, 2), output


# glibc


@pytest.mark.parametrize(
    ("database", "name", "addresses"),
    [
        ("hosts", "web", [WEB]),
        ("ahosts", "web", [WEB]),
        ("ahosts", "web.shop", [WEB]),
        ("ahosts", ABSOLUTE, [WEB]),
        ("ahosts", "db", DB),
        ("ahosts", "db-1.db", DB[1:]),
        ("ahosts", "dual.infra", DUAL),
        ("ahostsv6", "dual.infra", DUAL[1:]),
        ("ahostsv4", "dual.infra", DUAL[:1]),
        ("ahostsv6", "web", [f"::ffff:{WEB}"]),
        ("ahosts", "payments", resolver.ONE),
        ("ahosts", "api.example.com", resolver.ONE),
        ("ahostsv4", "many.example.com", sorted(resolver.MANY)),
        ("ahosts", "missing", []),
        ("ahosts", "missing.example.com", []),
    ],
)
def test_getent(getent: Find, database: str, name: str, addresses: list[str]) -> None:
    assert getent(database, name) == addresses


def test_getent_of_an_address(call: Call, require_tool: RequireTool) -> None:
    status, output = call(require_tool("getent"), "hosts", WEB)
    assert (status, output.split()) == (0, [WEB, ABSOLUTE])


# musl


@pytest.mark.parametrize(
    ("how", "name", "lines"),
    [
        ("any", "web", [WEB]),
        ("4", "web", [WEB]),
        ("any", "web.shop", [WEB]),
        ("any", ABSOLUTE, [WEB]),
        ("any", "db", DB),
        ("any", "db-0.db", DB[:1]),
        ("any", "dual.infra", DUAL),
        ("6", "dual.infra", DUAL[1:]),
        ("any", "payments", resolver.ONE),
        ("any", "api.example.com", resolver.ONE),
        ("name", WEB, [ABSOLUTE]),
    ],
)
def test_musl(musl: Find, how: str, name: str, lines: list[str]) -> None:
    assert musl(how, name) == lines


@pytest.mark.parametrize(("how", "name"), [("any", "missing"), ("any", "missing.example.com"), ("6", "web")])
def test_musl_finds_nothing(musl: Find, how: str, name: str) -> None:
    (said,) = musl(how, name)
    assert re.match("Name (does not resolve|has no usable address)$", said)


def test_musl_takes_what_fits_of_a_long_answer(musl: Find) -> None:
    """Before 1.2.4 it knows no TCP and no EDNS: what a reply without an OPT can hold is all it gets."""
    addresses = musl("any", "many.example.com")
    assert len(addresses) >= 20
    assert set(addresses) <= set(resolver.MANY)
