"""The law of the fast path: a house without it replies, counts and keeps the same, whatever upstreams say.

Two houses ask resolvers that answer by a hash of the question alone: plain replies mostly, and all that is not plain in
one thing. A third of the questions come while the same one is under way, and some are asked again later. Replies come
one by one, or all of them in one round. Shuffled records are compared as sets.
"""

import asyncio
import random
import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from struct import pack

import pytest

from kdns.chain.fastpath import Plain
from kdns.wire import codes, name
from kdns.wire.edns import Edns, Option, opt_record
from kdns.wire.errors import WireError
from kdns.wire.message import read_message
from tests.kit.chain import Clock, process
from tests.kit.house import Ends, House
from tests.kit.until import until
from tests.kit.upstream import Ask, FakeUpstream, Steps, unused_port
from tests.laws.aliased import aliased, denial

SEEDS = range(33)
ROUNDS = 60
POINTER = b"\xc0\x0c"
KUBEADM = "errors\nprometheus 127.0.0.1:0\n{forward}\ncache 30\nloadbalance\n"
BLOCKS = (
    "kubernetes cluster.local in-addr.arpa {{\nmanifests deploy/demo/cluster\nfallthrough in-addr.arpa\n}}\n" + KUBEADM,
    "prometheus 127.0.0.1:0\n{forward}\ncache {{\ndisable success b.test\ndisable denial b.test\n}}\n",
    "prometheus 127.0.0.1:0\n{forward}\ncache {{\nsuccess 1024 60 20\ndisable success b.test\nserve_stale\n}}\n",
    "prometheus 127.0.0.1:0\n{forward}\ncache b.test {{\nprefetch 1\n}}\nerrors\n",
    "hosts {{\n192.0.2.1 u1.a.test v2.b.test\nfallthrough\n}}\n" + KUBEADM,
    KUBEADM,
    "prometheus 127.0.0.1:0\n{forward}\nloadbalance\n",
    "errors\n{forward}\nminimal\n",
    "log\nprometheus 127.0.0.1:0\n{forward}\ncache\n",
    "prometheus 127.0.0.1:0\n{forward}\ncache 3\n",
    "prometheus 127.0.0.1:0\n{forward}\ncache {{\nsuccess 1024 60 40\ndenial 1024 60 20\n}}\n",
)
FORWARDS = (
    "forward . {up}",
    "forward . {up}",
    "forward . {up}",
    "forward . {dead} {up} {{\npolicy round_robin\nmax_fails 0\n}}",
    "forward . {up} {{\nmax_concurrent 2\n}}",
    "forward . {up} {dead} {{\nfailover NXDOMAIN SERVFAIL\npolicy sequential\nmax_fails 0\n}}",
    "forward . {up} {{\nprefer_udp\n}}",
    "forward . {up} {{\nforce_tcp\n}}",
    "forward . {up} {{\nexcept a.test\n}}\n",
)
KINDS = ("one", "one", "many", "failed", "cut", "odd", "odd") + ("aliased",) * 5 + ("denied",) * 3
NOT_ALIKE = re.compile(r"^#|duration_seconds_(sum|bucket)|^process_|^python_|conn_cache|healthcheck_failures")


def record(owner: bytes, rtype: int, data: bytes, ttl: int, cls: int = 1) -> bytes:
    return owner + pack(">HHIH", rtype, cls, ttl, len(data)) + data


def reply_to(ask: Ask, salt: int) -> Steps:
    """Always the same to the same question, in any letter case."""
    asked = ask.question
    pick = random.Random(f"{salt} {asked.lower()!r}")
    kind, rtype = pick.choice(KINDS), int.from_bytes(asked[-4:-2], "big")
    ttl = pick.choice((0, 1, 3, 30, 300, 86400, 2**31, 2**32 - 1))
    size = 16 if rtype == codes.AAAA else 4
    soa = record(b"\4test\0", codes.SOA, b"\0\0" + bytes(20), 60)
    flags = 0x8080 | pick.choice((0, 0, codes.AA, codes.AD, codes.AA | codes.AD, codes.Z, codes.CD, codes.RD))
    answers = [record(POINTER, rtype, pick.randbytes(size), ttl)]
    authority: list[bytes] = []
    additional: list[bytes] = []
    has_opt = ask.message[10:12] == b"\0\1"
    if has_opt and pick.random() < 0.8:
        additional.append(opt_record(pick.choice((512, 1232, 4096))))
    if kind == "many":
        ttls = [pick.choice((ttl, ttl, 7)) for _ in range(pick.choice((2, 3, 40)))]
        answers = [record(POINTER, rtype, pick.randbytes(size), each) for each in ttls]
    elif kind in ("aliased", "denied"):
        rcode, answers, authority = aliased(pick, asked, rtype) if kind == "aliased" else denial(pick, asked)
        flags |= rcode
    elif kind == "failed":
        answers = []
        flags |= pick.choice((codes.SERVFAIL, codes.REFUSED, codes.NOTIMP))
    elif kind == "cut" and ask.proto == "udp":
        flags |= codes.TC
    tail = b""
    if kind == "odd":
        answers, authority, additional, tail = odd(pick, rtype, size, answers, additional, soa)
    if pick.random() < 0.1:
        asked = asked[:-4].swapcase() + asked[-4:]
    counts = pack(">HHHHH", flags, 1, len(answers), len(authority), len(additional))
    return [ask.ident + counts + asked + b"".join([*answers, *authority, *additional]) + tail]


