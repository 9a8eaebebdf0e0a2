"""What is known about a query for `metadata` (`kubernetes.md` section 6.4): who asks, and what the name says.

Unlike CoreDNS's, the label `kubernetes/cluster` has the cluster id of a name in a multicluster zone.
"""

from kdns.chain.query import Query
from kdns.chain.zones import Zones
from kdns.cluster.values import Pod
from kdns.plugins.kubernetes.clients import Clients
from kdns.plugins.kubernetes.grammar import Asked, Form, read
from kdns.plugins.kubernetes.options import Options
from kdns.wire import name

_PREFIX = "kubernetes/"
_CLIENT_LABEL = "client-label/"
_OTHER = frozenset((Form.INVALID, Form.NAME_SERVER, Form.NAME_SERVER_PARENT, Form.VERSION))
"""Forms that are none of a Service or pod: CoreDNS calls such names invalid here."""

_PARTS = ("kind", "namespace", "service", "endpoint", "port-name", "protocol", "cluster", "zone")


class Labels:
    """The labels `kubernetes/...` (`chain.roles.MetadataProvider`)."""

    def __init__(self, options: Options, clients: Clients) -> None:
        self._zones = Zones(options.zones)
        self._multicluster = frozenset(map(name.from_text, options.multicluster))
        self._zonal = options.zonal
        self._clients = clients

    def metadata_of(self, query: Query, label: str) -> str | None:
        """The value of a label, `None` if it is not one of ours or does not apply."""
        if not label.startswith(_PREFIX):
            return None
        word = label.removeprefix(_PREFIX)
        if word.startswith("client-"):
            pod = self._clients.pod(query)
            return None if pod is None else _of_client(pod, word)
        return self._of_name(query, word) if word in _PARTS or word == "parse-error" else None

    def _of_name(self, query: Query, word: str) -> str | None:
        zone = self._zones.match(query.question)
        if zone is None or (word == "zone" and not self._zonal):
            return None
        labels = [name.to_text(name.from_labels((label,)))[:-1] for label in name.labels(query.question.folded)]
        below = labels[: len(labels) - len(name.labels(zone))]
        multicluster = zone in self._multicluster
        asked = read(below, multicluster=multicluster, zonal=self._zonal)
        if asked.form in _OTHER:
            return "invalid query name" if word == "parse-error" else None
        if word == "parse-error" or (word == "cluster" and not multicluster):
            return None
        return _part(asked, below, word)


def _part(asked: Asked, below: list[str], word: str) -> str:
    match word:
        case "kind":
            return "" if asked.form in (Form.APEX, Form.TYPE_ROOT) else below[-1]
        case "port-name":
            return asked.port
        case "zone":
            return asked.zone_value
        case _:
            part: str = getattr(asked, word)
            return part


def _of_client(pod: Pod, word: str) -> str | None:
    if word == "client-namespace":
        return pod.namespace
    if word == "client-pod-name":
        return pod.name
    return dict(pod.labels).get(word.removeprefix(_CLIENT_LABEL)) if word.startswith(_CLIENT_LABEL) else None
