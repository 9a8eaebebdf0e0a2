"""All zones of a block that come from other servers: those of the configuration, and the members of catalogs."""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from kdns.chain.zone import Zone
from kdns.chain.zones import Zones
from kdns.plugins.secondary.catalog import CatalogError, Member, Place, Step, members, steps
from kdns.plugins.secondary.copy import Copy
from kdns.plugins.secondary.primaries import Server, TransferError
from kdns.wire import name

log = logging.getLogger("kdns.secondary")


@dataclass(slots=True)
class Configured:
    """One zone of the configuration: its primaries, and which members it may have if it is a catalog."""

    servers: list[Server] = field(default_factory=list)
    catalog: bool = False
    allowed: Zones | None = None


Make = Callable[[bytes, Sequence[Server], Callable[[Zone], None]], Copy]
"""Makes a copy of a zone from its primaries, which asks before it takes a zone."""


class Copies:
    """`start` is told of copies to begin to follow, `settled` of what is served when that has changed."""

    def __init__(
        self,
        configured: Mapping[bytes, Configured],
        make: Make,
        start: Callable[[Copy], None],
        settled: Callable[[Mapping[bytes, Copy]], None],
    ) -> None:
        self._configured = configured
        self._make = make
        self._start = start
        self._settled = settled
        self._catalogs: dict[bytes, dict[bytes, Member]] = {}
        self._pending: dict[bytes, dict[bytes, Member]] = {}
        self._places: dict[bytes, Place | None] = dict.fromkeys(configured)
        self.zones: dict[bytes, Copy] = {
            origin: make(origin, each.servers, self._parser(origin, each)) for origin, each in configured.items()
        }

    def servers(self, origin: bytes) -> Sequence[Server]:
        """The primaries of a zone that is served."""
        place = self._places[origin]
        return self._configured[origin if place is None else place.catalog].servers

    def took(self, copy: Copy) -> None:
        """A copy has another zone now. If it is a catalog, its members are added, replaced and taken away."""
        listed = self._pending.pop(copy.origin, None)
        if listed is None:
            return
        self._catalogs[copy.origin] = listed
        allowed = self._configured[copy.origin].allowed
        wanted = {
            zone: member for zone, member in listed.items() if not allowed or allowed.match_name(zone) is not None
        }
        todo, warnings = steps(copy.origin, wanted, self._places, self._catalogs)
        if skipped := len(listed) - len(wanted):
            text = name.to_text(copy.origin)
            warnings.append(f"Skipped {skipped} member zones from catalog {text}: outside configured member zones")
        for warning in warnings:
            log.warning("%s", warning)
        self._do(todo)
        log.info("Parsed catalog zone %s with %d member zones", copy.text, len(listed))

    def _do(self, todo: Sequence[Step]) -> None:
        started = [copy for step in todo if (copy := self._step(step)) is not None]
        if todo:
            self._settled(self.zones)
        for copy in started:
            self._start(copy)

    def _step(self, step: Step) -> Copy | None:
        log.info("%s", step.line)
        old = self.zones.pop(step.zone, None)
        if old is not None:
            old.end()
        if step.place is None:
            del self._places[step.zone]
            return None
        self._places[step.zone] = step.place
        copy = self._make(step.zone, self._configured[step.place.catalog].servers, lambda zone: None)
        if old is not None and step.keeps:
            copy.inherit(old)
        self.zones[step.zone] = copy
        return copy

    def _parser(self, origin: bytes, configured: Configured) -> Callable[[Zone], None]:
        def parse(zone: Zone) -> None:
            try:
                self._pending[origin] = members(zone)
            except CatalogError as error:
                raise TransferError(str(error)) from error

        return parse if configured.catalog else lambda zone: None
