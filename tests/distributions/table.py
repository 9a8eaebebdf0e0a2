"""What each distribution's configuration says, and how it must answer.

Names of the cluster are those of `test_distributions.cluster`. The node's resolver answers everything with 192.0.2.1,
stub servers with the addresses that stand here.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from tests.distributions.stage import COREFILE

EVERYWHERE = "127.0.0.1"


class Question(NamedTuple):
    """`answer` is the last word of every record, sorted, or the rcode; `at` is where it is asked."""

    name: str
    rtype: str
    answer: str
    at: str = EVERYWHERE


CLUSTER = (
    Question("kubernetes.default.svc.cluster.local", "A", "10.96.0.1"),
    Question("web.shop.svc.cluster.local", "A", "10.96.0.80"),
    Question("web.shop.svc.cluster.local", "AAAA", ""),
    Question("db.shop.svc.cluster.local", "A", "10.244.1.10 10.244.1.11"),
    Question("_http._tcp.web.shop.svc.cluster.local", "SRV", "web.shop.svc.cluster.local."),
    Question("10-244-1-10.shop.pod.cluster.local", "A", "10.244.1.10"),
    Question("80.0.96.10.in-addr.arpa", "PTR", "web.shop.svc.cluster.local."),
    Question("web.shop.svc.cluster.local.shop.svc.cluster.local", "A", "NXDOMAIN"),
    Question("www.example.net", "A", "192.0.2.1"),
    Question("9.2.0.192.in-addr.arpa", "PTR", "outside.example.net."),
)
"""What every cluster is asked; the node's resolver answers everything with 192.0.2.1."""

RELOADED = Question("www.reloaded.test", "A", "192.0.2.77")
BLOCK = "reloaded.test:53 {\n    hosts {\n        192.0.2.77 www.reloaded.test\n    }\n}\n"


@dataclass(frozen=True, slots=True)
class Distribution:
    """`listing` is what a start prints; `hosts` and `servers` are what `Stage` takes, servers by their answers.

    `ports` are those with health, readiness and metrics. `edit` is a file and what is put into it, after which
    `RELOADED` is answered. `node` is what the node's resolver answers; if empty, there must be no need of it.
    """

    name: str
    asks: tuple[Question, ...] = ()
    listing: tuple[str, ...] = (".:53",)
    servers: Mapping[str, str] = field(default_factory=dict)
    hosts: Mapping[str, str] = field(default_factory=dict)
    ports: Mapping[str, int] = field(default_factory=lambda: {"health": 8080, "ready": 8181, "metrics": 9153})
    dns: int = 53
    conf: str = COREFILE
    edit: tuple[str, str] = (COREFILE, BLOCK)
    cluster: tuple[Question, ...] = CLUSTER
    kube_dns: str = ""
    node: str = "192.0.2.1"


def inside(name: str) -> Question:
    return Question(name, "A", "10.96.0.90")


def corp(name: str = "www.corp.example") -> Question:
    return Question(name, "A", "198.51.100.1")


CORP = {"10.20.0.53": "198.51.100.1", "10.20.0.54": "198.51.100.1"}
STUBS = """\
{"example.com": ["8.8.8.8"], "east.svc.cluster.local": ["34.74.229.93"], "local": ["10.20.0.53"],
 "reloaded.test": ["10.20.0.77"]}
"""
CUSTOM = ("etc/coredns/custom/new.server", BLOCK)
LOCAL = {"169.254.20.10": "127.0.0.1", "10.96.0.10": "127.0.0.2"}
LOCALDNS = {"169.254.10.10": "127.0.0.1", "169.254.10.11": "127.0.0.2"}

