"""Corefiles as distributions ship them (spec ecosystem.md §1.2 and §1.3), with what is odd about each."""

import pytest

from kdns.corefile.address import block_addresses
from kdns.corefile.arguments import Arguments
from kdns.corefile.parser import parse
from kdns.corefile.tree import Corefile
from tests.corefile.folder import Content, Folder

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

K3S = """\
.:53 {
    errors
    health
    ready
    kubernetes cluster.local in-addr.arpa ip6.arpa {
      pods insecure
      fallthrough in-addr.arpa ip6.arpa
    }
    hosts /etc/coredns/NodeHosts {
      ttl 60
      reload 15s
      fallthrough
    }
    prometheus :9153
    forward . /etc/resolv.conf
    cache 30
    loop
    reload
    loadbalance
    import /etc/coredns/custom/*.override
}
import /etc/coredns/custom/*.server
"""

AKS = """\
.:53 {
    errors
    ready
    health
    kubernetes cluster.local in-addr.arpa ip6.arpa {
      pods insecure
      fallthrough in-addr.arpa ip6.arpa
    }
    prometheus :9153
    forward . /etc/resolv.conf
    cache 30
    loop
    reload
    loadbalance
    import custom/*.override
    template ANY ANY internal.cloudapp.net {
      match "^(?:[^.]+\\.){4,}internal\\.cloudapp\\.net\\.$"
      rcode NXDOMAIN
      fallthrough
    }
    template ANY ANY reddog.microsoft.com {
      rcode NXDOMAIN
    }
}
import custom/*.server
"""

OPENSHIFT = """\
# unit-test
example.com:5353 example.org:5353 {
    prometheus 127.0.0.1:9153
    forward . tls://1.1.1.1 tls://2.2.2.2:5353 {
        tls_servername dns.example.com
        tls /etc/pki/example.com-ca-bundle/ca.crt
        policy round_robin
    }
    errors
    log . {
        class error
    }
    bufsize 1232
    cache 900 {
        denial 9984 30
    }
}
.:5353 {
    bufsize 1232
    errors
    log . {
        class error
    }
    health {
        lameduck 20s
    }
    ready
    kubernetes cluster.local in-addr.arpa ip6.arpa {
        pods insecure
        fallthrough in-addr.arpa ip6.arpa
    }
    prometheus 127.0.0.1:9153
    forward . /etc/resolv.conf {
        policy sequential
    }
    cache 900 {
        denial 9984 30
    }
    reload
}
hostname.bind:5353 {
    chaos
}
"""

KUBESPRAY = """\
.:53 {
    errors {
    }
    health {
        lameduck 5s
    }
    ready
    kubernetes cluster.local in-addr.arpa ip6.arpa {
      pods insecure
      fallthrough in-addr.arpa ip6.arpa
    }
    prometheus :9153
    forward . /etc/resolv.conf {
      prefer_udp
      max_concurrent 1000
    }
    cache 30

    loop
    reload
    loadbalance
}
"""

HELM = """\
dns://cluster.local dns://example.org:1053 tls://example.org:853 {
    errors
    kubernetes  cluster.local  in-addr.arpa ip6.arpa {
        pods insecure
    }
    prometheus 0.0.0.0:9153
    forward  . /etc/resolv.conf
}
"""

NODELOCAL = """\
cluster.local:53 {
    errors
    cache {
            success 9984 30
            denial 9984 5
    }
    reload
    loop
    bind 169.254.20.10 10.96.0.10
    forward . 10.96.0.10 {
            force_tcp
    }
    prometheus :9253
    health 169.254.20.10:8080
    }
in-addr.arpa:53 {
    errors
    cache 30
    bind 169.254.20.10 10.96.0.10
    forward . 10.96.0.10 {
            force_tcp
    }
    prometheus :9253
    }
.:53 {
    errors
    cache 30
    bind 169.254.20.10 10.96.0.10
    forward . /etc/resolv.conf
    prometheus :9253
    }
"""

GARDENER = """\
.:8053 {
  errors
  log . {
      class error
  }
  rewrite stop {
    name regex (^(?:[^\\.]+\\.)+)svc\\.foo\\.bar\\. {1}svc.cluster.local.
    answer name (^(?:[^\\.]+\\.)+)svc\\.cluster\\.local\\. {1}svc.foo.bar.
    answer value (^(?:[^\\.]+\\.)+)svc\\.cluster\\.local\\. {1}svc.foo.bar.
  }
  loadbalance round_robin
  import custom/*.override
}
import custom/*.server
"""

KOPS = """\
.:53 {
    errors
    hosts /rootfs/etc/hosts k8s.local. {
        ttl 30
        fallthrough
    }
    kubernetes cluster.local. in-addr.arpa ip6.arpa {
      pods insecure
    }
    dns64
}
"""

MINIKUBE = """\
.:53 {
    log
    errors
    hosts {
       192.168.49.1 host.minikube.internal
       fallthrough
    }
    forward . /etc/resolv.conf {
       max_concurrent 1000
    }
}
"""

