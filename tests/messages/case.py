"""A query, and the reply that it has to get on every transport.

The reply is written as in a scenario (`tests/scenarios`): `NOERROR aa`, then a line for each record, and `edns ...`.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from kdns.wire.codes import NOTIFY
from tests.fuzz.shape import fault
from tests.messages.packets import WEB
from tests.scenarios.reply import Expected, Names, differences, read_expected

FOUND = ("NOERROR aa", "A 10.96.12.10")
"""The reply to an ordinary question for `WEB`."""
MISSING = ("NXDOMAIN aa", "authority cluster.local. SOA *")
EMPTY = ("NOERROR aa", "authority cluster.local. SOA *")
APEX = ("NOERROR aa", "cluster.local. SOA *")
SILENCE = ("no reply",)


@dataclass(frozen=True, slots=True)
class Case:
    """`asked` is the name that stands for an owner that is left out."""

    label: str
    query: bytes
    reply: tuple[str, ...]
    asked: str = WEB

    def __str__(self) -> str:
        return self.label

    @property
    def silent(self) -> bool:
        """Whether there is to be no reply."""
        return self.reply == SILENCE

    @property
    def is_refused(self) -> bool:
        """Whether it is no message, or one that the header alone tells to be for others; NOTIFY is looked at first."""
        is_notify = self.query[2:3] != b"" and self.query[2] >> 3 & 15 == NOTIFY and self.query[4:6] == b"\0\1"
        return self.reply[0].startswith(("NOTIMP", "FORMERR")) and self.reply[-1] != "edns 4096" and not is_notify

    def faults(self, reply: bytes | None, proto: str) -> list[str]:
        """What is wrong with a reply, a line each."""
        if self.silent and reply is None:
            return []
        expected = Expected()
        for line in self.reply:
            read_expected(expected, line.split(), self.asked, Names())
        return list(_faults(self.query, reply, proto)) + differences(expected, self.query, reply)


def _faults(query: bytes, reply: bytes | None, proto: str) -> Iterator[str]:
    """What holds for all replies, whatever was asked."""
    if wrong := fault(query, reply, proto):
        yield wrong
    if reply is not None and reply[3] & 0x40:
        yield "the reserved bit of the header is set"
