"""Queries as a server would make them of packets, with whatever a test wants to be different."""

from dataclasses import dataclass

from kdns.chain.basis import Basis
from kdns.chain.query import Query, Transport
from kdns.wire import codes, name, reader
from kdns.wire.edns import Edns
from kdns.wire.reader import HEADER_SIZE, Question

CLIENT = ("10.244.9.9", 40212)
LOCAL = "10.96.0.10"


@dataclass(frozen=True, slots=True)
class Ends:
    """The two ends of a query; reading them through the query is what marks an answer private."""

    client: tuple[str, int] = CLIENT
    local: str = LOCAL


def question(text: str, rtype: str = "A", cls: int = codes.IN) -> Question:
    """A question for a name in presentation form, in the letter case that it has."""
    return reader.question(name.from_text(text), codes.TYPE_NUMBERS[rtype], cls)


def query(
    text: str,
    rtype: str = "A",
    *,
    client: str | tuple[str, int] = CLIENT,
    local: str = LOCAL,
    edns: Edns | None = None,
    proto: str = "udp",
    server: str = "dns://:53",
    flags: int = codes.RD,
    cls: int = codes.IN,
    ident: bytes = b"\x12\x34",
    basis: Basis | None = None,
) -> Query:
    """A query; the family follows from the client's address, the size is what its packet would have."""
    ends = Ends((client, CLIENT[1]) if isinstance(client, str) else client, local)
    asked = question(text, rtype, cls)
    size = HEADER_SIZE + len(asked.wire)
    if edns is not None:
        size += 11 + sum(4 + len(option.data) for option in edns.options)
    transport = Transport(proto, 2 if ":" in ends.client[0] else 1, server)
    return Query(ident, flags, asked, edns, size, transport, ends, basis or Basis())
