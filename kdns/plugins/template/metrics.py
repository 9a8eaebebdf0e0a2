"""What is counted: matches, and templates that failed; `spec/metrics.md`."""

from kdns.chain.query import Query
from kdns.metrics import Registry
from kdns.plugins.template.data import Matched
from kdns.plugins.template.records import Maker

_WHERE = ("server", "zone", "view", "class", "type")


class Counts:
    """The counters of one block; the values of their labels come from its directives and from known mnemonics."""

    def __init__(self, registry: Registry, view: str) -> None:
        which = (*_WHERE, "section", "template")
        failures = "coredns_template_template_failures_total", "coredns_template_rr_failures_total"
        self._matches = registry.counter(
            "coredns_template_matches_total", "Counter of template regex matches.", *_WHERE
        )
        self._templates = registry.counter(failures[0], "Counter of go template failures.", *which)
        self._records = registry.counter(failures[1], "Counter of mis-templated RRs.", *which)
        self._view = view

    def match(self, query: Query, matched: Matched) -> None:
        """Count a query, and those that get the same reply from the memo."""
        counter = self._matches.child(*self._labels(query, matched))
        counter.value += 1
        query.basis.tallies.append(counter.add)

    def template_failure(self, query: Query, matched: Matched, maker: Maker) -> None:
        """Count a template that could not be carried out."""
        self._templates.child(*self._labels(query, matched), maker.section, maker.source).add()

    def record_failure(self, query: Query, matched: Matched, maker: Maker) -> None:
        """Count output that is no record."""
        self._records.child(*self._labels(query, matched), maker.section, maker.source).add()

    def _labels(self, query: Query, matched: Matched) -> tuple[str, ...]:
        return query.transport.server, matched.zone, self._view, matched.cls, matched.type
