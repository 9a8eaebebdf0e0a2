"""Whatever an upstream replies, the client gets a reply of the right shape, and what is kept of it does not harm."""

import struct
from pathlib import Path

import pytest

from kdns.wire import codes
from kdns.wire.edns import Edns
from tests.fuzz.packets import Packets
from tests.fuzz.subject import Subject, subject
from tests.kit.house import packet
from tests.kit.upstream import Ask, FakeUpstream, Steps

QUERIES = 600


class Liar:
    """A resolver whose replies are believed, and wrong behind the question."""

    def __init__(self, seed: int) -> None:
        self.source = Packets(seed)

    def __call__(self, ask: Ask) -> Steps:
        chance = self.source.random
        body = b"".join(self._record() for _ in range(chance.choice((0, 1, 2, 3, 40))))
        counts = [chance.choice((0, 1, 2, 40)) for _ in range(3)]
        if chance.random() < 0.6:
            records = chance.choice((1, 2, 3))
            body = b"".join(self._record() for _ in range(records))
            counts = [records, 0, 0] if chance.random() < 0.5 else [0, records, 0]
        if chance.random() < 0.5:
            body = self.source.spoil(body)
        flags = 0x8000 | chance.choice((0x0180, 0x0180, 0x0580, chance.randrange(0x800)))
        message = ask.ident + struct.pack(">5H", flags, 1, *counts) + ask.question + body
        return [message[: 4096 if ask.proto == "udp" else 65535]]

    def _record(self) -> bytes:
        chance = self.source.random
        rtype = chance.choice((1, 1, 1, 5, 6, 2, 12, 15, 16, 28, 33, 35, 41, 46))
        owner = chance.choice((b"\xc0\x0c", b"\xc0\x0c", b"\0", b"\1a\2up\0", b"\xc0\x40", b"\3www\xc0\x0c"))
        target = chance.choice((b"\xc0\x0c", b"\1b\xc0\x0c", b"\0", b"\3foo\2up\0"))
        data = {
            1: b"\xc0\0\2\1",
            28: bytes(16),
            6: target + target + chance.randbytes(20),
            15: b"\0\1" + target,
            33: bytes(6) + target,
            16: b"\3abc" * chance.choice((1, 90)),
            35: bytes(4) + b"\1u\1s\1r" + target,
            41: b"\0\x0f\0\2\0\3",
        }.get(rtype, target)
        ttl = chance.choice((0, 1, 30, 300, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF))
        return owner + struct.pack(">HHIH", rtype, chance.choice((1, 1, 1, 3, 4096)), ttl, len(data)) + data


def show(found: Subject) -> str:
    return "\n".join(f"{asked.hex()}: {wrong}" for asked, wrong in found.findings[:5])


@pytest.mark.parametrize(
    ("proto", "cache"),
    [("udp", "cache"), ("tcp", "cache"), ("udp", "loadbalance"), ("udp", "cache {\n serve_stale\n prefetch 1 1m\n }")],
)
async def test_spoilt_replies(tmp_path: Path, proto: str, cache: str) -> None:
    liar = Liar(seed=len(proto + cache))
    chance = liar.source.random
    async with (
        FakeUpstream(liar) as upstream,
        subject(tmp_path, forward=f"forward . 127.0.0.1:{upstream.port}", cache=cache) as found,
    ):
        for number in range(QUERIES):
            text = chance.choice((f"n{number}.up.", f"n{number}.up.", "a.up.", "ext.shop.svc.cluster.local."))
            edns = chance.choice((None, Edns(1232), Edns(512, codes.DO), Edns(4096)))
            asked = packet(text, chance.choice(("A", "A", "AAAA", "MX", "SRV", 255, 5, 35)), edns=edns, ident=number)
            for _ in range(2):
                await found.ask(asked, proto)
        assert not found.findings, show(found)
        assert len(upstream.asks) > QUERIES // 2
