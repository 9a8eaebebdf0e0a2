from kdns.cluster.kinds import KINDS


def test_paths_are_those_of_the_api() -> None:
    assert {str(kind): kind.path for kind in KINDS} == {
        "namespaces": "/api/v1/namespaces",
        "services": "/api/v1/services",
        "endpointslices": "/apis/discovery.k8s.io/v1/endpointslices",
        "pods": "/api/v1/pods",
        "serviceimports": "/apis/multicluster.x-k8s.io/v1alpha1/serviceimports",
        "endpointslices with multicluster.kubernetes.io/service-name": "/apis/discovery.k8s.io/v1/endpointslices",
    }


def test_every_kind_has_its_own_tag() -> None:
    assert len({kind.tag for kind in KINDS}) == len(KINDS)
