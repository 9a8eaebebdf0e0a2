"""Which server block a query goes to where blocks of the same zone are told apart by filters (`corefile.md` section 7).

A listener without any such block has a plain `Dispatch`, so these cost nothing there. What a filter reads is noted on
the basis of the query like everything that its answer rests on, and so the memo's laws hold for the choice as well:
filters that were not asked were in blocks behind the chosen one, and those before it have left their notes.
"""

from collections.abc import Iterator, Sequence

from kdns.chain.answer import Answer, refuse
from kdns.chain.query import Query
from kdns.chain.roles import Filter, Labeller
from kdns.server.dispatch import Block, Dispatch, Dropped, zones_above
from kdns.wire import codes, name
from kdns.wire.reader import Question

_NOT_IMPLEMENTED = refuse(codes.NOTIMP)


def dispatch(blocks: Sequence[tuple[str, Block]], dropped: Dropped) -> Dispatch:
    """What sends the queries of a listener to its blocks."""
    filtered = any(block.site.find(Filter) for _, block in blocks)  # type: ignore[type-abstract]
    return Views(blocks, dropped) if filtered else Dispatch(blocks, dropped)


class Gate:
    """A block behind its filters."""

    __slots__ = ("_filters", "_labellers", "_view", "block")

    def __init__(self, block: Block) -> None:
        self.block = block
        self._view = block.site.view
        self._filters = block.site.find(Filter)  # type: ignore[type-abstract]
        self._labellers = block.site.find(Labeller)  # type: ignore[type-abstract]

    def admitted(self, query: Query) -> Query | None:
        """The query as the block's chain is given it; `None` if the block is not for it."""
        if not self._filters:
            return query
        labelled = query
        for labeller in self._labellers:
            labelled = labeller.labelled(labelled)
        if not all(each.admits(labelled) for each in self._filters):
            return None
        return query.replace(view=self._view)


class Views(Dispatch):
    """The blocks of a listener by zone; the first one of the closest zone that takes a query has it."""

    def __init__(self, blocks: Sequence[tuple[str, Block]], dropped: Dropped) -> None:
        super().__init__(blocks, dropped)
        gates = {id(block): Gate(block) for _, block in blocks}
        self._gates = {zone: [gates[id(block)] for block in found] for zone, found in self._zones.items()}

    def takes_notice(self, question: Question) -> bool:
        """Whether a NOTIFY for a zone may be for one of the blocks; which, only its sender can tell."""
        return any(gate.block.site.listen.notices for gates in self._near(question) for gate in gates)

    async def answer(self, query: Query) -> Answer:
        """The answer of the block that the query belongs to, or REFUSED if there is none."""
        chosen = self._choose(query) if self.takes(query.question.cls) else None
        block, asked = chosen or (None, query)
        if block is None or block.chain is None:
            return await self._refuse(query)
        if query.flags & codes.OPCODE and not block.site.listen.notices:
            return _NOT_IMPLEMENTED
        return await block.chain.answer(asked)

    def _choose(self, query: Query) -> tuple[Block, Query] | None:
        found = None
        for gates in self._near(query.question):
            chosen = _first(gates, query)
            if chosen is None:
                continue
            # The parent side of a zone cut answers DS (RFC 4035 section 3.1.4.1).
            if query.question.type != codes.DS or chosen[0].chain is None:
                return chosen
            found = chosen
        return found or _first([gate for gate in self._gates.get(name.ROOT, ()) if gate.block.chain], query)

    def _near(self, question: Question) -> Iterator[list[Gate]]:
        """The blocks of the zones that hold a name, the longest zone first and without the root."""
        for zone in zones_above(question):
            gates = self._gates.get(zone)
            if gates is not None:
                yield gates


def _first(gates: Sequence[Gate], query: Query) -> tuple[Block, Query] | None:
    """The first block that takes a query. One without plugins takes them all, and refuses them."""
    for gate in gates:
        asked = query if gate.block.chain is None else gate.admitted(query)
        if asked is not None:
            return gate.block, asked
    return None
