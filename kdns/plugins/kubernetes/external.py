"""What `k8s_external` asks for (`kubernetes.md` section 6.1): Services as they are reached from outside the cluster."""

from collections.abc import Callable, Iterator
from operator import attrgetter

from kdns.chain.basis import Key
from kdns.chain.places import Found
from kdns.cluster.address import pack
from kdns.cluster.index import Index
from kdns.plugins.kubernetes.grammar import Asked, Form
from kdns.plugins.kubernetes.services import Services


class External:
    """The Services of an index from outside (`chain.roles.ExternalServices`); `local` are texts of own addresses."""

    def __init__(self, index: Index, services: Services, local: tuple[str, ...], synced: Callable[[], bool]) -> None:
        self._index = index
        self._services = services
        self._local = tuple(octets for octets in map(pack, local) if octets)
        self.synced = synced

    @property
    def serial(self) -> int:
        """Unix time of the last change that shows outside, 32 bits."""
        return self._index.serials.external & 0xFFFFFFFF

    def has_namespace(self, reads: list[Key], namespace: str) -> bool:
        """Whether a namespace exists and may be seen."""
        return self._services.exposed(reads, namespace)

    def reached_at(
        self,
        reads: list[Key],
        namespace: str,
        service: str,
        *,
        endpoint: str = "",
        port: tuple[str, str] | None = None,
        headless: bool = False,
    ) -> list[Found] | None:
        """Where a Service, an endpoint or a port of it is reached; `None` if it is not."""
        name, protocol = port or ("", "")
        asked = Asked(Form.SERVICE, namespace, service, endpoint, name, protocol)
        return self._services.find_external(reads, asked, headless=headless)

    def reached_by(self, reads: list[Key], address: bytes) -> list[tuple[str, str]]:
        """Name and namespace of the Services with this external address."""
        found = self._index.external_at(reads, address)
        return [(each.name, each.namespace) for each in found if self._services.exposed(reads, each.namespace)]

    def own_addresses(self, reads: list[Key], *, headless: bool = False) -> list[bytes]:
        """External addresses of the Services in front of us, our own if there is none (section 1.9)."""
        addresses: dict[bytes, None] = {}
        behind = False
        for local in self._local:
            for piece in self._index.slices_at(reads, local):
                service = self._index.service(reads, piece.namespace, piece.service)
                if service is None or service.type == "ExternalName":
                    continue
                behind = True
                if service.headless and headless:
                    addresses |= dict.fromkeys([endpoint.packed for endpoint in piece.endpoints])
                else:
                    addresses |= dict.fromkeys([pack(text) for text in service.external_addresses])
        return [octets for octets in addresses if octets] if behind else list(self._local)

    def every_service(self) -> Iterator[tuple[str, str, tuple[tuple[str, str], ...]]]:
        """Name, namespace and named ports, of its slices if it is headless, of all Services that may be seen."""
        for service in sorted(self._index.services([]), key=attrgetter("name", "namespace")):
            if not self._services.exposed([], service.namespace):
                continue
            ports = list(service.ports)
            for piece in self._index.slices([], service.namespace, service.name):
                ports += piece.ports if service.headless else ()
            named = dict.fromkeys([(port.name.lower(), port.protocol) for port in ports if port.name])
            yield service.name, service.namespace, tuple(named)

    def every_address(self) -> list[bytes]:
        """All external addresses."""
        return self._index.external_addresses()
