"""A certificate from a CA, from the first request to the last (RFC 8555 section 7.4), bounded in time.

The library talks in a thread, one step at a time; waiting between the steps is done here, on the loop. Whatever ends an
order, also kdns's own end, takes its records out of the DNS and ends the thread.
"""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Final, TypeVar

from kdns.plugins.tls.authority import Authority, Proof, Refused
from kdns.plugins.tls.certificate import Certificate, Unusable, new_key, read
from kdns.plugins.tls.challenges import Challenges
from kdns.plugins.tls.options import Options
from kdns.plugins.tls.session import Wire
from kdns.plugins.tls.store import Store
from kdns.plugins.tls.web import Unreachable, Web

LONGEST: Final = 300.0
"""Seconds for an order."""
MAX_TEXT: Final = 400
"""Characters of an error."""
FIRST_LOOK: Final = 0.5
LATER_LOOK: Final = 5.0
"""Seconds between two looks at how far the CA is: half as long again each time, up to this."""

Sleep = Callable[[float], Awaitable[None]]
T = TypeVar("T")


class OrderError(Exception):
    """No certificate; the text says why, in part with the CA's words, so it is one line and not too long."""

    def __init__(self, text: str) -> None:
        line = "".join([each if each.isprintable() else " " for each in text[: MAX_TEXT + 1]])
        super().__init__(line if len(line) <= MAX_TEXT else f"{line[:MAX_TEXT]}...")


class Orders:
    """Places orders as some options say. `trust` has the CAs that the CA's own certificate may come from."""

    def __init__(
        self,
        options: Options,
        store: Store,
        challenges: Challenges,
        trust: ssl.SSLContext,
        *,
        environ: Mapping[str, str],
        agent: str,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        self._options = options
        self._store = store
        self._challenges = challenges
        self._trust = trust
        self._environ = environ
        self._agent = agent
        self._sleep = sleep
        self._registering = asyncio.Lock()

    async def place(self, domain: str) -> Certificate:
        """A new certificate for a domain. Raises OrderError and StorageError."""
        async with self._asking() as authority:
            try:
                await self._enter(authority)
                key = await asyncio.to_thread(new_key)
                order, proofs = await asyncio.to_thread(authority.order, domain, key)
                for proof in proofs:
                    await self._prove(authority, domain, proof)
                await asyncio.to_thread(authority.finish, order)
                chain = await self._until(lambda: authority.chain(order))
                made = await asyncio.to_thread(read, domain, chain, key)
            except Refused as error:
                if error.unknown_account:
                    await asyncio.to_thread(self._store.forget_account, self._options.email)
                    raise OrderError(f"{error}; the next order begins with a new account") from error
                raise
            return made

    async def renewal(self, certificate: Certificate) -> float | None:
        """When the CA would have a certificate renewed, as Unix time; `None` if it does not care. Raises OrderError."""
        async with self._asking() as authority:
            return await asyncio.to_thread(authority.renewal, certificate.chain)

    @asynccontextmanager
    async def _asking(self) -> AsyncIterator[Authority]:
        web = Web(self._trust, self._options.resolver, self._environ)
        wire = Wire(web)
        try:
            async with asyncio.timeout(LONGEST):
                yield Authority(self._options.ca, wire, self._agent)
        except TimeoutError as error:
            raise OrderError(f"{self._options.ca}: not done within {LONGEST:g} s") from error
        except (Refused, Unreachable, Unusable) as error:
            raise OrderError(str(error)) from error
        finally:
            wire.end()
            await web.close()

    async def _enter(self, authority: Authority) -> None:
        email = self._options.email
        async with self._registering:
            known = await asyncio.to_thread(self._store.account, email)
            account = await asyncio.to_thread(authority.enter, known, email)
            if known is None:
                await asyncio.to_thread(self._store.keep_account, email, account)

    async def _prove(self, authority: Authority, domain: str, proof: Proof) -> None:
        self._challenges.present(domain, proof.value)
        try:
            await asyncio.to_thread(authority.answer, proof)
            await self._until(lambda: authority.is_proven(proof) or None)
        finally:
            self._challenges.withdraw(domain, proof.value)

    async def _until(self, look: Callable[[], T | None]) -> T:
        wait = FIRST_LOOK
        while (found := await asyncio.to_thread(look)) is None:
            await self._sleep(wait)
            wait = min(1.5 * wait, LATER_LOOK)
        return found
