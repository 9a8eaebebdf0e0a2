"""From the words of one rule to the rule. ValueError has CoreDNS's text for what is wrong with them."""

import re
from collections.abc import Callable, Sequence
from typing import NamedTuple

from kdns.chain.site import Site
from kdns.corefile import Regexp
from kdns.plugins.rewrite.match import KINDS, Matches, Rename, absolute, matcher, renamer
from kdns.plugins.rewrite.names import named
from kdns.plugins.rewrite.options import optioned
from kdns.plugins.rewrite.request import Reclassed, Replied, Retyped, Rule
from kdns.plugins.rewrite.response import Alias, Rcode, Ttl
from kdns.wire import codes

Words = Sequence[str]

MAX_TTL = 2**31 - 1
_TTL = re.compile(r"([0-9]*)(?:(-)([0-9]*))?", re.ASCII)
_RCODES = codes.RCODE_NUMBERS | {"NOTIMPL": codes.NOTIMP, "BADSIG": codes.BADVERS, "DSOTYPENI": 11}


class Line(NamedTuple):
    """A rule with its mode."""

    rule: Rule
    stops: bool


def read(words: Words, site: Site) -> Line:
    """One rule of its words. Raises ValueError."""
    if not words:
        raise ValueError("no rule type specified for rewrite")
    mode = words[0].lower()
    has_mode = mode in ("continue", "stop")
    if has_mode and len(words) < 2:
        raise ValueError(f"{mode} rule must begin with a rule type")
    field, *rest = words[1:] if has_mode else words
    if field.lower() == "answer":
        raise ValueError("response rewrites must begin with a name rule")
    if field.lower() not in _FIELDS:
        raise ValueError(f'invalid rule type "{words[0]}"')
    return Line(_FIELDS[field.lower()](rest, site), mode != "continue")


def _name(words: Words, site: Site) -> Rule:
    return named(words)


def _edns0(words: Words, site: Site) -> Rule:
    return optioned(words)


def _type(words: Words, site: Site) -> Rule:
    return Retyped(*_pair("type", words, codes.TYPE_NUMBERS))


def _class(words: Words, site: Site) -> Rule:
    return Reclassed(*_pair("class", words, codes.CLASS_NUMBERS))


def _pair(field: str, words: Words, numbers: dict[str, int]) -> tuple[int, int]:
    if len(words) != 2:
        raise ValueError(f"{field} rules must have exactly two arguments")
    for word in words:
        if word.upper() not in numbers:
            raise ValueError(f'invalid {field} "{word.upper()}"')
    return numbers[words[0].upper()], numbers[words[1].upper()]


def _ttl(words: Words, site: Site) -> Rule:
    _count("ttl", words, 2)
    low, high = _bounds(words[-1])
    return Replied(_matcher("ttl", words[:-1]), Ttl(low, high))


def _bounds(word: str) -> tuple[int, int]:
    """`N`, `MIN-MAX`, `-MAX` or `MIN-` in seconds."""
    found = _TTL.fullmatch(word)
    if found is None or word in ("", "-") or len(word) > 40:
        raise ValueError(f"invalid TTL '{word}' for a ttl rule")
    low = int(found[1] or 0)
    high = low if not found[2] else int(found[3]) if found[3] else MAX_TTL
    if low > high or high >= 2**32:
        raise ValueError(f"invalid TTL '{word}' for a ttl rule")
    return low, high


def _rcode(words: Words, site: Site) -> Rule:
    _count("rcode", words, 3)
    old, new = _code("matching", words[-2]), _code("replacement", words[-1])
    return Replied(_matcher("rcode", words[:-2]), Rcode(old, new))


def _code(role: str, word: str) -> int:
    if word.isascii() and word.isdigit() and len(word) <= 10 and int(word) <= 23:
        return int(word)
    if word.upper() not in _RCODES:
        raise ValueError(f"invalid {role} RCODE '{word}' for a rcode rule")
    return _RCODES[word.upper()]


def _count(field: str, words: Words, least: int) -> None:
    if len(words) < least:
        raise ValueError(f"too few ({len(words)}) arguments for a {field} rule")
    if len(words) > least + 1:
        raise ValueError(f"many few arguments for a {field} rule")  # the reference's wording


def _matcher(field: str, words: Words) -> Matches:
    """`[KIND] NAME`."""
    kind, text = ("exact", words[0]) if len(words) == 1 else (words[0].lower(), words[1])
    if kind not in KINDS:
        raise ValueError(f"{field} rule supports only exact, prefix, suffix, substring, and regex name matching")
    if kind != "regex":
        return matcher(kind, absolute(text))
    _bound(field, text)
    try:
        return matcher(kind, text)
    except ValueError as error:
        raise ValueError(f"invalid regex pattern in a {field} rule: {text}") from error


def _cname(words: Words, site: Site) -> Rule:
    if len(words) not in (2, 3):
        raise ValueError(f"too few ({len(words)}) arguments for a cname rule")
    kind = words[0].lower() if len(words) == 3 else "exact"
    if kind not in KINDS:
        raise ValueError(f"unknown cname rewrite type: {kind}")
    old, new = words[-2].lower(), words[-1].lower()
    if kind == "exact":
        old, new = absolute(old), absolute(new)
    return Replied(None, Alias(_alias(kind, old, new), site))


def _alias(kind: str, old: str, new: str) -> Rename:
    if not old or not new:
        return lambda name: None
    if kind == "regex":
        _bound("cname", old)
    try:
        return renamer(kind, old, new)
    except ValueError as error:
        raise ValueError(f"invalid cname rewrite regex pattern: {error}") from error


def _bound(field: str, pattern: str) -> None:
    if (length := len(pattern.encode())) > Regexp.MAX_LENGTH:
        raise ValueError(f"regex pattern too long in a {field} rule: {length} > {Regexp.MAX_LENGTH}")


_FIELDS: dict[str, Callable[[Words, Site], Rule]] = {
    "name": _name,
    "type": _type,
    "class": _class,
    "ttl": _ttl,
    "rcode": _rcode,
    "cname": _cname,
    "edns0": _edns0,
}
