"""Label and field selectors as an API server reads them; written apart from those of kdns, to judge them."""

import re
from collections.abc import Callable, Mapping

Matcher = Callable[[Mapping[str, str]], bool]

_TERM = re.compile(r"\s*(?:(\S+?)\s+(in|notin)\s*\(([^)]*)\)|([^,\s]+))\s*(?:,|$)")


def compile_selector(text: str) -> Matcher:
    """What decides whether labels (or fields) match; an empty selector matches all."""
    terms: list[Matcher] = []
    at = 0
    while at < len(text):
        found = _TERM.match(text, at)
        if found is None:
            raise ValueError(f"unable to parse selector {text!r}")
        key, operator, values, simple = found.groups()
        terms.append(_simple(simple) if simple else _set(key, operator == "in", {v.strip() for v in values.split(",")}))
        at = found.end()
    return lambda labels: all(term(labels) for term in terms)


def _simple(text: str) -> Matcher:
    for operator in ("!=", "==", "="):
        key, found, value = text.partition(operator)
        if found:
            wanted = operator != "!="
            return lambda labels: (labels.get(key) == value) is wanted
    if text.startswith("!"):
        return lambda labels: text[1:] not in labels
    return lambda labels: text in labels


def _set(key: str, wanted: bool, values: set[str]) -> Matcher:
    return lambda labels: (labels.get(key) in values) is wanted
