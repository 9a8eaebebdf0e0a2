"""The search path of the pod that asks (`kubernetes.md` section 6.2), for `autopath @kubernetes`."""

from kdns.chain.query import Query
from kdns.chain.zones import Zones
from kdns.plugins.kubernetes.clients import Clients
from kdns.plugins.kubernetes.options import Options
from kdns.wire import name


class Paths:
    """Search paths as kubelets write them (`chain.roles.AutoPather`); none without `pods verified`."""

    name = "kubernetes"

    def __init__(self, options: Options, clients: Clients) -> None:
        self._zones = Zones(options.zones)
        self._clients = clients

    def search_path(self, query: Query) -> tuple[bytes, ...]:
        """The entries that name the cluster, in wire form; none for who is no pod."""
        question = query.question
        zone = self._zones.match(question)
        if zone is None:
            return ()
        services = b"\3svc" + zone
        # Nobody's first entry is above or beside these names; whoever asks, the answer is the same.
        if not name.is_below(question.folded, services) or question.folded == services:
            return ()
        pod = self._clients.pod(query)
        return () if pod is None else (name.from_labels((pod.namespace.encode(),), services), services, zone)
