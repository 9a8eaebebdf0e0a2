"""metadata: let plugins tell each other what they know about a query.

::

    metadata [ZONES...]

For questions in ZONES (those of the block by default) labels `PLUGIN/NAME` have values, which `log` prints as
`{/PLUGIN/NAME}` and other plugins may use. Without this plugin no label has one. Values are those of the query as it
came in, whatever is rewritten later; they are looked up when they are used, so a label nobody asks for costs nothing.

Known labels: `kubernetes/...` (kind, namespace, service, endpoint, port-name, protocol, cluster, zone, parse-error,
client-namespace, client-pod-name, client-label/KEY), `geoip/...`, `view/name`, and `log/type`, `log/class`.

Errors: a word in a block, a second occurrence. Metrics: none.

Example::

    cluster.local:1053 {
        metadata
        log . "{name} asked by {/kubernetes/client-namespace}"
        kubernetes {
            manifests deploy/demo/cluster
            pods verified
        }
    }
"""

from collections.abc import Coroutine, Sequence
from typing import Any

from kdns.chain.answer import Answer
from kdns.chain.handler import Handler
from kdns.chain.loading import after_load
from kdns.chain.query import Query
from kdns.chain.roles import MetadataProvider
from kdns.chain.site import Site
from kdns.chain.zones import Zones
from kdns.corefile import Arguments


def setup(args: Arguments, site: Site) -> None:
    """Read the directive. Raises `ConfigError`."""
    first, *others = args
    zones = Zones(first.zones(args.zones))
    for line in (first, *others):
        if line is not first:
            raise line.wrong_count()
        for option in line.block():
            raise option.wrong_count()
    site.chain("metadata", lambda next_: _linked(next_, zones, site))


def _linked(next_: Handler, zones: Zones, site: Site) -> Handler:
    metadata = Metadata(next_, zones, site.find(MetadataProvider))  # type: ignore[type-abstract]
    site.offer(metadata)
    return after_load(metadata, zones, site)


class Collected:
    """The labels of one query (`chain.query.Labels`)."""

    __slots__ = ("_providers", "_query", "_set")

    def __init__(self, query: Query, providers: Sequence[MetadataProvider]) -> None:
        self._query = query
        self._providers = providers
        self._set: dict[str, str] = {}

    def get(self, label: str) -> str | None:
        """What was set, or else what the first provider that knows the label says."""
        if label in self._set:
            return self._set[label]
        found = (provider.metadata_of(self._query, label) for provider in self._providers)
        return next((value for value in found if value is not None), None)

    def set(self, label: str, value: str) -> None:
        """Give a label a value."""
        self._set[label] = value


class Metadata:
    """Gives queries in its zones their labels (`chain.roles.Labeller`)."""

    def __init__(self, next_: Handler, zones: Zones, providers: Sequence[MetadataProvider]) -> None:
        self._next = next_
        self._zones = zones
        self._providers = providers

    def labelled(self, query: Query) -> Query:
        """The query with its labels, if its name is in the zones."""
        if self._zones.match(query.question) is None:
            return query
        return query.replace(metadata=Collected(query, self._providers))

    def answer(self, query: Query) -> Coroutine[Any, Any, Answer]:
        """The next handler's answer."""
        return self._next.answer(self.labelled(query))
