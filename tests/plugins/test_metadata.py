"""Labels of a query, as `log` prints them (kubernetes.md section 6.4, plugins.md `metadata`)."""

from pathlib import Path

import pytest

from kdns.chain.answer import refuse
from kdns.corefile import ConfigError
from kdns.wire import codes
from tests.kit import manifests
from tests.kit.chain import Chain, Next, chain_of, root_chain
from tests.plugins.conftest import Printed

POD = "10.244.1.11"
PARTS = ("kind", "namespace", "service", "endpoint", "port-name", "protocol", "cluster", "zone", "parse-error")


@pytest.fixture
def folder(tmp_path: Path) -> str:
    return manifests.write(
        tmp_path,
        manifests.namespace("shop"),
        manifests.pod("shop", "web-1", POD, app="web", **{"example.org/tier": "front"}),
    )


def chain(folder: str, labels: str, *, zones: str = "", options: str = "pods verified") -> Chain:
    return root_chain(
        f"""
        metadata {zones}
        log . "{labels}"
        kubernetes cluster.local clusterset.local in-addr.arpa {{
            manifests {folder}
            multicluster clusterset.local
            {options}
        }}
        """,
        behind=Next(refuse(codes.REFUSED)),
    )


@pytest.mark.parametrize(
    ("asked", "values"),
    [
        ("web.shop.svc.cluster.local", "svc,shop,web,,,,-,-,-"),
        ("WEB.Shop.svc.cluster.local", "svc,shop,web,,,,-,-,-"),
        ("ep.web.shop.svc.cluster.local", "svc,shop,web,ep,,,-,-,-"),
        ("_http._tcp.web.shop.svc.cluster.local", "svc,shop,web,,http,tcp,-,-,-"),
        (r"\"a\255\.b\".web.shop.svc.cluster.local", r"svc,shop,web,\"a\255\.b\",,,-,-,-"),
        ("ep.blue.web.shop.svc.clusterset.local", "svc,shop,web,ep,,,blue,-,-"),
        ("10-0-0-1.shop.pod.cluster.local", "pod,shop,10-0-0-1,,,,-,-,-"),
        ("shop.svc.cluster.local", "svc,shop,,,,,-,-,-"),
        ("pod.cluster.local", ",,,,,,-,-,-"),
        ("cluster.local", ",,,,,,-,-,-"),
        ("web.shop.cluster.local", "-,-,-,-,-,-,-,-,invalid query name"),
        ("1.0.0.10.in-addr.arpa", "-,-,-,-,-,-,-,-,invalid query name"),
        ("www.example.org", "-,-,-,-,-,-,-,-,-"),
    ],
)
async def test_parts_of_a_name(folder: str, asked: str, values: str, printed: Printed) -> None:
    server = chain(folder, ",".join(f"{{/kubernetes/{part}}}" for part in PARTS))
    async with server.running():
        printed()
        server.ask(asked)
    assert printed()[-1] == f"[INFO] {values}"


async def test_the_value_of_a_zonal_name(folder: str, printed: Printed) -> None:
    server = chain(folder, "{/kubernetes/zone} {/kubernetes/service}", options="zonal")
    async with server.running():
        server.ask("a.b.pin._zone.web.shop.svc.cluster.local")
        server.ask("web.shop.svc.cluster.local")
    assert printed()[-2:] == ["[INFO] a.b web", "[INFO]  web"]


@pytest.mark.parametrize(
    ("client", "options", "zones", "values"),
    [
        (POD, "pods verified", "", "shop web-1 web front -"),
        (POD, "pods verified", "example.org", "shop web-1 web front -"),
        ("10.244.1.12", "pods verified", "", "- - - - -"),
        (POD, "pods insecure", "", "- - - - -"),
        (POD, "pods verified", "cluster.local", "- - - - -"),
    ],
)
async def test_who_asks(folder: str, client: str, options: str, zones: str, values: str, printed: Printed) -> None:
    words = ("namespace", "pod-name", "label/app", "label/example.org/tier", "label/none")
    server = chain(folder, " ".join(f"{{/kubernetes/client-{word}}}" for word in words), zones=zones, options=options)
    async with server.running():
        server.ask("www.example.org", client=client)
    assert printed()[-1] == f"[INFO] {values}"


async def test_labels_of_the_log_itself(folder: str, printed: Printed) -> None:
    server = chain(folder, "{/log/type} {/log/class} {/log/other} {/nobody/knows}")
    async with server.running():
        server.ask("www.example.org")
    assert printed()[-1] == "[INFO] OTHERERROR error - -"


async def test_a_label_that_nobody_uses_leaves_the_answer_to_everybody(folder: str) -> None:
    server = chain_of(f".:53 {{\nmetadata\nkubernetes cluster.local {{\nmanifests {folder}\npods verified\n}}\n}}")
    async with server.running():
        assert not server.basis_of("web.shop.svc.cluster.local").private


@pytest.mark.parametrize("text", ["metadata {\n x\n}", "metadata a.example\nmetadata b.example"])
def test_setup_errors(text: str) -> None:
    with pytest.raises(ConfigError, match=r"^plugin/metadata: .*Wrong argument count or unexpected line ending"):
        root_chain(text)


def test_an_empty_block_says_nothing() -> None:
    behind = Next()
    root_chain("metadata {\n}", behind=behind).ask("www.example.org")
    assert behind.queries[0].metadata is not None