TABLE = (
    Distribution(
        "kubeadm",
        (corp("node.consul.local"),),
        (".:53", "consul.local.:53"),
        {"10.150.0.1": "198.51.100.1"},
    ),
    Distribution("kind"),
    Distribution(
        "minikube",
        (
            Question("host.minikube.internal", "A", "192.168.49.1"),
            Question("1.49.168.192.in-addr.arpa", "PTR", "host.minikube.internal."),
            inside("test.com"),
        ),
    ),
    Distribution(
        "k3s",
        (
            Question("agent-1", "A", "10.100.1.28"),
            Question("agent-1", "AAAA", "fd00:100:1::28"),
            Question("27.1.100.10.in-addr.arpa", "PTR", "server-1."),
            inside("a.git.example.com"),
            corp(),
        ),
        (".:53", "corp.example.:53"),
        CORP,
        edit=CUSTOM,
    ),
    Distribution("rke2", (corp(),), (".:53", "corp.example.:53"), CORP),
    Distribution(
        "aks",
        (
            Question("example1.org", "A", "10.0.0.1"),
            Question("example3.org", "A", "192.0.2.1"),
            Question("a.reddog.microsoft.com", "A", "NXDOMAIN"),
            Question("a.b.c.d.internal.cloudapp.net", "A", "NXDOMAIN"),
            Question("vm.b.c.internal.cloudapp.net", "A", "192.0.2.1"),
            Question("www.shop.example", "A", "192.0.2.1"),
            corp("www.puglife.local"),
        ),
        (".:53", "puglife.local.:53", "shop.example.:53"),
        {"192.11.0.1": "198.51.100.1"},
        edit=CUSTOM,
    ),
    Distribution(
        "aks-localdns",
        (
            Question("health-check.localdns.local", "A", ""),
            Question("health-check.localdns.local", "A", "", at="127.0.0.2"),
            Question("web.shop.svc.cluster.local", "A", "203.0.113.80", at="127.0.0.2"),
            Question("www.example.net", "A", "203.0.113.80", at="127.0.0.2"),
            Question("a.reddog.microsoft.com", "A", "NXDOMAIN", at="127.0.0.2"),
        ),
        (
            "health-check.localdns.local.:53 on 169.254.10.10",
            "health-check.localdns.local.:53 on 169.254.10.11",
            ".:53 on 169.254.10.10",
            "cluster.local.:53 on 169.254.10.10",
            ".:53 on 169.254.10.11",
            "cluster.local.:53 on 169.254.10.11",
        ),
        {"168.63.129.16": "192.0.2.1", "10.0.0.10": "203.0.113.80"},
        LOCALDNS,
        {"ready": 8181, "metrics": 9253},
        edit=(COREFILE, BLOCK.replace("    hosts", "    bind 169.254.10.10\n    hosts")),
        cluster=(
            Question("web.shop.svc.cluster.local", "A", "203.0.113.80"),
            Question("www.example.net", "A", "192.0.2.1"),
        ),
    ),
    Distribution(
        "eks",
        (corp("a.camunda-paris.svc.cluster.local"),),
        (".:53", "camunda-paris.svc.cluster.local.:53"),
        {"10.202.19.54": "198.51.100.1"},
    ),
    Distribution("doks", (corp(),), (".:53", "corp.example.:53"), CORP, edit=CUSTOM),
    Distribution(
        "ovh",
        (inside("registry.shop.ovh.example"), corp()),
        (".:53", "corp.example.:53"),
        CORP,
        edit=CUSTOM,
    ),
    Distribution("outscale", (corp(),), (".:53", "corp.example.:53"), CORP, edit=("custom/new.server", BLOCK)),
    Distribution(
        "openshift",
        (
            Question("a.secure.example", "A", "198.51.100.2"),
            Question("a.other.example", "A", "198.51.100.2"),
            corp("a.example.com"),
            Question("hostname.bind", "CH TXT", '"kdns"'),
        ),
        ("other.example.:5353", "secure.example.:5353", "example.com.:5353", ".:5353", "hostname.bind.:5353"),
        {"10.0.0.53": "198.51.100.2 tls", "1.1.1.1": "198.51.100.1", "2.2.2.2:5353": "198.51.100.1"},
        dns=5353,
        edit=(COREFILE, BLOCK.replace(":53", ":5353")),
    ),
    Distribution(
        "microshift",
        (Question("edge.example", "A", "192.168.1.5"), Question("hostname.bind", "CH TXT", '"kdns"')),
        (".:5353", "hostname.bind.:5353"),
        dns=5353,
        edit=(COREFILE, BLOCK.replace(":53", ":5353")),
    ),
    Distribution("kops", (Question("api.internal.minimal.k8s.local", "A", "172.20.40.7"),)),
    Distribution(
        "kubespray",
        (
            corp(),
            corp("www.other.example"),
            Question("build.corp.example", "A", "192.168.0.101"),
            Question("api.example.org", "A", "192.168.0.100"),
            Question("registry.shop.svc.old.domain", "A", "10.96.0.90"),
            Question("registry.shop.ext.example", "A", "198.51.100.90"),
            Question("db-0.db.shop.svc.cluster.local", "A", "10.244.1.10"),
        ),
        ("corp.example.:53", "other.example.:53", ".:53"),
        CORP,
    ),
    Distribution("microk8s", servers={"8.8.8.8": "192.0.2.1", "8.8.4.4": "192.0.2.1"}),
    Distribution("k0s"),
    Distribution(
        "gardener",
        (
            inside("registry.shop.svc.cluster.local.svc.cluster.local"),
            Question("a.gardener.cloud.svc.cluster.local", "A", "192.0.2.1"),
            corp("a.global"),
        ),
        (".:8053", "global.:8053"),
        {"1.2.3.4": "198.51.100.1"},
        dns=8053,
        edit=("etc/coredns/custom/new.server", BLOCK.replace(":53", ":8053")),
    ),
    Distribution(
        "alibaba",
        (Question("10-244-9-9.shop.pod.cluster.local", "A", "NXDOMAIN"), corp("node.consul.local")),
        (".:53", "consul.local.:53"),
        {"10.150.0.1": "198.51.100.1"},
    ),
    Distribution(
        "helm",
        (
            corp(),
            Question("intern.example", "A", "192.168.99.102"),
            Question("a.host1.intern.example", "A", "192.168.99.102"),
        ),
        (".:53", "corp.example.:53", "intern.example.:53"),
        CORP,
    ),
    Distribution(
        "nodelocal",
        (
            Question("web.shop.svc.cluster.local", "A", "10.96.0.80", at="127.0.0.2"),
            corp(),
        ),
        (
            *(
                f"{zone}:53 on {host}"
                for zone in ("cluster.local.", "in-addr.arpa.", "ip6.arpa.", ".")
                for host in LOCAL
            ),
            *(f"corp.example.:53 on {host}" for host in LOCAL),
        ),
        {"10.96.113.7": "10.96.0.80", **CORP},
        LOCAL,
        {"health": 8080, "metrics": 9253},
        conf="etc/Corefile",
        edit=("etc/Corefile", BLOCK.replace("    hosts", "    bind 169.254.20.10 10.96.0.10\n    hosts")),
        cluster=(
            Question("web.shop.svc.cluster.local", "A", "10.96.0.80"),
            Question("80.0.96.10.in-addr.arpa", "PTR", "outside.example.net."),
            Question("www.example.net", "A", "192.0.2.1"),
        ),
        kube_dns="etc/kube-dns",
    ),
    Distribution(
        "gke",
        (
            corp("www.example.com"),
            corp("web.shop.east.svc.cluster.local"),
            corp("printer.local"),
        ),
        (".:53", "cluster.local.:53", "example.com.:53", "east.svc.cluster.local.:53", "local.:53"),
        {
            **dict.fromkeys(("8.8.8.8", "8.8.4.4", "10.0.0.10", "34.74.229.93", "10.20.0.53"), "198.51.100.1"),
            "1.2.3.4": "192.0.2.1",
            "10.20.0.77": "192.0.2.77",
        },
        edit=("etc/kube-dns/stubDomains", STUBS),
        kube_dns="etc/kube-dns",
        node="",
    ),
)
