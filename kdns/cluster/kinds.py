"""The resources of the Kubernetes API that decide what a cluster's names mean (kubernetes.md section 4.1).

A `Kind` is one thing to list and watch. Imported EndpointSlices are a kind of their own: the same resource as ordinary
slices, narrowed by a label, in a second watch, and so with its own store in the index.
"""

from dataclasses import dataclass
from typing import Final

SERVICE_NAME: Final = "kubernetes.io/service-name"
"""Label of an EndpointSlice: the Service that it belongs to."""

IMPORT_NAME: Final = "multicluster.kubernetes.io/service-name"
"""Label of an imported EndpointSlice: the ServiceImport that it belongs to."""

SOURCE_CLUSTER: Final = "multicluster.kubernetes.io/source-cluster"
"""Label of an imported EndpointSlice: the id of the cluster that its endpoints are in."""


@dataclass(frozen=True, slots=True, eq=False)
class Kind:
    """One resource to list and watch.

    `tag` names the kind in read keys, `name` is its `kind` in API objects. A watch of it is narrowed to objects that
    have `label` and to those that `field_selector` matches, if these are not empty.
    """

    tag: str
    name: str
    group: str
    version: str
    plural: str
    namespaced: bool = True
    label: str = ""
    field_selector: str = ""

    @property
    def api_version(self) -> str:
        """The `apiVersion` of its objects."""
        return f"{self.group}/{self.version}" if self.group else self.version

    @property
    def path(self) -> str:
        """Path under which the API server has all of its objects, in every namespace."""
        return f"/{'apis' if self.group else 'api'}/{self.api_version}/{self.plural}"

    def __str__(self) -> str:
        return self.plural if not self.label else f"{self.plural} with {self.label}"


SERVICES: Final = Kind("service", "Service", "", "v1", "services")
NAMESPACES: Final = Kind("namespace", "Namespace", "", "v1", "namespaces", namespaced=False)
PODS: Final = Kind(
    "pod",
    "Pod",
    "",
    "v1",
    "pods",
    field_selector="status.phase!=Succeeded,status.phase!=Failed,status.phase!=Unknown",
)
ENDPOINT_SLICES: Final = Kind("slice", "EndpointSlice", "discovery.k8s.io", "v1", "endpointslices")
IMPORTED_SLICES: Final = Kind(
    "imported-slice", "EndpointSlice", "discovery.k8s.io", "v1", "endpointslices", label=IMPORT_NAME
)
SERVICE_IMPORTS: Final = Kind("service-import", "ServiceImport", "multicluster.x-k8s.io", "v1alpha1", "serviceimports")

KINDS: Final = (NAMESPACES, SERVICES, ENDPOINT_SLICES, PODS, SERVICE_IMPORTS, IMPORTED_SLICES)
"""All kinds, in the order in which a source that has them all at once loads them."""