Sections = tuple[list[bytes], list[bytes], list[bytes], bytes]


def odd(pick: random.Random, rtype: int, size: int, answers: list[bytes], more: list[bytes], soa: bytes) -> Sections:
    """A plain reply but for one thing."""
    address = pick.randbytes(size)
    good = answers[0]
    choices: list[Sections] = [
        ([record(POINTER, rtype, address + b"!", 60)], [], more, b""),
        ([record(POINTER, rtype, address[:-1], 60)], [], more, b""),
        ([record(POINTER, rtype, address, 60, codes.CH)], [], more, b""),
        ([record(POINTER, 29 - rtype, pick.randbytes(20 - size), 60)], [], more, b""),
        ([record(b"\4test\0", rtype, address, 60)], [], more, b""),
        ([good, record(POINTER, codes.TXT, b"\1a", 60)], [], more, b""),
        ([good[:-1]], [], [], b""),
        ([good], [], more, b"trailing"),
        ([good], [soa], more, b""),
        ([good], [], [*more, record(b"\2ns\0", codes.A, b"\1\2\3\4", 60)], b""),
        ([good], [], [opt_record(1232, codes.DO)], b""),
        ([good], [], [opt_record(1232, 0, [Option(codes.EDE, b"\0\1")])], b""),
        ([good], [], [opt_record(1232, rcode=codes.BADVERS)], b""),
        ([good], [], [opt_record(1232, version=1)], b""),
        ([good], [], [opt_record(1232), opt_record(1232)], b""),
        ([], [], [], good),
        ([good, good[:-2]], [], [], b""),
    ]
    return pick.choice(choices)


def a_query(pick: random.Random) -> bytes:
    """A query, plain mostly, for one of few names."""
    labels = pick.choice(("a.test", "b.test", "c.d.test", "web.shop.svc.cluster.local", "in-addr.arpa", ""))
    asked = name.from_text(f"{pick.choice('uvwxyz')}{pick.randrange(8)}.{labels}".strip("."))
    if pick.random() < 0.2:
        asked = asked.upper()
    rtype = pick.choice((codes.A, codes.A, codes.AAAA, codes.AAAA, codes.TXT, codes.CNAME))
    flags = pick.choice((codes.RD,) * 6 + (codes.RD | codes.AD, 0, codes.RD | codes.CD))
    edns = pick.choice((None, None, None, Edns(1232), Edns(512), Edns(0), Edns(1232, codes.DO), Edns(4096)))
    opt = b"" if edns is None else opt_record(edns.size, edns.flags)
    if opt and pick.random() < 0.2:
        opt = opt_record(1232, 0, [Option(codes.COOKIE, b"12345678")])
    cls = 1 if pick.random() < 0.95 else codes.CH
    return pick.randbytes(2) + pack(">HHHHH", flags, 1, 0, 0, bool(opt)) + asked + pack(">HH", rtype, cls) + opt


def apart(queries: list[bytes]) -> list[bytes]:
    """Those of some queries that ask for different things: which of two replies is kept under one key is chance."""
    return list({query[12 : query.index(0, 12) + 5].lower(): query for query in queries}.values())


def unordered(reply: bytes) -> object:
    """A reply with its records as a set, if it can be read."""
    try:
        message = read_message(reply)
    except WireError:
        return reply
    if reply[2] & codes.TC >> 8:  # which records are left is chance
        return len(reply), reply[:12], message.question, message.edns
    sections = (message.answer, message.authority, message.additional)
    return len(reply), reply[:12], message.question, message.edns, [sorted(section) for section in sections]


