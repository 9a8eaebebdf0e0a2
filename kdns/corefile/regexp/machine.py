"""The linear matcher: a backtracking one that remembers where it has been.

Whether the rest of the text matches depends on the instruction and the place in the text, on nothing else. So a way
that comes to an instruction and a place for the second time has failed there before, and is given up at once: the steps
are at most the text's length times the program's, whatever the pattern. (The bit-state matcher of RE2 and of Go's
library.)
"""

from kdns.corefile.regexp.node import Assertion, Node
from kdns.corefile.regexp.program import Op, Program


class Machine:
    """The linear matcher of one tree."""

    def __init__(self, node: Node, groups: int) -> None:
        """Raises ValueError if the program gets too long."""
        self._slots = 2 * (groups + 1)
        self._program = Program(node).instructions

    def groups(self, text: str) -> tuple[str, ...] | None:
        """The text of the first match and of its groups, empty for a group that has none; None without a match."""
        visited = bytearray(len(self._program) * (len(text) + 1))
        for start in range(len(text) + 1):
            if (places := self._match(text, start, visited)) is not None:
                pairs = zip(places[::2], places[1::2], strict=True)
                return tuple(text[begin:end] if begin >= 0 else "" for begin, end in pairs)
        return None

    def _match(self, text: str, start: int, visited: bytearray) -> list[int] | None:
        """Begin and end of the match from here and of each group in it, -1 for a group without."""
        program, width = self._program, len(text) + 1
        places = [-1] * self._slots
        untried = [(0, start)]  # a negative first number is a slot to be set back, inverted
        while untried:
            at, position = untried.pop()
            if at < 0:
                places[~at] = position
                continue
            while not visited[at * width + position]:
                visited[at * width + position] = 1
                op, ascii_characters, ranges, first, second, slot, assertion = program[at]
                if op == Op.CHARACTER:
                    character = text[position : position + 1]
                    if character not in ascii_characters and not (character > "\x7f" and _within(character, ranges)):
                        break
                    position += 1
                    at += 1
                elif op == Op.FORK:
                    untried.append((second, position))
                    at = first
                elif op == Op.SAVE:
                    untried.append((~slot, places[slot]))
                    places[slot] = position
                    at += 1
                elif op == Op.ASSERT:
                    if not _holds(assertion, text, position):
                        break
                    at += 1
                else:
                    return places
        return None


def _within(character: str, ranges: tuple[tuple[int, int], ...]) -> bool:
    code = ord(character)
    return any(low <= code <= high for low, high in ranges)


def _holds(assertion: Assertion, text: str, position: int) -> bool:
    match assertion:
        case Assertion.TEXT_BEGIN:
            return position == 0
        case Assertion.TEXT_END:
            return position == len(text)
        case Assertion.LINE_BEGIN:
            return position == 0 or text[position - 1] == "\n"
        case Assertion.LINE_END:
            return position == len(text) or text[position] == "\n"
        case Assertion.BORDER:
            return _is_word(text[position - 1 : position]) != _is_word(text[position : position + 1])
        case Assertion.NO_BORDER:
            return _is_word(text[position - 1 : position]) == _is_word(text[position : position + 1])


def _is_word(character: str) -> bool:
    return character == "_" or (character.isascii() and character.isalnum())
