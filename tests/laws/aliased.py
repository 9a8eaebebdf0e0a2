"""Replies with aliases, and denials, for the law of the fast path: right ones mostly, and all that can be odd in them.

A reply is written name by name in one style: as short as can be, as some upstreams do it, or with one habit of others.
One in four has one thing changed that is no matter of style.
"""

import random
from struct import pack

from kdns.wire import codes

TTLS = (0, 1, 3, 9, 30, 30, 300, 300, 300, 86400, 2**32 - 1)
STYLES = ("short",) * 6 + ("long", "top", "chained", "cased")
COUNTS = (0, 0, 1, 1, 1, 2, 2, 3, 12, 40)
STEPS = (1, 1, 1, 2, 2, 2, 3, 3, 8, 9)
Sections = tuple[int, list[bytes], list[bytes]]
"""Response code, answers and authorities."""
POINTER = b"\xc0\x0c"


def aliased(pick: random.Random, asked: bytes, rtype: int) -> Sections:
    """A reply with one alias or more, and addresses at the end, or an SOA, or neither; `asked` is all of a question."""
    writing = Writing(pick, asked)
    name = asked[:-4]
    names = [name]
    for _ in range(pick.choice(STEPS)):
        name = writing.alias(name, a_target(pick, names))
        names.append(name)
    count = pick.choice(COUNTS)
    for _ in range(count):
        writing.address(name, rtype)
    answers, at = writing.records, len(writing.records)
    if pick.random() < (0.07 if count else 0.8):
        writing.soa(pick.choice((name, names[0], b"\0")))
    authority = answers[at:]
    del answers[at:]
    if pick.random() < 0.25 and count < 40:  # those are cut, and where depends on their order
        spoil(pick, answers, rtype)
    return codes.NXDOMAIN if pick.random() < (0.03 if count else 0.2) else codes.NOERROR, answers, authority


def denial(pick: random.Random, asked: bytes) -> Sections:
    """A reply without answers, and with an SOA mostly."""
    writing = Writing(pick, asked)
    for _ in range(pick.choice((1,) * 9 + (0, 2))):
        writing.soa(pick.choice(suffixes(asked[:-4])))
    if pick.random() < 0.2:
        spoil(pick, writing.records, codes.NS)
    return pick.choice((codes.NXDOMAIN, codes.NXDOMAIN, codes.NOERROR, codes.REFUSED)), [], writing.records


def a_target(pick: random.Random, names: list[bytes]) -> bytes:
    """Where an alias leads: anywhere, near or below what was named before, and back."""
    tail = pick.choice(suffixes(pick.choice(names)))
    label = bytes((1, pick.choice(b"abAB")))
    return pick.choice(
        (label + b"\3cdn\3net\0",) * 3
        + (label + b"\3CDN\3net\0", label + tail, label + tail, tail, label + tail.swapcase())
        + (b"\x3f" + bytes(63) + label + b"\0", names[-1].swapcase())
        if pick.random() < 0.9
        else (b"\0", names[0], (b"\x3f" + b"l" * 63) * 3 + b"\0")
    )


def suffixes(name: bytes) -> list[bytes]:
    """The name and all above it."""
    found = [name]
    while length := name[0]:
        name = name[length + 1 :]
        found.append(name)
    return found


class Writing:
    """A message's records, written in one style."""

    def __init__(self, pick: random.Random, asked: bytes) -> None:
        self._pick = pick
        self._style = pick.choice(STYLES)
        self._at = 12 + len(asked)
        self._known: dict[bytes, int] = {}
        self._spoken(asked[:-4], 12)
        self.records: list[bytes] = []

    def alias(self, owner: bytes, target: bytes) -> bytes:
        """Write one; where it leads."""
        self._write(owner, codes.CNAME, (target,))
        return target

    def address(self, owner: bytes, rtype: int) -> None:
        """Write one."""
        self._write(owner, rtype, (), self._pick.randbytes(16 if rtype == codes.AAAA else 4))

    def soa(self, owner: bytes) -> None:
        """Write one."""
        host = self._pick.choice((b"\2ns" + owner if len(owner) < 200 else owner, b"\2ns\3net\0", owner))
        self._write(owner, codes.SOA, (host, host), bytes(20))

    def _write(self, owner: bytes, rtype: int, names: tuple[bytes, ...], rest: bytes = b"") -> None:
        start, data = self._name(owner, self._at), b""
        for name in names:
            data += self._name(name, self._at + len(start) + 10 + len(data))
        data += rest
        head = pack(">HHIH", rtype, codes.IN, self._pick.choice(TTLS), len(data))
        self.records.append(start + head + data)
        self._at += len(self.records[-1])

    def _name(self, name: bytes, at: int) -> bytes:
        if self._style == "cased":
            name = name.lower()
        for i, suffix in enumerate(suffixes(name)):
            if suffix in self._known and suffix != b"\0" and (self._style != "long" or not i):
                if self._style == "top" and i and len(suffixes(suffix)) > 2:
                    continue
                place = self._known[suffix]
                if self._style == "chained":
                    self._known[suffix] = at + len(name) - len(suffix)
                self._spoken(name[: len(name) - len(suffix)], at, suffix)
                return name[: len(name) - len(suffix)] + pack(">H", 0xC000 | place)
        self._spoken(name, at)
        return name

    def _spoken(self, labels: bytes, at: int, rest: bytes = b"") -> None:
        for suffix in suffixes(labels + rest):
            if len(suffix) > len(rest) and at < 0x4000:
                self._known.setdefault(suffix, at)
                at += suffix[0] + 1


def spoil(pick: random.Random, records: list[bytes], rtype: int) -> None:
    """Change one thing."""
    if not records:
        return
    change = pick.randrange(11)
    place = pick.randrange(len(records))
    record = records[place]
    if change == 0:
        pick.shuffle(records)
    elif change == 1:
        del records[place]
    elif change == 2:
        records.insert(place, record)
    elif change == 3:
        records.insert(place, POINTER + pack(">HHIH", codes.TXT, 1, 60, 2) + b"\1t")
    elif change == 4:
        records.append(POINTER + pack(">HHIH", codes.NS, 1, 60, 2) + POINTER)
    elif change == 5:
        records[-1] = records[-1][:-1]
    else:
        records[place] = spoiled(pick, record, rtype)


def spoiled(pick: random.Random, record: bytes, rtype: int) -> bytes:
    """A record with one thing changed."""
    at = 0
    while 0 < record[at] < 0xC0:
        at += record[at] + 1
    at += 2 if record[at] else 1
    head, data = record[: at + 8], record[at + 10 :]
    return pick.choice(
        (
            record[: at + 2] + codes.CH.to_bytes(2, "big") + record[at + 4 :],
            record[:at] + pick.choice((rtype, codes.DNAME)).to_bytes(2, "big") + record[at + 2 :],
            b"\4test\0" + record[at:],
            b"\xc0\x0d" + record[at:],
            head + pack(">H", len(data) + 1) + data + b"!",
            head + pack(">H", len(data) + pick.choice((1, -1))) + data,
            head + pack(">H", 2) + b"\xff\xff",
        )
    )
