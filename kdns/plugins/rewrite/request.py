"""Rules as they meet a query: what they change of it, and what they want done to the reply."""

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from kdns.chain.query import Query
from kdns.plugins.rewrite.match import Matches, Rename, back
from kdns.plugins.rewrite.response import Change, Owners, Targets
from kdns.wire import name, reader
from kdns.wire.edns import Edns, Option
from kdns.wire.errors import WireError

ADDED_SIZE = 4096
"""EDNS size of an OPT that a rule adds."""


class IllegalName(Exception):
    """A rule made something that is not a domain name."""


class Rewriting:
    """One query while rules work on it.

    `query` is what the chain will see, `changes` what the rules that matched so far do to the reply, and `shown` the
    EDNS options of the query as the client is to see them again, without what `revert` takes back.
    """

    __slots__ = ("changes", "query", "shown", "text")

    def __init__(self, query: Query) -> None:
        self.query = query
        self.text = query.text
        self.changes: list[Change] = []
        self.shown: tuple[Option, ...] = query.edns.options if query.edns else ()

    def rename(self, text: str) -> None:
        """Ask for another name. Raises `IllegalName`."""
        try:
            wire = name.from_text(text)
        except WireError as error:
            raise IllegalName(f"invalid name after rewrite: {text[:300]}") from error
        self.query, self.text = self.query.asking(wire), text

    def ask(self, rtype: int, cls: int) -> None:
        """Ask for another type or class."""
        self.query = self.query.replace(question=reader.question(self.query.question.name, rtype, cls))

    def edns(self) -> Edns:
        """The OPT of the query; one is added if it has none."""
        edns = self.query.edns
        if edns is None:
            edns = Edns(ADDED_SIZE)
            self.query = self.query.replace(edns=edns)
        return edns


class Rule(Protocol):
    """What a line of rules is made into."""

    def apply(self, rewriting: Rewriting) -> bool:
        """Change the query if the rule matches; whether it does. Raises `IllegalName`."""
        ...


class Named(NamedTuple):
    """`name`: another name, and fixed changes of the reply; `auto` makes those that turn this very name back."""

    new: Rename
    auto: bool
    changes: Sequence[Change]

    def apply(self, rewriting: Rewriting) -> bool:
        """Rename if the name matches."""
        text = rewriting.text
        new = self.new(text)
        if new is None:
            return False
        rewriting.rename(new)
        if self.auto:
            undo = back(new, text)
            rewriting.changes += (Owners(undo), Targets(undo))
        rewriting.changes += self.changes
        return True


class Retyped(NamedTuple):
    """`type`."""

    old: int
    new: int

    def apply(self, rewriting: Rewriting) -> bool:
        """Ask for the other type."""
        question = rewriting.query.question
        if question.type != self.old:
            return False
        rewriting.ask(self.new, question.cls)
        return True


class Reclassed(NamedTuple):
    """`class`."""

    old: int
    new: int

    def apply(self, rewriting: Rewriting) -> bool:
        """Ask for the other class."""
        question = rewriting.query.question
        if question.cls != self.old:
            return False
        rewriting.ask(question.type, self.new)
        return True


class Replied(NamedTuple):
    """`ttl`, `rcode` and `cname`: a change of the reply alone, for names that match, or all."""

    matches: Matches | None
    change: Change

    def apply(self, rewriting: Rewriting) -> bool:
        """Ask for the change of the reply."""
        if self.matches is not None and not self.matches(rewriting.text):
            return False
        rewriting.changes.append(self.change)
        return True
