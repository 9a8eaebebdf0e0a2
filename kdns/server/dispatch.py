"""Which server block a query goes to (`corefile.md` section 7)."""

from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from typing import Any

from kdns.chain.answer import Answer, refuse
from kdns.chain.fastpath import FastPath
from kdns.chain.handler import Handler
from kdns.chain.query import Query
from kdns.chain.site import Site
from kdns.wire import codes, name
from kdns.wire.reader import Question

_REFUSED = refuse(codes.REFUSED)

Dropped = Callable[[Query, Answer], None]


@dataclass(frozen=True, slots=True)
class Block:
    """A server block that is set up: its chain is `None` if it has no plugins."""

    site: Site
    chain: Handler | None
    fast: FastPath | None = None


class Dispatch:
    """The blocks of one listener by zone; the closest enclosing zone wins."""

    def __init__(self, blocks: Sequence[tuple[str, Block]], dropped: Dropped) -> None:
        self._zones: dict[bytes, list[Block]] = {}
        for zone, block in blocks:
            self._zones.setdefault(name.from_text(zone).lower(), []).append(block)
        self._root = [block for block in self._zones.get(name.ROOT, ()) if block.chain is not None]
        self._only = self._root[0].chain if self._root and len(self._zones) == 1 else None
        self.blocks = tuple({id(block): block for _, block in blocks}.values())
        self._any_class = any(block.site.listen.any_class for _, block in blocks)
        self.notices = any(block.site.listen.notices for _, block in blocks)
        """Whether any block takes NOTIFY."""
        self.dropped = dropped
        """Counts a query that got this answer from no plugin."""

    def takes(self, cls: int) -> bool:
        """Whether questions of a class are looked at: IN, and all if a block forwards or answers CH."""
        return cls == codes.IN or self._any_class

    def takes_notice(self, question: Question) -> bool:
        """Whether a NOTIFY for a zone is for one of the blocks; others are as if there were none."""
        block = self.block_of(question)
        return block is not None and block.site.listen.notices

    def answer(self, query: Query) -> Coroutine[Any, Any, Answer]:
        """What makes the answer: the chain of the block that the query belongs to, or REFUSED if there is none."""
        if self._only is not None and query.question.cls == codes.IN:
            return self._only.answer(query)
        block = self.block_of(query.question) if self.takes(query.question.cls) else None
        if block is None or block.chain is None:
            return self._refuse(query)
        return block.chain.answer(query)

    async def _refuse(self, query: Query) -> Answer:
        self.dropped(query, _REFUSED)
        return _REFUSED

    def block_of(self, question: Question) -> Block | None:
        """The block that a question belongs to by its zone."""
        found = None
        for zone in zones_above(question):
            blocks = self._zones.get(zone)
            if blocks is None:
                continue
            found = blocks[0]
            # The parent side of a zone cut answers DS (RFC 4035 section 3.1.4.1).
            if question.type != codes.DS:
                return found
        return found or (self._root[0] if self._root else None)


def zones_above(question: Question) -> Sequence[bytes]:
    """The zones that may hold a question, the longest first; the root only if it is asked for itself."""
    return name.suffixes(question.folded)[:-1] or (name.ROOT,)
