"""The server's own addresses and names, for NS and `ns.dns` (`kubernetes.md` section 1.9).

Its own addresses lead through the EndpointSlices that hold them to the Services in front of it, whether or not their
namespaces are exposed: who asks for NS knows the server already. Unlike CoreDNS's, addresses are listed once.
"""

from kdns.chain.basis import Key
from kdns.cluster.address import pack
from kdns.cluster.index import Index
from kdns.plugins.kubernetes.records import endpoint_name


class Identity:
    """Who we are in the cluster; `local` are the texts of our own addresses, taken once at start."""

    def __init__(self, index: Index, local: tuple[str, ...], *, pod_names: bool) -> None:
        self._index = index
        self._local = tuple(octets for octets in map(pack, local) if octets)
        self._pod_names = pod_names

    def names(self, reads: list[Key]) -> dict[tuple[bytes, ...], list[bytes]]:
        """Labels left of the zone of each name we have, with its addresses, none of them twice."""
        found: dict[tuple[bytes, ...], dict[bytes, None]] = {}
        for address in self._local:
            for piece in self._index.slices_at(reads, address):
                if not piece.service:
                    continue
                service = self._index.service(reads, piece.namespace, piece.service)
                if service is None or service.type == "ExternalName":
                    continue
                base = (piece.service.encode(), piece.namespace.encode(), b"svc")
                if not service.headless:
                    found.setdefault(base, {}).update(dict.fromkeys(service.packed))
                    continue
                for endpoint in piece.endpoints:
                    label = endpoint_name(endpoint, pod_names=self._pod_names).encode()
                    found.setdefault((label, *base), {})[endpoint.packed] = None
        if not found:
            found = {(b"ns", b"dns"): dict.fromkeys(self._local)}
        return {labels: list(addresses) for labels, addresses in found.items() if addresses}
