"""Which addresses and ports a Service name stands for (`kubernetes.md` sections 1.5, 3.2 and 3.3).

Everything here reads the index and nothing else, and every read is recorded. `None` means that the name does not
exist; an empty list, that it exists and has nothing of the kind.
"""

from collections.abc import Iterable, Sequence

from kdns.chain.basis import Key
from kdns.cluster.address import pack
from kdns.cluster.index import Index
from kdns.cluster.values import EndpointSlice, ImportedSlice, Port, Service
from kdns.plugins.kubernetes.grammar import Asked, Form
from kdns.plugins.kubernetes.options import Options
from kdns.plugins.kubernetes.records import Found, endpoint_name

_NO_PORT = (Port(),)


class Services:
    """Looks names up in an index under the options of one `kubernetes` directive."""

    def __init__(self, index: Index, options: Options) -> None:
        self._index = index
        self._namespaces = frozenset(options.namespaces)
        self._pod_names = options.endpoint_pod_names
        self._hide_empty = options.ignore_empty_service

    def exposed(self, reads: list[Key], namespace: str) -> bool:
        """Whether a namespace exists and may be seen."""
        if self._namespaces and namespace not in self._namespaces:
            return False
        return self._index.namespace(reads, namespace) is not None

    def find(self, reads: list[Key], asked: Asked) -> list[Found] | None:
        """What a name of the form SERVICE or ZONAL stands for in a cluster zone."""
        namespace, name = asked.namespace, asked.service
        if not self.exposed(reads, namespace):
            return None
        service = self._index.service(reads, namespace, name)
        if service is None:
            return None
        if service.type == "ExternalName":
            return self._external(service, asked)
        if asked.form is Form.ZONAL:
            return self._zonal(reads, asked) if service.headless else None
        if service.headless or asked.endpoint:
            return self._endpoints(self._index.slices(reads, namespace, name), asked) or None
        if self._hide_empty and not any(s.endpoints for s in self._index.slices(reads, namespace, name)):
            return None
        return _cluster_ips(service.packed, service.ports, asked)

    def find_imported(self, reads: list[Key], asked: Asked) -> list[Found] | None:
        """What a name of the form SERVICE stands for in a multicluster zone."""
        namespace, name = asked.namespace, asked.service
        if not self.exposed(reads, namespace):
            return None
        imported = self._index.service_import(reads, namespace, name)
        if imported is None or (asked.endpoint and not asked.cluster):
            return None
        slices = self._index.imported_slices(reads, namespace, name)
        if imported.type == "Headless" or asked.endpoint:
            return self._endpoints(slices, asked) or None
        if self._hide_empty and not any(s.endpoints for s in slices):
            return None
        return _cluster_ips(imported.packed, imported.ports, asked)

    def find_external(self, reads: list[Key], asked: Asked, *, headless: bool) -> list[Found] | None:
        """What a name of the form SERVICE stands for outside the cluster (section 6.1)."""
        if not self.exposed(reads, asked.namespace):
            return None
        service = self._index.service(reads, asked.namespace, asked.service)
        if service is None:
            return None
        if service.external_addresses:
            # Only endpoints have endpoint names: CoreDNS ignores the label (section 9).
            places = [] if asked.endpoint else _outside(service.external_addresses, _matching(service.ports, asked))
        elif headless and (service.headless or asked.endpoint):
            places = self._endpoints(self._index.slices(reads, asked.namespace, asked.service), asked)
        else:
            return None
        return places or None

    def _external(self, service: Service, asked: Asked) -> list[Found] | None:
        if asked.form is Form.ZONAL or asked.endpoint or asked.port or pack(service.external_name):
            return None
        return [Found((), b"", alias=service.external_name)]

    def _zonal(self, reads: list[Key], asked: Asked) -> list[Found]:
        """`pin` means these endpoints or none, `prefer` these or all (section 3.3)."""
        slices = self._index.slices(reads, asked.namespace, asked.service)
        found = self._endpoints(slices, asked, zone=asked.zone_value)
        return found or (self._endpoints(slices, asked) if asked.directive == "prefer" else [])

    def _endpoints(
        self, slices: Iterable[EndpointSlice | ImportedSlice], asked: Asked, *, zone: str = ""
    ) -> list[Found]:
        found = []
        for piece in slices:
            cluster = piece.source_cluster if isinstance(piece, ImportedSlice) else ""
            if asked.cluster and cluster.lower() != asked.cluster:
                continue
            ports = _matching(piece.ports, asked)
            if not ports:
                continue
            behind = (cluster.encode(),) if cluster else ()
            for endpoint in piece.endpoints:
                label = endpoint_name(endpoint, pod_names=self._pod_names)
                if (asked.endpoint and asked.endpoint != label.lower()) or (zone and endpoint.zone.lower() != zone):
                    continue
                host = (label.encode(), *behind)
                if endpoint.packed:
                    found += [Found(host, endpoint.packed, port.port) for port in ports]
                else:
                    found.append(Found(host, b"", alias=endpoint.address))
        return found


def _cluster_ips(ips: Sequence[bytes], ports: Sequence[Port], asked: Asked) -> list[Found] | None:
    matching = _matching(ports, asked)
    return [Found((), address, port.port) for address in ips for port in matching] if matching else None


def _outside(texts: Sequence[str], ports: Sequence[Port]) -> list[Found]:
    places = [(pack(text), text) for text in texts]
    return [Found((), octets, port.port, "" if octets else text) for octets, text in places for port in ports]


def _matching(ports: Sequence[Port], asked: Asked) -> Sequence[Port]:
    """The ports that were asked for: all, or those of that name and protocol."""
    if not asked.port:
        return ports or _NO_PORT
    return [port for port in ports if port.name.lower() == asked.port and port.protocol == asked.protocol]
