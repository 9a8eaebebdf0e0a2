"""A collection loaded by plain lists, page after page, from a server that streams no lists.

All pages are of one moment, the version of the first; the server forgets it after a while. Where that happens before
the last page has come, the collection is listed once more in a single response, which cannot expire; it is cut into
small documents as it arrives, so it costs no more memory (kubernetes.md section 4.3).
"""

import asyncio
from collections.abc import Callable, Iterable, Mapping
from contextlib import aclosing
from typing import Final

from kdns.cluster.client import Client
from kdns.cluster.errors import ApiError
from kdns.cluster.kinds import Kind
from kdns.cluster.mirror import Mirror, Resync
from kdns.cluster.objects import DecodeError, ListPage, ObjectError, decode_list

PAGE: Final = 500
"""Objects a page."""


class Pages:
    """Lists one kind into a mirror; `report` is told of objects that cannot be used."""

    def __init__(
        self,
        client: Client,
        kind: Kind,
        selectors: Mapping[str, str],
        mirror: Mirror,
        report: Callable[[Iterable[ObjectError]], None],
    ) -> None:
        self._client = client
        self._kind = kind
        self._selectors = selectors
        self._mirror = mirror
        self._report = report

    async def load(self, cached: bool) -> tuple[Resync, str]:
        """The load, to be committed, and its version. `cached`: an older state will do. Raises `ApiError`."""
        resync = self._mirror.resync(self._kind)
        page = await self._page(resync, {"limit": str(PAGE)} | ({"resourceVersion": "0"} if cached else {}))
        version, restarted = page.resource_version, False
        while token := page.continue_:
            try:
                page = await self._page(resync, {"limit": str(PAGE), "continue": token})
            except ApiError as error:
                if restarted or not error.expired:
                    raise
                restarted = True
                resync = self._mirror.resync(self._kind)
                page = await self._page(resync, {})
                version = page.resource_version
            if page.continue_ == token:
                raise ApiError("a page that follows itself", reason="Malformed")
        if not version:
            raise ApiError("a list without a version", reason="Malformed")
        return resync, version

    async def _page(self, resync: Resync, params: Mapping[str, str]) -> ListPage:
        page = None
        async with aclosing(self._client.list(self._kind.path, {**self._selectors, **params})) as documents:
            async for document in documents:
                try:
                    page = decode_list(self._kind, document)
                except DecodeError as error:
                    raise ApiError(f"a list that cannot be read: {error}", reason="Malformed") from error
                for errors in resync.load(page.items):
                    self._report(errors)
                    await asyncio.sleep(0)
        if page is None:
            raise ApiError("an empty response", reason="Malformed")
        return page
