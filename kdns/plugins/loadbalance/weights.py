"""The policy `weighted`: one address to the front by weight, and the file that the weights stand in.

Weights are looked up by owner, compared without case, and address. A client's answer depends on chance, so none is kept
and a new file needs nobody to forget anything.
"""

import asyncio
import logging
import random
from collections.abc import Callable, Mapping
from ipaddress import ip_address
from pathlib import Path

from kdns.chain.answer import Answer, Records
from kdns.chain.classify import heads
from kdns.chain.query import Query
from kdns.corefile import ConfigError, format_duration
from kdns.plugins.loadbalance.order import GROUPS, OTHERS, change
from kdns.wire import codes, name
from kdns.wire.errors import WireError
from kdns.wire.record import Record

log = logging.getLogger("kdns.loadbalance")

MAX_FILE = 16 << 20
"""Octets of a weight file."""

Weights = Mapping[bytes, Mapping[bytes, int]]
"""Weight of each packed address of each folded name."""


class Weighted:
    """Brings one address to the front by weight; knows the file that the weights stand in."""

    def __init__(self, path: str, chance: random.Random) -> None:
        self._path = path
        self._chance = chance
        self._content: bytes | None = None
        self._weights: Weights = {}

    async def begin(self, error: Callable[[str], ConfigError], reload: float) -> None:
        """Read the file at start-up. Raises `ConfigError` unless it may yet appear."""
        try:
            await self._read()
        except OSError as fault:
            if not reload:
                raise error("weight file open error") from fault
            wait = format_duration(reload)
            log.warning("Failed to open weight file:weight file open error. Will try again in %s", wait)
        except ValueError as fault:
            raise error(str(fault)) from fault

    async def follow(self, reload: float) -> None:
        """Read the file again every `reload` seconds, for ever."""
        while True:
            await asyncio.sleep(reload)
            try:
                await self._read()
            except OSError:
                log.error("weight file open error")
            except ValueError as fault:
                log.error("%s", fault)

    async def _read(self) -> None:
        content = await asyncio.to_thread(_content, self._path)
        if content == self._content:
            return
        self._content = content  # a malformed file is complained of once
        self._weights = await asyncio.to_thread(read_weights, content, self._path)
        log.info("Successfully reloaded weight file %s", self._path)

    def __call__(self, query: Query, answer: Answer) -> dict[str, Records]:
        """The sections that change."""
        changes: dict[str, Records] = {}
        if query.question.type not in (codes.A, codes.AAAA, codes.SRV):
            return changes
        for field in ("answer", "additional"):
            section: Records = getattr(answer, field)
            types = [head.type for head in heads(section)]
            groups = [GROUPS.get(rtype, OTHERS) for rtype in types]
            addresses = groups.count(2)
            if not addresses:
                continue
            order = sorted(range(len(types)), key=groups.__getitem__)
            if addresses > 1:
                query.basis.fleeting = True
                first = len(order) - groups.count(3) - addresses
                chosen = self._chosen(query, [section[i] for i in order[first : first + addresses]])
                order[first], order[first + chosen] = order[first + chosen], order[first]
            change(changes, field, section, order)
        return changes

    def _chosen(self, query: Query, records: list[Record]) -> int:
        weights = [self._weight(query, record) for record in records]
        left = self._chance.randrange(sum(weights))
        for index, weight in enumerate(weights):
            left -= weight
            if left < 0:
                return index
        raise AssertionError("a number below the sum of the weights lies within one of them")

    def _weight(self, query: Query, record: Record) -> int:
        owner = query.question.folded if record.owner is None else record.owner.lower()
        of_name = self._weights.get(owner)
        return of_name.get(record.data, 1) if of_name else 1


def _content(path: str) -> bytes:
    with Path(path).open("rb") as file:
        content = file.read(MAX_FILE + 1)
    if len(content) > MAX_FILE:
        raise ValueError(f"weight file {path} is larger than {MAX_FILE} octets")
    return content


def read_weights(content: bytes, path: str) -> Weights:
    """The weights in a file's content. Raises `ValueError` that names what is wrong."""
    weights: dict[bytes, dict[bytes, int]] = {}
    of_name: dict[bytes, int] | None = None
    for line in content.decode(errors="replace").splitlines():
        words = line.split()
        if not words or words[0].startswith("#"):
            continue
        if len(words) == 1:
            of_name = weights.setdefault(_name(words[0], path), {})
        elif len(words) == 2:
            address, weight = _address(words[0]), words[1]
            if address is None:
                raise ValueError(f'wrong IP address:"{words[0]}" in weight file {path}')
            if not (weight.isascii() and weight.isdigit() and len(weight) < 10 and 0 < int(weight) < 256):
                raise ValueError(f'wrong weight value:"{weight}" in weight file {path}')
            if of_name is None:
                raise ValueError(f"missing domain name in weight file {path}")
            of_name.setdefault(address, int(weight))
        else:
            raise ValueError(f'could not parse weight line:"{line.strip()}" in weight file {path}')
    return weights


def _address(text: str) -> bytes | None:
    try:
        return ip_address(text).packed
    except ValueError:
        return None


def _name(text: str, path: str) -> bytes:
    try:
        if _address(text) is None:
            return name.from_text(text).lower()
    except WireError:
        pass
    raise ValueError(f'wrong domain name:"{text}" in weight file {path}. (Maybe a missing weight value?)')
