"""How rules match names, and what they make of them: text in presentation form, absolute and in lower case.

A template has `{0}` to `{n}` for the groups of a regular expression. All are filled in at once: a name may itself hold
such marks, and filling in one after the other would let it grow without bound.
"""

import re
from collections.abc import Callable

from kdns.corefile import Regexp

Matches = Callable[[str], bool]
Rename = Callable[[str], str | None]
"""The new name for one that matches, `None` for one that does not."""

KINDS = ("exact", "prefix", "suffix", "substring", "regex")
_MARK = re.compile(r"\{(0|[1-9][0-9]?|100)\}")


def absolute(text: str) -> str:
    """A name in lower case with its final dot; a dot behind a backslash is none."""
    stem = text.removesuffix(".")
    escaped = (len(stem) - len(stem.rstrip("\\"))) % 2
    return text.lower() if stem != text and not escaped else text.lower() + "."


def marks(text: str) -> int:
    """How many different groups a template uses."""
    return len(set(_MARK.findall(text)))


def matcher(kind: str, text: str) -> Matches:
    """Whether a name matches. Raises ValueError for what is no regular expression."""
    match kind:
        case "exact":
            return lambda name: name == text
        case "prefix":
            return lambda name: name.startswith(text)
        case "suffix":
            return lambda name: name.endswith(text)
        case "substring":
            return lambda name: text in name
        case _:
            return Regexp(text).matches


def renamer(kind: str, old: str, new: str) -> Rename:
    """What becomes of a name. Raises ValueError for what is no regular expression."""
    match kind:
        case "exact":
            return lambda name: new if name == old else None
        case "prefix":
            return lambda name: new + name[len(old) :] if name.startswith(old) else None
        case "suffix":
            return lambda name: name[: len(name) - len(old)] + new if name.endswith(old) else None
        case "substring":
            return lambda name: name.replace(old, new) if old in name else None
        case _:
            return filled(Regexp(old), new)


def filled(pattern: Regexp, template: str) -> Rename:
    """The whole name becomes the template, its marks filled in with the groups of the first match."""
    parts = _MARK.split(template)

    def rename(name: str) -> str | None:
        groups = pattern.groups(name)
        if groups is None:
            return None
        return "".join([_part(groups, part, is_mark=i % 2 == 1) for i, part in enumerate(parts)])

    return rename


def _part(groups: tuple[str, ...], part: str, *, is_mark: bool) -> str:
    if not is_mark:
        return part
    return groups[int(part)] if int(part) < len(groups) else f"{{{part}}}"


def back(changed: str, original: str) -> Rename:
    """From the name that was asked in place of another, and any name below it, back to the other."""

    def rename(name: str) -> str | None:
        if name == changed:
            return original
        return name[: -len(changed)] + original if name.endswith("." + changed) else None

    return rename
