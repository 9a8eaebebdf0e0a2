"""The words of a `name` rule and of its answer options. ValueError has CoreDNS's text."""

from collections.abc import Sequence

from kdns.corefile import Regexp
from kdns.plugins.rewrite.match import KINDS, Rename, absolute, filled, marks, renamer
from kdns.plugins.rewrite.request import Named
from kdns.plugins.rewrite.response import Change, Owners, Targets


def named(words: Sequence[str]) -> Named:
    """`[KIND] FROM TO [answer ...]`. Raises ValueError."""
    if len(words) < 2:
        raise ValueError("too few arguments for a name rule")
    kind, old, new, *rest = ("exact", *words) if len(words) == 2 else (words[0].lower(), *words[1:])
    auto, changes = _answers(kind, rest) if rest else (False, [])
    if kind not in KINDS:
        raise ValueError(
            f"name rule supports only exact, prefix, suffix, substring, and regex name matching, received: {kind}"
        )
    if kind == "regex":
        return Named(filled(_pattern(old, new), absolute(new)), auto, changes)
    old, new = absolute(old), absolute(new)
    if auto and kind == "suffix":
        undo = renamer("suffix", new, old)
        return Named(renamer(kind, old, new), False, [Owners(undo), Targets(undo), *changes])
    return Named(renamer(kind, old, new), auto or kind == "exact", changes)


def _answers(kind: str, words: Sequence[str]) -> tuple[bool, list[Change]]:
    """Whether there is `auto`, and the changes that the others ask for."""
    if len(words) < 2:
        raise ValueError(f"invalid arguments for {kind} rule")
    if words[0] != "answer":
        raise ValueError(f"exceeded the number of arguments for a non-answer rule argument for {kind} rule")
    auto, owners, changes, at = False, False, list[Change](), 0
    while at < len(words):
        at += words[at] == "answer"
        if at == len(words):
            raise ValueError(f"type missing for answer rule for {kind} rule")
        option = words[at]
        at += 1
        if option == "auto":
            auto = True
            continue
        if option not in ("name", "value"):
            raise ValueError(f'invalid type "{option}" for answer rule for {kind} rule')
        rename = _answer(option, kind, words[at : at + 2])
        changes.append(Owners(rename) if option == "name" else Targets(rename))
        owners = owners or option == "name"
        at += 2
    if auto and owners:
        raise ValueError("auto name answer rule cannot be combined with explicit name anwer rules")
    return auto, changes


def _answer(option: str, kind: str, words: Sequence[str]) -> Rename:
    """`REGEX TO` of an answer option."""
    if len(words) < 2:
        raise ValueError(f"{option} answer rule for {kind} rule: 2 arguments required")
    old, new = words
    try:
        return filled(_pattern(old, new), absolute(new))
    except ValueError as error:
        raise ValueError(f"{option} answer rule for {kind} rule: {error}") from error


def _pattern(old: str, new: str) -> Regexp:
    if (length := len(old.encode())) > Regexp.MAX_LENGTH:
        raise ValueError(f"regex pattern too long: {length} > {Regexp.MAX_LENGTH}")
    try:
        pattern = Regexp(old)
    except ValueError as error:
        raise ValueError(f"invalid regex matching pattern: {old}") from error
    if marks(new) > len(pattern.names):
        raise ValueError(
            f"the rewrite regex pattern ({new}) uses more subexpressions than its "
            f"corresponding matching regex pattern ({old})"
        )
    return pattern
