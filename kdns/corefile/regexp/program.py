"""The tree as a program of small instructions, for the linear matcher.

An instruction is a place in the program; what follows it is the next place unless it says otherwise. Counted repeats
are copied out, which is why a program has a greatest length.
"""

from enum import IntEnum
from typing import Final, NamedTuple

from kdns.corefile.regexp.charset import Ranges
from kdns.corefile.regexp.node import Alternate, Assertion, Chars, Concat, Group, Node, Repeat, nullable

MAX_PROGRAM: Final = 12_000
"""Instructions; a pattern of the greatest length has as many only if counted repeats multiply it."""


class Op(IntEnum):
    """What an instruction does."""

    CHARACTER = 0
    FORK = 1
    SAVE = 2
    ASSERT = 3
    FOUND = 4


class Instruction(NamedTuple):
    """One step. Which of the fields count depends on `op`."""

    op: Op
    ascii: frozenset[str] = frozenset()
    """CHARACTER: the ASCII characters that go on."""
    ranges: Ranges = ()
    """CHARACTER: all of them."""
    first: int = 0
    """FORK: the place to try first."""
    second: int = 0
    """FORK: the place to try then."""
    slot: int = 0
    """SAVE: which place of the text to keep."""
    assertion: Assertion = Assertion.TEXT_BEGIN
    """ASSERT: what has to hold."""


_FORK: Final = Instruction(Op.FORK)


class Program:
    """The instructions of one tree, between the saves of slots 0 and 1 for the whole match, and `FOUND` at the end."""

    def __init__(self, node: Node) -> None:
        """Raises ValueError if the program gets longer than `MAX_PROGRAM`."""
        self.instructions: list[Instruction] = []
        self._node(Group(node, 0))
        self._emit(Instruction(Op.FOUND))

    def _emit(self, instruction: Instruction) -> int:
        if len(self.instructions) >= MAX_PROGRAM:
            raise ValueError("error parsing regexp: expression too large")
        self.instructions.append(instruction)
        return len(self.instructions) - 1

    def _node(self, node: Node) -> None:
        match node:
            case Chars(ranges):
                self._emit(Instruction(Op.CHARACTER, ascii=_ascii(ranges), ranges=ranges))
            case Assertion():
                self._emit(Instruction(Op.ASSERT, assertion=node))
            case Concat(parts):
                for part in parts:
                    self._node(part)
            case Alternate(branches):
                self._alternate(branches)
            case Group(body, number):
                self._emit(Instruction(Op.SAVE, slot=2 * number))
                self._node(body)
                self._emit(Instruction(Op.SAVE, slot=2 * number + 1))
            case Repeat():
                self._repeat(node)

    def _alternate(self, branches: tuple[Node, ...]) -> None:
        jumps = []
        for branch in branches[:-1]:
            fork = self._emit(_FORK)
            self._node(branch)
            jumps.append(self._emit(_FORK))
            self._fork(fork, fork + 1, len(self.instructions))
        self._node(branches[-1])
        for jump in jumps:
            self._fork(jump, len(self.instructions), len(self.instructions))

    def _repeat(self, node: Repeat) -> None:
        body, low, high, lazy = node.body, node.low, node.high, node.lazy
        if high is not None:
            for _ in range(low):
                self._node(body)
            self._optional(body, high - low, lazy)
        elif low == 0 and nullable(body):  # the body may pass once without a character, as in Perl
            self._optional(Repeat(body, 1, None, lazy), 1, lazy)
        elif low == 0:
            fork = self._emit(_FORK)
            self._node(body)
            back = self._emit(_FORK)
            self._fork(back, fork, fork)
            self._choose(fork, fork + 1, back + 1, lazy)
        else:
            for _ in range(low - 1):
                self._node(body)
            start = len(self.instructions)
            self._node(body)
            fork = self._emit(_FORK)
            self._choose(fork, start, fork + 1, lazy)

    def _optional(self, body: Node, times: int, lazy: bool) -> None:
        """Up to so many times: each copy is reached through the one before it."""
        forks = []
        for _ in range(times):
            forks.append(self._emit(_FORK))
            self._node(body)
        for fork in forks:
            self._choose(fork, fork + 1, len(self.instructions), lazy)

    def _choose(self, fork: int, on: int, out: int, lazy: bool) -> None:
        self._fork(fork, *((out, on) if lazy else (on, out)))

    def _fork(self, fork: int, first: int, second: int) -> None:
        self.instructions[fork] = Instruction(Op.FORK, first=first, second=second)


def _ascii(ranges: Ranges) -> frozenset[str]:
    return frozenset(chr(code) for low, high in ranges for code in range(low, min(high, 127) + 1))