def is_refreshing() -> bool:
    """Whether a cache asks for something stale behind everybody's back."""
    return any("Refresher" in str(task.get_coro()) for task in asyncio.all_tasks())


@dataclass
class Side:
    """One of the two houses."""

    house: House
    clock: Clock
    time: Clock
    fast: Counter[str] = field(default_factory=Counter)
    replies: dict[int, object] = field(default_factory=dict)

    def count_fast(self) -> None:
        """Count the queries that go past the chain, by what their replies have."""
        service = self.house.service()
        reply_to = service.reply_to

        def counted(plains: Sequence[Plain], make: Callable[[Sequence[Plain]], list[bytes]]) -> None:
            for plain in plains:
                lead = "aliased " if plain.aliases else ""
                self.fast[lead + ("addresses" if plain.count > 1 else "address" if plain.count else "denial")] += 1
            reply_to(plains, make)

        service.reply_to = counted  # type: ignore[method-assign]

    def gather(self) -> None:
        """Have replies looked at when there is one to each question under way, or no more come for a while."""
        takes = self.house.service().takes
        if takes is None:
            return
        forward = takes.__self__._begin.__self__  # type: ignore[attr-defined]
        loop = asyncio.get_running_loop()

        def look(rounds: int) -> None:
            if rounds and len(forward.inbox) < forward._running.queries:
                loop.call_soon(look, rounds - 1)
            else:
                forward._look()

        forward.look_soon = lambda: loop.call_soon(look, 50)

    async def ask(self, queries: list[bytes]) -> list[object]:
        """The replies to queries that come in one after the other, in one tick."""
        ends = [Ends() for _ in queries]
        got = [self.house.ask_now(query, end) for query, end in zip(queries, ends, strict=True)]
        await until(lambda: not (self.house.service().waiting or is_refreshing()))
        octets = [reply or b"".join(end.replies) for reply, end in zip(got, ends, strict=True)]
        assert all(len(end.replies) <= 1 for end in ends)
        return [unordered(each) if each else None for each in octets]

    def figures(self) -> list[str]:
        """All that was counted, but for times and sockets."""
        text = self.house.process.registry.render().decode()
        return sorted(line for line in text.splitlines() if not NOT_ALIKE.search(line))


def side(text: str) -> Side:
    clock, time = Clock(), Clock(1_700_000_000.0)
    return Side(House(text, outside=process(clock, time=time)), clock, time)


async def history(seed: int) -> Counter[str]:
    """Live through a random history on both sides; how many queries went past the chain, by what their replies had."""
    pick = random.Random(seed)
    async with FakeUpstream(lambda ask: reply_to(ask, seed)) as upstream:
        dead = f"127.0.0.1:{unused_port()}"
        forward = pick.choice(FORWARDS).format(up=f"127.0.0.1:{upstream.port}", dead=dead)
        block = BLOCKS[seed % len(BLOCKS)].format(forward=forward)
        text = ".:53 {\n" + block + "}\n"
        fast, slow = side(text), side(text)
        async with fast.house.running(), slow.house.running():
            slow.house.service().takes = None
            for each in (fast, slow):
                each.clock.advance(1)  # what is asked in the instant in which something is forgotten is not kept
            fast.count_fast()
            if seed % 3:
                fast.gather()
            asked: list[bytes] = []
            for _ in range(ROUNDS):
                queries = [a_query(pick) for _ in range(pick.choice((1, 2, 5, 9)))]
                queries = apart(queries + pick.choices(asked or queries, k=pick.choice((0, 1))))
                asked += queries
                queries += [pick.randbytes(2) + query[2:] for query in queries if pick.random() < 0.3]
                one, other = await fast.ask(queries), await slow.ask(queries)
                assert one == other, (text, queries)
                seconds = pick.choice((0, 0, 0.5, 8))
                for each in (fast, slow):
                    each.clock.advance(seconds)
                    each.time.advance(seconds)
            assert fast.figures() == slow.figures(), text
    return fast.fast


@pytest.mark.parametrize("seed", SEEDS)
async def test_with_and_without_fast_path_all_is_the_same(seed: int) -> None:
    await history(seed)


async def test_the_history_of_plain_replies_has_all_kinds_of_them() -> None:
    fast = sum([await history(seed) for seed in (0, 1, 6, 22, 24)], Counter[str]())
    assert min(fast[lead + kind] for lead in ("", "aliased ") for kind in ("address", "addresses", "denial")) > 4, fast
