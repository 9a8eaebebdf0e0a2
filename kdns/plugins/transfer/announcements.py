"""Telling other name servers that a zone is another one now: NOTIFY over UDP (RFC 1996).

Nobody waits for it. What is to be told before the instance answers queries is told when it does, because who is told
comes to ask. A zone that changes again before a server was told is told once.
"""

import asyncio
import logging
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

from kdns.net.failures import UpstreamError
from kdns.net.limits import Limits
from kdns.net.upstream import Upstream
from kdns.plugins.transfer.stanza import Stanza, Target
from kdns.wire import codes, name
from kdns.wire.reader import HEADER, question

log = logging.getLogger("kdns.transfer")

TRIES = 3
TIMEOUT = 2.0
"""Seconds of waiting for the reply to each try."""
TOGETHER = 64
"""Servers that are told at a time."""

_LIMITS = Limits(ports=1, streams=1)

Job = tuple[bytes, Target, str]
"""Folded zone, whom to tell, and the address to do it from."""


class Announcements:
    """Implements `chain.roles.Announcer` for the stanzas of a block; `spawn` runs work in the background."""

    def __init__(self, stanzas: Sequence[Stanza], spawn: Callable[[Coroutine[Any, Any, None]], None]) -> None:
        self._stanzas = stanzas
        self._spawn = spawn
        self._due: dict[Job, None] = {}
        self._room = asyncio.Semaphore(TOGETHER)
        self._serving = False

    def announce(self, zone: bytes) -> None:
        """Tell all who may have a zone, in the background."""
        stanza = Stanza.longest(self._stanzas, lambda stanza: stanza.zones.match_name(zone))
        for target in stanza.targets if stanza is not None else ():
            job = (zone, target, stanza.source if stanza is not None else "")
            if job not in self._due:
                self._due[job] = None
                if self._serving:
                    self._spawn(self._tell(job))

    async def begin(self) -> None:
        """The instance answers queries now."""
        self._serving = True
        for job in tuple(self._due):
            self._spawn(self._tell(job))

    async def _tell(self, job: Job) -> None:
        zone, target, source = job
        async with self._room:
            del self._due[job]
            error = await tell(zone, target, source)
        if error:
            text = name.to_text(zone)
            log.warning(
                'Failed sending notifies: notify for zone "%s" was not accepted by "%s": %s', text, target, error
            )


async def tell(zone: bytes, target: Target, source: str) -> str:
    """Send NOTIFY until it is accepted, `TRIES` times at most; empty, or why it was not accepted."""
    flags = codes.NOTIFY << codes.OPCODE_SHIFT | codes.AA
    message = HEADER.pack(0, flags, 1, 0, 0, 0) + question(zone, codes.SOA).wire
    error = ""
    try:
        upstream = Upstream(target.address, target.port, source_address=source or None, limits=_LIMITS)
    except ValueError as wrong:
        return f'"{wrong}"'
    try:
        for _ in range(TRIES):
            try:
                reply = await upstream.exchange(message, timeout=TIMEOUT)
            except UpstreamError as failure:
                error = f'"{failure}"'
                continue
            rcode = reply[3] & 15
            if rcode == codes.NOERROR:
                return ""
            error = f'rcode was "{codes.rcode_name(rcode)}"'
    finally:
        upstream.close()
    return error
