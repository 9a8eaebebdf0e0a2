"""The link of the chain: answers from the copies, and listens to the primaries' notifications (RFC 1996)."""

import logging
from collections.abc import Mapping
from ipaddress import ip_address

from kdns.chain.answer import DROP, Answer, refuse
from kdns.chain.basis import Key
from kdns.chain.notices import is_notice
from kdns.chain.query import Query
from kdns.chain.roles import Transfer
from kdns.chain.zone.authority import Authority
from kdns.chain.zones import Zones
from kdns.plugins.secondary.copies import Copies
from kdns.plugins.secondary.copy import Copy
from kdns.plugins.secondary.primaries import Server
from kdns.wire import codes, name

_REFUSED = refuse(codes.REFUSED)
_HEARD = Answer(flags=codes.AA, recursion=False)


class Secondary:
    """Answers for names in the copies' zones; `key` stands for which ones these are."""

    def __init__(self, authority: Authority, copies: Copies, key: Key) -> None:
        self._authority = authority
        self._copies = copies
        self._key = key
        self._zones = Zones(())
        self.hold(copies.zones)

    def hold(self, zones: Mapping[bytes, Copy]) -> None:
        """Serve these zones from now on."""
        self._authority.hold(zones)
        self._zones = Zones(map(name.to_text, zones))

    async def answer(self, query: Query) -> Answer:
        """From the zones, or the next handler's answer."""
        if is_notice(query):
            return self._heard(query)
        query.basis.reads.append(self._key)
        return await self._authority.answer(query)

    def _heard(self, query: Query) -> Answer:
        """A notification of a primary is answered, and the zone looked after; one of others is dropped."""
        origin = self._zones.match(query.question)
        if origin is None:
            return _REFUSED
        client, copy = query.client[0].partition("%")[0], self._copies.zones[origin]
        if all(_packed(server) != ip_address(client).packed for server in self._copies.servers(origin)):
            copy.say(logging.INFO, f"Dropping notify from {client} for {copy.text}")
            return DROP
        copy.notice(client)
        return _HEARD

    def transfer(self, zone: bytes) -> Transfer | None:
        """See `chain.roles.Transferer`."""
        return self._authority.transfer(zone)


def _packed(server: Server) -> bytes:
    return ip_address(server.address.partition("%")[0]).packed
