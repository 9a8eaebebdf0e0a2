"""What the templates of an answer see: the dot, as CoreDNS's plugin gives it, with its question and its message.

Nothing is looked up before a template asks for it, so an answer rests only on what its templates used: reading
`.Remote` makes it this client's alone, and so does what holds the id of the message.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from kdns.chain.query import Query
from kdns.corefile import Regexp
from kdns.plugins.template.text.printing import show
from kdns.plugins.template.text.value import (
    STRING,
    Function,
    Nil,
    Pointer,
    Sequence,
    Table,
    Uint8,
    Uint16,
    Value,
    octets,
)
from kdns.wire import codes
from kdns.wire import name as names
from kdns.wire.edns import Edns


@dataclass(slots=True)
class Matched:
    """How a query matched: the zone, the name and the regular expression, with the texts of its groups."""

    zone: str
    name: str
    cls: str
    type: str
    regexp: Regexp
    groups: tuple[str, ...]
    _named: dict[str, str] | None = None

    def named(self) -> Mapping[str, str]:
        """The groups by number and by name."""
        if self._named is None:
            self._named = {str(i): text for i, text in enumerate(self.groups)}
            named = zip(self.regexp.names, self.groups[1:], strict=True)
            self._named.update((name, text) for name, text in named if name)
        return self._named


class Question(Pointer):
    """`.Question`: name in the letter case of the client, type and class as numbers."""

    __slots__ = ("query",)
    TYPE = "*dns.Question"

    def __init__(self, query: Query) -> None:
        self.query = query

    @property
    def name(self) -> str:
        """The name as it was asked."""
        return presentation(self.query.question.name)

    def show(self) -> str:
        """The question as `dig` has it."""
        question = self.query.question
        return f";{self.name}\t{codes.class_name(question.cls)}\t {codes.type_name(question.type)}"

    FIELDS: ClassVar = {
        "Name": lambda self: self.name,
        "Qtype": lambda self: Uint16(self.query.question.type),
        "Qclass": lambda self: Uint16(self.query.question.cls),
    }
    METHODS: ClassVar = {"String": Function((), None, lambda self: self.show())}


class Opt(Pointer):
    """The OPT record of the query."""

    __slots__ = ("edns",)
    TYPE = "*dns.OPT"

    def __init__(self, edns: Edns) -> None:
        self.edns = edns

    def show(self) -> str:
        """The parameters of EDNS."""
        flags = " do" if self.edns.do else ""
        return f"\n;; OPT PSEUDOSECTION:\n; EDNS: version {self.edns.version}; flags:{flags}; udp: {self.edns.size}"

    METHODS: ClassVar = {
        "Do": Function((), None, lambda self: self.edns.do),
        "UDPSize": Function((), None, lambda self: Uint16(self.edns.size)),
        "Version": Function((), None, lambda self: Uint8(self.edns.version)),
    }


class Message(Pointer):
    """`.Message`: the header of the query, its question and its OPT record; other records are not shown."""

    __slots__ = ("query",)
    TYPE = "*dns.Msg"

    def __init__(self, query: Query) -> None:
        self.query = query

    @property
    def ident(self) -> int:
        """The id, which no kept reply may hold: the memo's key is everything behind it."""
        self.query.basis.private = True
        return int.from_bytes(self.query.ident, "big")

    @property
    def opt(self) -> Value:
        """The OPT record, if there is one."""
        return Nil(Opt.TYPE) if self.query.edns is None else Opt(self.query.edns)

    def show(self) -> str:
        """The message as `dig` has it, without its OPT record."""
        flags = self.query.flags
        opcode = codes.OPCODES.get(flags >> 11 & 15, "")
        extra = 0 if self.query.edns is None else 1
        return (
            f";; opcode: {opcode}, status: {codes.rcode_name(flags & 15)}, id: {self.ident}\n"
            f";; flags: {codes.flag_names(flags).replace(',', ' ')};"
            f" QUERY: 1, ANSWER: 0, AUTHORITY: 0, ADDITIONAL: {extra}\n"
            f"\n;; QUESTION SECTION:\n{Question(self.query).show()}\n"
        )

    FIELDS: ClassVar = {
        "Id": lambda self: Uint16(self.ident),
        "Opcode": lambda self: self.query.flags >> 11 & 15,
        "Rcode": lambda self: self.query.flags & 15,
        "Response": lambda self: bool(self.query.flags & codes.QR),
        "Authoritative": lambda self: bool(self.query.flags & codes.AA),
        "Truncated": lambda self: bool(self.query.flags & codes.TC),
        "RecursionDesired": lambda self: bool(self.query.flags & codes.RD),
        "RecursionAvailable": lambda self: bool(self.query.flags & codes.RA),
        "Zero": lambda self: bool(self.query.flags & codes.Z),
        "AuthenticatedData": lambda self: bool(self.query.flags & codes.AD),
        "CheckingDisabled": lambda self: bool(self.query.flags & codes.CD),
        "Compress": lambda self: False,
        "Question": lambda self: Sequence("[]dns.Question", (Question(self.query),)),
        "Answer": lambda self: Sequence("[]dns.RR", ()),
        "Ns": lambda self: Sequence("[]dns.RR", ()),
        "Extra": lambda self: Sequence("[]dns.RR", () if self.query.edns is None else (self.opt,)),
    }
    METHODS: ClassVar = {
        "IsEdns0": Function((), None, lambda self: self.opt),
        "IsTsig": Function((), None, lambda self: Nil("*dns.TSIG")),
        "Len": Function((), None, lambda self: self.query.size),
        "String": Function((), None, lambda self: self.show()),
    }


class Data(Pointer):
    """The dot."""

    __slots__ = ("matched", "query", "variables")
    TYPE = "*template.templateData"

    def __init__(self, query: Query, matched: Matched, variables: Table) -> None:
        self.query = query
        self.matched = matched
        self.variables = variables

    def show(self) -> str:
        """All fields; the struct has no text of its own."""
        return "{" + " ".join([show(read(self)) for read in self.FIELDS.values()]) + "}"

    def meta(self, label: str) -> str:
        """The value of a metadata label, empty if there is none or no plugin `metadata`."""
        labels = self.query.metadata
        return "" if labels is None else octets(labels.get(label) or "")

    FIELDS: ClassVar = {
        "Zone": lambda self: octets(self.matched.zone),
        "Name": lambda self: self.matched.name,
        "Regex": lambda self: octets(self.matched.regexp.pattern),
        "Match": lambda self: Sequence("[]string", self.matched.groups),
        "Group": lambda self: Table(self.matched.named()),
        "Class": lambda self: self.matched.cls,
        "Type": lambda self: self.matched.type,
        "Message": lambda self: Message(self.query),
        "Question": lambda self: Question(self.query),
        "Remote": lambda self: self.query.client[0],
        "Var": lambda self: self.variables,
    }
    METHODS: ClassVar = {"Meta": Function((STRING,), None, meta)}


_SPECIAL = frozenset(b". '@;()\"\\")
_TEXT = [
    f"\\{chr(octet)}" if octet in _SPECIAL else chr(octet) if 0x20 <= octet <= 0x7E else f"\\{octet:03d}"
    for octet in range(256)
]


def presentation(wire: bytes) -> str:
    """A name as CoreDNS writes it: it escapes blanks and apostrophes, but no dollars."""
    labels = names.labels(wire)
    return "".join(["".join([_TEXT[octet] for octet in label]) + "." for label in labels]) or "."
