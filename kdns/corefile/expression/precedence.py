"""Which operators there are, and how strongly they bind: numbers that are compared, expr's own."""

from typing import Final

UNARY: Final = {"not": 50, "!": 50, "-": 90, "+": 90}
BINARY: Final = {
    "|": 0, "or": 10, "||": 10, "and": 15, "&&": 15, "==": 20, "!=": 20, "<": 20, ">": 20, ">=": 20, "<=": 20,
    "in": 20, "matches": 20, "contains": 20, "startsWith": 20, "endsWith": 20, "..": 25, "+": 30, "-": 30,
    "*": 60, "/": 60, "%": 60, "**": 100, "^": 100, "??": 500,
}  # fmt: skip
RIGHT: Final = frozenset(("**", "^"))
COMPARISONS: Final = frozenset(["<", ">", "<=", ">="])
NEGATED: Final = frozenset(["in", "matches", "contains", "startsWith", "endsWith"])
LOGICAL: Final = {"or": "or", "||": "or", "and": "and", "&&": "and"}

PREDICATES: Final = {
    **dict.fromkeys(("all", "none", "any", "one", "filter", "map", "groupBy"), (2, 0)),
    **dict.fromkeys(("find", "findIndex", "findLast", "findLastIndex"), (2, 0)),
    **dict.fromkeys(("count", "sum"), (1, 1)),
    **dict.fromkeys(("sortBy", "reduce"), (2, 1)),
}
"""Functions that ask a predicate, their second argument: how many arguments they need, and how many more they take."""
