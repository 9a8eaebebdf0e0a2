import json

import pytest

from kdns.corefile import CLUSTER, Corefile, ServerBlock, block_addresses, digest, kubedns, overlay, parse
from kdns.corefile.errors import ConfigError

ROOT = """\
.:53 {
    errors
    kubernetes cluster.local in-addr.arpa ip6.arpa
    forward . /etc/resolv.conf
}
"""
CORP = {"corp.example": ["10.20.0.53", "10.20.0.54:5353"]}


def laid(text: str, stubs: object = None, upstreams: object = None) -> Corefile:
    texts = {}
    if stubs is not None:
        texts["stubDomains"] = json.dumps(stubs)
    if upstreams is not None:
        texts["upstreamNameservers"] = json.dumps(upstreams)
    return overlay(parse(text, "Corefile"), kubedns.read("/cm", texts))


def keys(corefile: Corefile) -> list[list[str]]:
    return [[str(address) for address in block_addresses(block.keys)] for block in corefile.blocks]


def words(block: ServerBlock, name: str) -> list[str]:
    return [token.text for directive in block.directives if directive.name == name for token in directive.tokens]


def test_without_keys_nothing_changes() -> None:
    corefile = parse(ROOT, "Corefile")
    assert overlay(corefile, kubedns.KubeDns()) == corefile
    assert laid(ROOT, {}, []) == corefile


def test_a_stub_domain_is_a_block_after_the_others() -> None:
    corefile = laid(ROOT, CORP)
    assert keys(corefile) == [["dns://.:53"], ["dns://corp.example.:53"]]
    stub = corefile.blocks[1]
    assert [directive.name for directive in stub.directives] == ["errors", "cache", "loop", "forward"]
    assert words(stub, "forward") == [
        *("forward", ".", "10.20.0.53", "10.20.0.54:5353", "{", "max_concurrent", "1000", "}")
    ]
    assert (stub.keys[0].file, stub.keys[0].line, stub.keys[0].column) == ("/cm/stubDomains", 1, 2)
    assert corefile.blocks[0] == parse(ROOT, "Corefile").blocks[0]


@pytest.mark.parametrize(
    ("head", "served"),
    [
        (". {", ["dns://corp.example.:53"]),
        (".:8053 {", ["dns://corp.example.:8053"]),
        (".:0 {", ["dns://corp.example.:0"]),
        (".:53 cluster.local:53 {", ["dns://corp.example.:53"]),
        (
            ".:53 .:1053 tls://.:853 {\ntls",
            ["dns://corp.example.:53", "dns://corp.example.:1053", "tls://corp.example.:853"],
        ),
        ("cluster.local:1053 {", ["dns://corp.example.:1053"]),
    ],
)
def test_it_is_served_where_the_root_is_or_else_where_the_first_block_is(head: str, served: list[str]) -> None:
    corefile = laid(f"{head}\nwhoami\n}}\nother:99 {{\nwhoami\n}}\n", CORP)
    assert keys(corefile)[2] == served
    assert len(corefile.blocks) == 3


def test_it_has_addresses_rules_log_and_metrics_of_the_block_beside_it() -> None:
    root = '.:53 {\nbind 169.254.20.10 10.96.0.10\nacl {\nblock net 192.0.2.0/24\n}\nlog . "{name}"\nprometheus :9253\n'
    root += "errors {\nstacktrace\n}\nrewrite name a b\ncache 5\nforward . 192.0.2.1\n}\n"
    stub = laid(root, CORP).blocks[1]
    assert words(stub, "bind") == ["bind", "169.254.20.10", "10.96.0.10"]
    assert words(stub, "acl") == ["acl", "{", "block", "net", "192.0.2.0/24", "}"]
    assert words(stub, "log") == ["log", ".", "{name}"]
    assert words(stub, "prometheus") == ["prometheus", ":9253"]
    assert words(stub, "errors") == ["errors", "{", "stacktrace", "}"]
    assert words(stub, "cache") == ["cache", "30"]
    assert words(stub, "rewrite") == []


def test_it_is_served_at_every_place_of_the_root_once() -> None:
    two = ".:53 {\nbind 169.254.10.10\n}\n.:53 {\nbind 169.254.10.11\n}\n"
    assert [words(block, "bind")[1] for block in laid(two, CORP).blocks[2:]] == ["169.254.10.10", "169.254.10.11"]
    views = ".:53 {\nview a {\nexpr true\n}\n}\n.:53 {\nwhoami\n}\n"
    assert keys(laid(views, CORP))[2:] == [["dns://corp.example.:53"]]