CUSTOM: dict[str, Content] = {
    "custom/a.override": 'log . {\n    class denial\n}\nrewrite name "old.example" new.example\n',
    "custom/b.server": "example.org:53 {\n    forward . 192.0.2.1\n}\n",
}


def load(text: str, files: dict[str, Content] | None = None) -> Corefile:
    corefile = parse(text, "/etc/coredns/Corefile", reader=Folder(files or {}))
    for block in corefile.blocks:
        for directive in block.directives:
            for line in Arguments(directive):
                list(line.block())
    return corefile


def arguments(corefile: Corefile, name: str, block: int = 0) -> Arguments:
    return Arguments(next(each for each in corefile.blocks[block].directives if each.name == name))


@pytest.mark.parametrize(
    ("text", "warnings"),
    [
        (KUBEADM, 0),
        (K3S, 2),
        (AKS, 2),
        (OPENSHIFT, 0),
        (KUBESPRAY, 0),
        (HELM, 0),
        (NODELOCAL, 0),
        (GARDENER, 2),
        (KOPS, 0),
        (MINIKUBE, 0),
    ],
)
@pytest.mark.parametrize("ending", ["\n", "\r\n"])
def test_it_loads(text: str, warnings: int, ending: str) -> None:
    assert len(load(text.replace("\n", ending)).warnings) == warnings


def test_kubeadm() -> None:
    corefile = load(KUBEADM)
    assert [str(address) for address in block_addresses(corefile.blocks[0].keys)] == ["dns://.:53"]
    assert [directive.name for directive in corefile.blocks[0].directives] == [
        *("errors", "health", "ready", "kubernetes", "prometheus", "forward", "cache", "loop", "reload", "loadbalance")
    ]
    assert [option.some() for option in arguments(corefile, "cache").once().block()] == [
        ("success", "cluster.local"),
        ("denial", "cluster.local"),
    ]


def test_an_empty_block_on_two_lines() -> None:
    errors = arguments(load(KUBESPRAY), "errors").once()
    assert (errors.has_block, list(errors.block()), errors.more) == (True, [], 0)
    errors.finish()


def test_doubled_blanks_schemes_and_several_keys() -> None:
    corefile = load(HELM)
    assert arguments(corefile, "kubernetes").once().rest() == ("cluster.local", "in-addr.arpa", "ip6.arpa")
    assert [str(address) for address in block_addresses(corefile.blocks[0].keys)] == [
        "dns://cluster.local.:53",
        "dns://example.org.:1053",
        "tls://example.org.:853",
    ]


def test_openshift_has_a_block_for_each_server() -> None:
    corefile = load(OPENSHIFT)
    assert [[str(each) for each in block_addresses(block.keys)] for block in corefile.blocks] == [
        ["dns://example.com.:5353", "dns://example.org.:5353"],
        ["dns://.:5353"],
        ["dns://hostname.bind.:5353"],
    ]


def test_nodelocal_closes_its_blocks_indented_and_opens_a_cache_without_ttl() -> None:
    corefile = load(NODELOCAL)
    assert len(corefile.blocks) == 3
    cache = arguments(corefile, "cache").once()
    assert (cache.more, [option.name for option in cache.block()]) == (0, ["success", "denial"])


@pytest.mark.parametrize("text", [K3S, AKS, GARDENER])
def test_custom_config_maps_are_spliced_in(text: str) -> None:
    corefile = load(text, CUSTOM)
    assert corefile.warnings == ()
    assert [line.rest() for line in arguments(corefile, "log")][-1] == (".",)
    assert corefile.blocks[-1].keys[0].text == "example.org:53"
    assert corefile.blocks[-1].keys[0].file == "/etc/coredns/custom/b.server"


def test_aks_templates_keep_their_backslashes() -> None:
    corefile = load(AKS)
    first, second = arguments(corefile, "template")
    assert first.rest() == ("ANY", "ANY", "internal.cloudapp.net")
    match = next(first.block()).regexp()
    assert match.pattern == r"^(?:[^.]+\.){4,}internal\.cloudapp\.net\.$"
    assert match.matches("a.b.c.d.internal.cloudapp.net.")
    assert not match.matches("a.b.c.internal.cloudapp.net.")
    assert second.rest() == ("ANY", "ANY", "reddog.microsoft.com")


def test_gardener_spreads_a_rule_over_lines() -> None:
    rewrite = arguments(load(GARDENER), "rewrite").once()
    assert rewrite.rest() == ("stop",)
    options = [(option.name, option.rest()) for option in rewrite.block()]
    assert [name for name, _ in options] == ["name", "answer", "answer"]
    assert options[0][1] == ("regex", r"(^(?:[^\.]+\.)+)svc\.foo\.bar\.", "{1}svc.cluster.local.")


def test_hosts_lines_are_options() -> None:
    hosts = arguments(load(MINIKUBE), "hosts").once()
    assert [(option.name, option.rest()) for option in hosts.block()] == [
        ("192.168.49.1", ("host.minikube.internal",)),
        ("fallthrough", ()),
    ]
