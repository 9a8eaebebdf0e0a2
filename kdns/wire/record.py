"""One resource record as a value."""

from typing import NamedTuple

from kdns.wire import codes, name, rdata


class Record(NamedTuple):
    """A resource record: owner in wire form, type, data with uncompressed names, TTL in seconds, class.

    An owner of `None` is the name of the question, in whatever letter case it was asked: the same record then
    serves every client (RFC 4343, and "0x20" mixing).
    """

    owner: bytes | None
    type: int
    data: bytes
    ttl: int
    cls: int = codes.IN

    def to_text(self, question: bytes = name.ROOT) -> str:
        """The record as a zone file line; `question` stands in for an owner of `None`."""
        owner = name.to_text(question if self.owner is None else self.owner)
        kind = codes.type_name(self.type)
        return f"{owner} {self.ttl} {codes.class_name(self.cls)} {kind} {rdata.to_text(self.type, self.data)}"
