"""Names that addresses point back to (`kubernetes.md` section 5.2)."""

from kdns.chain.basis import Key
from kdns.cluster.index import Index
from kdns.plugins.kubernetes import records
from kdns.plugins.kubernetes.options import Options
from kdns.plugins.kubernetes.services import Services
from kdns.wire import name


class Pointers:
    """Looks addresses up; all names are in the directive's primary zone."""

    def __init__(self, index: Index, services: Services, options: Options) -> None:
        self._index = index
        self._services = services
        self._pod_names = options.endpoint_pod_names
        self._primary = name.from_text(options.primary)

    def targets(self, reads: list[Key], address: bytes) -> list[bytes]:
        """The Service with this cluster IP, or else every endpoint with this address."""
        for service in self._index.services_at(reads, address):
            if self._services.exposed(reads, service.namespace):
                return [self._name(service.name, service.namespace)]
        targets: dict[bytes, None] = {}
        for piece in self._index.slices_at(reads, address):
            if not piece.service or not self._services.exposed(reads, piece.namespace):
                continue
            for endpoint in piece.endpoints:
                if endpoint.packed == address:
                    label = records.endpoint_name(endpoint, pod_names=self._pod_names)
                    targets[self._name(label, piece.service, piece.namespace)] = None
        return list(targets)

    def _name(self, *labels: str) -> bytes:
        return name.from_labels([*(label.encode() for label in labels), b"svc"], self._primary)
