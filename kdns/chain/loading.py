"""Answers that rest on what another plugin loads at the start, and so wait for it (`kubernetes.md` section 4.4).

CoreDNS opens no port before everything is loaded or has had its time. Here ports are open at once, so each plugin that
reads what another one loads has its queries wait: half an index denies names that exist.
"""

from collections.abc import Coroutine
from typing import Any

from kdns.chain.answer import Answer
from kdns.chain.handler import Handler
from kdns.chain.query import Query
from kdns.chain.roles import Loading
from kdns.chain.site import Site
from kdns.chain.zones import Zones


def after_load(link: Handler, zones: Zones, site: Site) -> Handler:
    """A link whose questions in these zones wait until the plugins of its block have loaded, or had their time."""
    loading = site.find(Loading)  # type: ignore[type-abstract]
    return AfterLoad(link, zones, loading) if loading else link


class AfterLoad:
    """Lets queries through to a link."""

    def __init__(self, link: Handler, zones: Zones, loading: list[Loading]) -> None:
        self._link = link
        self._zones = zones
        self._loading = loading

    def answer(self, query: Query) -> Coroutine[Any, Any, Answer]:
        """The link's answer, later if need be."""
        if self._loading and self._zones.match(query.question) is not None:
            return self._answer_later(query)
        return self._link.answer(query)

    async def _answer_later(self, query: Query) -> Answer:
        for each in self._loading:
            await each.settled()
        self._loading = [each for each in self._loading if not each.ready()]
        return await self._link.answer(query)
