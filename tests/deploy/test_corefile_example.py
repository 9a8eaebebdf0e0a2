"""Corefile.example is what kubeadm writes, plus the two imports by which `coredns-custom` is read."""

from pathlib import Path

EXAMPLE = Path(__file__).parents[2] / "Corefile.example"

KUBEADM = """\
.:53 {
    errors
    health {
       lameduck 5s
    }
    ready
    kubernetes cluster.local in-addr.arpa ip6.arpa {
       pods insecure
       fallthrough in-addr.arpa ip6.arpa
       ttl 30
    }
    prometheus :9153
    forward . /etc/resolv.conf {
       max_concurrent 1000
    }
    cache 30 {
       disable success cluster.local
       disable denial cluster.local
    }
    loop
    reload
    loadbalance
}
"""


def test_is_kubeadms_default_but_for_the_imports() -> None:
    lines = EXAMPLE.read_text().splitlines(keepends=True)
    assert "".join(line for line in lines if "import" not in line) == KUBEADM


def test_overrides_are_imported_into_the_block_and_servers_after_it() -> None:
    lines = EXAMPLE.read_text().splitlines()
    assert lines[-3:] == ["    import custom/*.override", "}", "import custom/*.server"]
