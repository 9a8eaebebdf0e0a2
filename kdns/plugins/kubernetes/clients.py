"""Which pod a query comes from (`kubernetes.md` sections 6.2 and 6.4): known with `pods verified` only."""

from kdns.chain.query import Query
from kdns.cluster.address import pack
from kdns.cluster.index import Index
from kdns.cluster.values import Pod
from kdns.plugins.kubernetes.options import Options, Pods


class Clients:
    """The pods of an index as senders of queries."""

    def __init__(self, index: Index, options: Options) -> None:
        self._index = index
        self._known = options.pods is Pods.VERIFIED

    def pod(self, query: Query) -> Pod | None:
        """The pod with the client's address; the first, if several share it."""
        if not self._known:
            return None
        pods = self._index.pods_at(query.basis.reads, pack(query.client[0]))
        return pods[0] if pods else None
