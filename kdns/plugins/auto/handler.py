"""The link of the chain: names of the configured zones are looked up in the zones that were found."""

from collections.abc import Coroutine, Mapping
from typing import Any

from kdns.chain.answer import Answer
from kdns.chain.basis import Key
from kdns.chain.handler import Handler
from kdns.chain.query import Query
from kdns.chain.roles import Transfer
from kdns.chain.zone.authority import Authority, Held
from kdns.chain.zones import Zones


class Auto:
    """Answers for names in `origins` that are in one of the zones it holds; `key` stands for which ones these are."""

    def __init__(self, next_: Handler, origins: Zones, authority: Authority, key: Key) -> None:
        self._next = next_
        self._origins = origins
        self._authority = authority
        self._key = key

    def answer(self, query: Query) -> Coroutine[Any, Any, Answer]:
        """From the zones, or the next handler's answer."""
        if self._origins.match(query.question) is None:
            return self._next.answer(query)
        query.basis.reads.append(self._key)
        return self._authority.answer(query)

    def hold(self, zones: Mapping[bytes, Held]) -> None:
        """Serve these zones from now on."""
        self._authority.hold(zones)

    def transfer(self, zone: bytes) -> Transfer | None:
        """See `chain.roles.Transferer`."""
        return self._authority.transfer(zone)
