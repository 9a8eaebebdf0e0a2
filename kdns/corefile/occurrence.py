"""One directive's tokens taken apart: each occurrence is a line of words and perhaps a block of lines below it.

    name arg arg {        a block opens at the end of the directive's line
        option arg        and has one level: one option a line
    }                     and closes at the start of a line of its own, or at once (`errors { }`)

CoreDNS leaves this to each plugin's setup, which stumbles over what is written otherwise with an error of its own.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from kdns.corefile.token import Token

Words = tuple[Token, ...]


@dataclass(frozen=True, slots=True)
class Occurrence:
    """A directive once: its name and arguments, and the lines of its block, None if it has no block."""

    words: Words
    block: tuple[Words, ...] | None


def occurrences(tokens: Sequence[Token], plugin: str) -> Iterator[Occurrence]:
    """The occurrences in a directive's tokens, in order. Raises ConfigError for braces where they cannot be."""
    position = 0
    while position < len(tokens):
        if tokens[position].opens:
            raise tokens[position].error("Unexpected '{': a block opens on its directive's own line", plugin=plugin)
        words = _line(tokens, position)
        position += len(words)
        block = None
        if position < len(tokens) and tokens[position].opens and tokens[position].continues(words[-1]):
            block = tuple(_block(tokens, position + 1, plugin))
            position += sum(map(len, block)) + 2
            if position < len(tokens) and tokens[position].continues(tokens[position - 1]):
                raise tokens[position].wrong_count(plugin)
        yield Occurrence(words, block)


def _block(tokens: Sequence[Token], position: int, plugin: str) -> Iterator[Words]:
    while position < len(tokens) and not tokens[position].closes:
        if tokens[position].opens:
            raise tokens[position].error("unknown property '{'", plugin=plugin)
        words = _line(tokens, position)
        position += len(words)
        if position < len(tokens) and tokens[position].continues(words[-1]):
            if tokens[position].opens:
                raise tokens[position].error("Unexpected '{': blocks do not nest", plugin=plugin)
            raise tokens[position].error("Unexpected '}': it closes a block at the start of a line", plugin=plugin)
        yield words


def _line(tokens: Sequence[Token], position: int) -> Words:
    """The words from here to the end of the line or the next brace."""
    end = position + 1
    while (
        end < len(tokens)
        and tokens[end].continues(tokens[end - 1])
        and not tokens[end].opens
        and not tokens[end].closes
    ):
        end += 1
    return tuple(tokens[position:end])