@pytest.mark.parametrize("domain", ["cluster.local", "Cluster.Local.", "in-addr.arpa"])
def test_a_zone_of_the_cluster_is_no_stub_domain(domain: str) -> None:
    with pytest.raises(ConfigError, match=f"^/cm/stubDomains:1 .* column 2: '{domain}' is a zone of 'kubernetes'$"):
        laid(ROOT, {domain: ["192.0.2.1"]})
    with pytest.raises(ConfigError, match="is a zone of 'kubernetes'"):
        laid("cluster.local in-addr.arpa {\nkubernetes\n}\n.:53 {\nwhoami\n}\n", {domain: ["192.0.2.1"]})


def test_a_domain_inside_the_clusters_is_one() -> None:
    """As of clusters that resolve each other's names: {"east.svc.cluster.local": ["34.74.229.93"]}."""
    corefile = laid(ROOT, {"east.svc.cluster.local": ["192.0.2.1"], "10.in-addr.arpa": ["192.0.2.1"]})
    assert keys(corefile) == [["dns://.:53"], ["dns://east.svc.cluster.local.:53"], ["dns://10.in-addr.arpa.:53"]]


def test_a_domain_around_the_clusters_leaves_that_to_kubernetes() -> None:
    corefile = laid(ROOT, {"local": ["192.0.2.1"], "arpa": ["192.0.2.1"]})
    assert keys(corefile) == [
        ["dns://.:53", "dns://cluster.local.:53", "dns://in-addr.arpa.:53", "dns://ip6.arpa.:53"],
        ["dns://local.:53"],
        ["dns://arpa.:53"],
    ]
    apart = "cluster.local:53 {\nkubernetes\n}\n.:53 {\nwhoami\n}\n"
    assert keys(laid(apart, {"local": ["192.0.2.1"]})) == [
        ["dns://cluster.local.:53"],
        ["dns://.:53"],
        ["dns://local.:53"],
    ]


@pytest.mark.parametrize(
    ("line", "replaced"),
    [
        ("forward . /etc/resolv.conf", "forward . 8.8.8.8 8.8.4.4"),
        ("forward . /etc/resolv.conf {\npolicy sequential\n}", "forward . 8.8.8.8 8.8.4.4 { policy sequential }"),
        ("forward . 192.0.2.1 /etc/resolv.conf /run/x.conf", "forward . 192.0.2.1 8.8.8.8 8.8.4.4"),
        ("forward a /x\nforward b /y", "forward a 8.8.8.8 8.8.4.4 forward b 8.8.8.8 8.8.4.4"),
        ("forward . 192.0.2.1 {\ntls /a/cert /a/key\n}", "forward . 192.0.2.1 { tls /a/cert /a/key }"),
    ],
)
def test_upstreams_stand_for_the_nodes_resolver(line: str, replaced: str) -> None:
    corefile = laid(f".:53 {{\n{line}\n}}\n", None, ["8.8.8.8", "8.8.4.4"])
    assert words(corefile.blocks[0], "forward") == replaced.split()
    text = ["/cm/upstreamNameservers is not used: no 'forward' reads the node's resolv.conf"]
    assert [str(warning) for warning in corefile.warnings] == (text if replaced.split() == line.split() else [])


def test_every_change_is_another_configuration() -> None:
    texts = [
        laid(ROOT),
        laid(ROOT, CORP),
        laid(ROOT, {"corp.example": ["10.20.0.53"]}),
        laid(ROOT, CORP, ["8.8.8.8"]),
        laid(ROOT, CORP, ["8.8.4.4"]),
    ]
    assert len({digest(each) for each in texts}) == len(texts)
    assert digest(laid(ROOT, CORP)) == digest(laid(ROOT, CORP))


def test_what_there_is_without_a_corefile_is_kubeadms_default() -> None:
    corefile = laid(CLUSTER, CORP, ["8.8.8.8"])
    assert keys(corefile) == [["dns://.:53"], ["dns://corp.example.:53"]]
    assert words(corefile.blocks[0], "forward")[:3] == ["forward", ".", "8.8.8.8"]
    assert words(corefile.blocks[1], "prometheus") == ["prometheus", ":9153"]


def test_a_key_that_cannot_be_read_is_an_error_of_the_corefile() -> None:
    with pytest.raises(ConfigError, match="Corefile:1"):
        laid("a..b {\nwhoami\n}\n", CORP)
