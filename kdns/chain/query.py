"""One question on its way down the chain."""

from typing import Any, NamedTuple, Protocol

from msgspec import Struct
from msgspec.structs import replace

from kdns.chain.basis import Basis
from kdns.wire import name
from kdns.wire.edns import Edns
from kdns.wire.reader import Question, question
from kdns.wire.signing import Signature


class Transport(NamedTuple):
    """How a query came in, the same for all queries of one listener and address family.

    `proto` is `udp` or `tcp`, `family` 1 for IPv4 and 2 for IPv6, `server` the listener as metrics name it: `dns://:53`.
    """

    proto: str
    family: int
    server: str


class Exchange(Protocol):
    """The two ends of one query."""

    @property
    def client(self) -> tuple[str, int]:
        """Address and port it came from."""
        ...

    @property
    def local(self) -> str:
        """Address it was sent to."""
        ...


class Labels(Protocol):
    """What plugins know about one query besides the query: the values of labels like `kubernetes/client-namespace`."""

    def get(self, label: str) -> str | None:
        """The value of a label; `None` if nobody has one."""
        ...

    def set(self, label: str, value: str) -> None:
        """Give a label a value for the rest of the query."""
        ...


class Query(Struct, frozen=True):
    """A query as plugins see it: a value; `replace` makes another one that shares its basis.

    `ident` is the id as sent, `flags` the second header word, `size` the length of the message in octets, `view` the
    name of the view that chose the block, `depth` counts internal lookups inside one another. `metadata` is there if
    the block has the plugin of that name, `packet` the message as it came in, `signature` its TSIG record, verified,
    if the listener has keys, `began` the monotonic time in seconds from which it has been under way, if not from now.
    """

    ident: bytes
    flags: int
    question: Question
    edns: Edns | None
    size: int
    transport: Transport
    exchange: Exchange
    basis: Basis
    view: str = ""
    depth: int = 0
    metadata: Labels | None = None
    packet: bytes = b""
    signature: Signature | None = None
    began: float | None = None

    def replace(self, **changes: Any) -> "Query":
        """This query with fields changed."""
        return replace(self, **changes)

    @property
    def client(self) -> tuple[str, int]:
        """Address and port of the client; an answer that read it is this client's alone (law 5)."""
        self.basis.private = True
        return self.exchange.client

    @property
    def local(self) -> str:
        """Address the query was sent to; differs by packet, so reading it makes the answer private too."""
        self.basis.private = True
        return self.exchange.local

    @property
    def do(self) -> bool:
        """Whether DNSSEC records are wanted (RFC 3225)."""
        return self.edns is not None and self.edns.do

    @property
    def text(self) -> str:
        """The name asked, folded, in presentation form with its final dot."""
        return name.to_text(self.question.folded)

    def asking(self, wire: bytes, rtype: int | None = None) -> "Query":
        """The same query for another name (wire form), and another type if given."""
        return replace(self, question=question(wire, rtype or self.question.type, self.question.cls))

    @property
    def payload(self) -> int:
        """Octets that a reply may have: 65535 over TCP, else the EDNS size, at least 512 (RFC 6891 section 6.2.3)."""
        if self.transport.proto == "tcp":
            return 65535
        return max(self.edns.size, 512) if self.edns else 512
