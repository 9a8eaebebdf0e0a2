"""deploy/kdns.yaml keeps the names, ports and rights by which clusters know their DNS server."""

from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
DNS_LABEL = {"k8s-app": "kube-dns"}
Manifest = dict[str, Any]


@pytest.fixture(scope="module")
def manifests() -> dict[str, Manifest]:
    documents = list(yaml.safe_load_all((ROOT / "deploy/kdns.yaml").read_text()))
    by_kind = {document["kind"]: document for document in documents}
    assert len(by_kind) == len(documents)
    return by_kind


@pytest.fixture(scope="module")
def pod(manifests: dict[str, Manifest]) -> Manifest:
    spec: Manifest = manifests["Deployment"]["spec"]["template"]["spec"]
    return spec


@pytest.fixture(scope="module")
def container(pod: Manifest) -> Manifest:
    (container,) = pod["containers"]
    assert isinstance(container, dict)
    return container


@pytest.mark.parametrize(
    ("kind", "name", "namespace"),
    [
        ("ServiceAccount", "coredns", "kube-system"),
        ("ClusterRole", "system:coredns", None),
        ("ClusterRoleBinding", "system:coredns", None),
        ("ConfigMap", "coredns", "kube-system"),
        ("Deployment", "coredns", "kube-system"),
        ("Service", "kube-dns", "kube-system"),
        ("PodDisruptionBudget", "coredns", "kube-system"),
    ],
)
def test_objects_have_the_names_that_tools_look_for(
    manifests: dict[str, Manifest], kind: str, name: str, namespace: str | None
) -> None:
    metadata = manifests[kind]["metadata"]
    assert (metadata["name"], metadata.get("namespace")) == (name, namespace)


def test_rights_are_list_and_watch_of_what_dns_can_see(manifests: dict[str, Manifest]) -> None:
    rules = manifests["ClusterRole"]["rules"]
    assert {verb for rule in rules for verb in rule["verbs"]} == {"list", "watch"}
    granted = {(group, resource) for rule in rules for group in rule["apiGroups"] for resource in rule["resources"]}
    assert granted == {
        ("", "endpoints"),
        ("", "services"),
        ("", "pods"),
        ("", "namespaces"),
        ("discovery.k8s.io", "endpointslices"),
        ("multicluster.x-k8s.io", "serviceimports"),
    }


def test_the_role_is_bound_to_the_account_of_the_pods(manifests: dict[str, Manifest], pod: Manifest) -> None:
    binding = manifests["ClusterRoleBinding"]
    assert binding["roleRef"]["name"] == manifests["ClusterRole"]["metadata"]["name"]
    account = {"kind": "ServiceAccount", "name": pod["serviceAccountName"], "namespace": "kube-system"}
    assert binding["subjects"] == [account]
    assert manifests["ServiceAccount"]["metadata"]["name"] == pod["serviceAccountName"]


def test_everything_selects_the_label_kube_dns(manifests: dict[str, Manifest]) -> None:
    deployment = manifests["Deployment"]
    assert deployment["metadata"]["labels"].items() >= DNS_LABEL.items()
    assert deployment["spec"]["selector"]["matchLabels"] == DNS_LABEL
    assert deployment["spec"]["template"]["metadata"]["labels"] == DNS_LABEL
    assert manifests["Service"]["spec"]["selector"] == DNS_LABEL
    assert manifests["PodDisruptionBudget"]["spec"]["selector"]["matchLabels"] == DNS_LABEL


def test_service_ports_and_metadata(manifests: dict[str, Manifest]) -> None:
    service = manifests["Service"]
    ports = [(port["name"], port["port"], port["protocol"]) for port in service["spec"]["ports"]]
    assert ports == [("dns", 53, "UDP"), ("dns-tcp", 53, "TCP"), ("metrics", 9153, "TCP")]
    assert service["metadata"]["labels"] == {
        **DNS_LABEL,
        "kubernetes.io/cluster-service": "true",
        "kubernetes.io/name": "CoreDNS",
    }
    assert service["metadata"]["annotations"] == {"prometheus.io/port": "9153", "prometheus.io/scrape": "true"}


def test_container_ports_and_probes_by_name(container: Manifest) -> None:
    ports = {port["name"]: (port["containerPort"], port["protocol"]) for port in container["ports"]}
    assert ports == {
        "dns": (53, "UDP"),
        "dns-tcp": (53, "TCP"),
        "metrics": (9153, "TCP"),
        "liveness-probe": (8080, "TCP"),
        "readiness-probe": (8181, "TCP"),
    }
    liveness, readiness = container["livenessProbe"], container["readinessProbe"]
    assert (liveness["httpGet"]["path"], liveness["httpGet"]["port"]) == ("/health", "liveness-probe")
    assert (liveness["initialDelaySeconds"], liveness["timeoutSeconds"], liveness["failureThreshold"]) == (60, 5, 5)
    assert (readiness["httpGet"]["path"], readiness["httpGet"]["port"]) == ("/ready", "readiness-probe")


def test_container_runs_unprivileged_and_writes_nothing(pod: Manifest, container: Manifest) -> None:
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "capabilities": {"add": ["NET_BIND_SERVICE"], "drop": ["ALL"]},
        "readOnlyRootFilesystem": True,
    }
    assert pod["securityContext"] == {
        "runAsNonRoot": True,
        "runAsUser": 65532,
        "runAsGroup": 65532,
        "seccompProfile": {"type": "RuntimeDefault"},
    }
    assert all(mount["readOnly"] for mount in container["volumeMounts"])


def test_container_starts_as_coredns_does_within_its_memory(container: Manifest) -> None:
    assert container["args"] == ["-conf", "/etc/coredns/Corefile"]
    assert container["resources"] == {
        "limits": {"memory": "170Mi"},
        "requests": {"cpu": "100m", "memory": "70Mi"},
    }
    repository, _, tag = container["image"].rpartition(":")
    assert repository.endswith("/coredns")
    assert tag


def test_pods_start_before_the_cluster_has_dns(pod: Manifest) -> None:
    assert pod["dnsPolicy"] == "Default"
    assert pod["priorityClassName"] == "system-cluster-critical"
    assert pod["nodeSelector"] == {"kubernetes.io/os": "linux"}
    assert [toleration["key"] for toleration in pod["tolerations"]] == [
        "CriticalAddonsOnly",
        "node-role.kubernetes.io/control-plane",
    ]


def test_volumes_are_the_corefile_and_the_optional_custom_configmap(pod: Manifest, container: Manifest) -> None:
    volumes = {volume["name"]: volume["configMap"] for volume in pod["volumes"]}
    mounted = {mount["mountPath"]: volumes[mount["name"]] for mount in container["volumeMounts"]}
    assert mounted == {
        "/etc/coredns": {"name": "coredns", "items": [{"key": "Corefile", "path": "Corefile"}]},
        "/etc/coredns/custom": {"name": "coredns-custom", "optional": True},
    }


def test_the_configmap_holds_the_example_corefile(manifests: dict[str, Manifest]) -> None:
    assert manifests["ConfigMap"]["data"] == {"Corefile": (ROOT / "Corefile.example").read_text()}
