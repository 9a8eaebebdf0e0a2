"""The tree as a pattern for Python's `re`, to be compiled with `re.ASCII` and no other flag."""

from kdns.corefile.regexp.charset import ANY, LAST, Ranges, negate
from kdns.corefile.regexp.node import Alternate, Assertion, Chars, Concat, Group, Node, Repeat

_ASSERTIONS = {
    Assertion.TEXT_BEGIN: r"\A",
    Assertion.TEXT_END: r"\Z",
    Assertion.LINE_BEGIN: r"(?m:^)",
    Assertion.LINE_END: r"(?m:$)",
    Assertion.BORDER: r"\b",
    Assertion.NO_BORDER: r"(?!\b)",  # `\B` does not match the empty text before Python 3.14
}


def python_source(node: Node) -> str:
    """The pattern; its groups have the tree's numbers."""
    match node:
        case Chars(ranges):
            return _set(ranges)
        case Assertion():
            return _ASSERTIONS[node]
        case Concat(parts):
            return "".join(map(python_source, parts))
        case Alternate(branches):
            return f"(?:{'|'.join(map(python_source, branches))})"
        case Repeat(body, low, high, lazy):
            return f"(?:{python_source(body)}){{{low},{'' if high is None else high}}}{'?' if lazy else ''}"
        case Group(body):
            return f"({python_source(body)})"


def _set(ranges: Ranges) -> str:
    if not ranges:
        return "(?!)"
    if ranges == ANY:
        return "(?s:.)"
    if ranges[-1][1] == LAST:  # `re` takes milliseconds to compile a set of a million characters
        return f"[^{_members(negate(ranges))}]"
    if len(ranges) == 1 and ranges[0][0] == ranges[0][1]:
        return _character(ranges[0][0])
    return f"[{_members(ranges)}]"


def _members(ranges: Ranges) -> str:
    return "".join(f"{_character(low)}-{_character(high)}" for low, high in ranges)


def _character(code: int) -> str:
    return chr(code) if chr(code).isalnum() and code < 128 else f"\\U{code:08x}"
