"""Roles that plugins play for each other: offered with `site.offer`, found with `site.find`.

A plugin asks for what it needs by one of these protocols and so never knows another plugin's name or insides.
"""

from typing import Protocol, runtime_checkable

from kdns.chain.query import Query


@runtime_checkable
class MetadataProvider(Protocol):
    """A plugin that knows something about queries."""

    def metadata_of(self, query: Query, label: str) -> str | None:
        """The value of a label for a query as it came in, `None` if it has none; asked only for labels in use."""
        ...
