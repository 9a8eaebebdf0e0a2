import asyncio
import random
import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from kdns.chain.answer import Answer
from kdns.corefile import ConfigError
from kdns.plugins.loadbalance.weights import MAX_FILE, Weighted, read_weights
from kdns.wire import codes, name, rdata
from kdns.wire.record import Record
from tests.kit.chain import Chain, Next, root_chain
from tests.kit.loop import run
from tests.kit.query import query

Printed = Callable[[], list[str]]

FILE = """
# weights
Web.example
  192.0.2.1 3
  192.0.2.2 1
other.example.
  192.0.2.1 255
web.example
  2001:db8::1 200
  192.0.2.1 9
"""


def a(last: int, owner: bytes | None = None) -> Record:
    return Record(owner, codes.A, rdata.a(f"192.0.2.{last}"), 30)


CNAME = Record(None, codes.CNAME, name.from_text("x."), 30)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "weights"
    path.write_text(FILE)
    return path


def put(file: Path, text: str | None) -> None:
    if text is None:
        file.unlink()
    else:
        file.write_text(text)


def chain_with(file: Path, *answer: Record, block: str = "") -> Chain:
    return root_chain(f"loadbalance weighted {file} {{\n{block}\n}}", behind=Next(Answer(answer=answer)))


async def firsts(chain: Chain, asked: str, times: int = 200) -> Counter[bytes]:
    return Counter([(await chain.asked(asked)).answer[0].data for _ in range(times)])


def test_reading_weights() -> None:
    weights = read_weights(FILE.encode(), "f")
    assert weights == {
        name.from_text("web.example"): {
            rdata.a("192.0.2.1"): 3,
            rdata.a("192.0.2.2"): 1,
            rdata.aaaa("2001:db8::1"): 200,
        },
        name.from_text("other.example"): {rdata.a("192.0.2.1"): 255},
    }


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("192.0.2.1", 'wrong domain name:"192.0.2.1" in weight file f. (Maybe a missing weight value?)'),
        ("a..b", 'wrong domain name:"a..b" in weight file f. (Maybe a missing weight value?)'),
        ("a\n192.0.2.300 1", 'wrong IP address:"192.0.2.300" in weight file f'),
        ("a\n192.0.2.1 0", 'wrong weight value:"0" in weight file f'),
        ("a\n192.0.2.1 256", 'wrong weight value:"256" in weight file f'),
        ("a\n192.0.2.1 -1", 'wrong weight value:"-1" in weight file f'),
        ("a\n192.0.2.1 99999999999999999999", 'wrong weight value:"99999999999999999999" in weight file f'),
        ("192.0.2.1 1", "missing domain name in weight file f"),
        ("a\n 192.0.2.1 1 2 ", 'could not parse weight line:"192.0.2.1 1 2" in weight file f'),
    ],
)
def test_what_is_wrong_with_a_file(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        read_weights(text.encode(), "f")


def test_the_first_address_is_chosen_by_weight(file: Path) -> None:
    policy = Weighted(str(file), random.Random(3))

    async def scenario() -> Counter[bytes]:
        await policy.begin(pytest.fail, 0)
        answer = Answer(answer=(a(2), a(1), a(9)))
        seen = Counter[bytes]()
        for _ in range(1000):
            changed = answer.replace(**policy(query("WEB.example"), answer))
            seen[changed.answer[0].data] += 1
        return seen

    seen = run(scenario())
    assert 540 < seen[rdata.a("192.0.2.1")] < 660
    assert 150 < seen[rdata.a("192.0.2.2")] < 250


def test_the_chosen_one_changes_places_with_the_first(file: Path) -> None:
    chain = chain_with(file, CNAME, a(1), a(2), a(3), a(4))

    async def scenario() -> set[tuple[Record, ...]]:
        async with chain.running():
            return {tuple((await chain.asked("none.example")).answer) for _ in range(200)}

    assert run(scenario()) == {
        (CNAME, a(1), a(2), a(3), a(4)),
        (CNAME, a(2), a(1), a(3), a(4)),
        (CNAME, a(3), a(2), a(1), a(4)),
        (CNAME, a(4), a(2), a(3), a(1)),
    }
    assert chain.basis_of("none.example").fleeting


def test_weights_belong_to_the_owner(file: Path) -> None:
    owner = name.from_text("other.example")
    chain = chain_with(file, CNAME, a(2, owner), a(1, owner))

    async def scenario() -> Counter[bytes]:
        async with chain.running():
            return Counter([(await chain.asked("x.example")).answer[1].data for _ in range(300)])

    assert run(scenario())[rdata.a("192.0.2.1")] > 280


@pytest.mark.parametrize("rtype", ["TXT", "ANY", "MX"])
def test_other_questions_are_left_alone(rtype: str, file: Path) -> None:
    chain = chain_with(file, a(1), CNAME, a(2))
    assert chain.ask("web.example", rtype).answer == (a(1), CNAME, a(2))
    assert not chain.basis_of("web.example", rtype).fleeting


def test_one_address_is_only_grouped_and_may_be_kept(file: Path) -> None:
    chain = chain_with(file, a(1), CNAME)
    assert chain.ask("web.example").answer == (CNAME, a(1))
    assert not chain.basis_of("web.example").fleeting


def test_a_changed_file_is_read_again(file: Path, printed: Printed) -> None:
    chain = chain_with(file, a(1), a(2), block="reload 10s")
    read = f"[INFO] plugin/loadbalance: Successfully reloaded weight file {file}"

    async def scenario() -> None:
        async with chain.running():
            assert printed() == [read]
            await asyncio.sleep(11)
            assert printed() == []
            put(file, "web.example\n192.0.2.2 255\n")
            await asyncio.sleep(10)
            assert printed() == [read]
            assert (await firsts(chain, "web.example"))[rdata.a("192.0.2.2")] > 180
            put(file, "nonsense of three words")
            await asyncio.sleep(20)
            wrong = f'could not parse weight line:"nonsense of three words" in weight file {file}'
            assert printed() == [f"[ERROR] plugin/loadbalance: {wrong}"]
            assert (await firsts(chain, "web.example"))[rdata.a("192.0.2.2")] > 180
            put(file, None)
            await asyncio.sleep(10)
            assert printed() == ["[ERROR] plugin/loadbalance: weight file open error"]

    run(scenario())


def test_a_file_may_appear_later(file: Path, printed: Printed) -> None:
    file.unlink()
    chain = chain_with(file, a(1), a(2))

    async def scenario() -> None:
        async with chain.running():
            assert printed() == [
                "[WARNING] plugin/loadbalance: Failed to open weight file:weight file open error. Will try again in 30s"
            ]
            put(file, FILE)
            await asyncio.sleep(31)
            assert printed() == [f"[INFO] plugin/loadbalance: Successfully reloaded weight file {file}"]

    run(scenario())


def test_a_missing_file_is_fatal_if_it_is_never_read_again(file: Path) -> None:
    file.unlink()
    chain = chain_with(file, block="reload 0")
    with pytest.raises(ConfigError, match=r"^plugin/loadbalance: Corefile:2 - .*: weight file open error$"):
        run(chain.fire("startup"))


def test_a_malformed_or_huge_file_is_fatal_at_start(file: Path) -> None:
    file.write_text("192.0.2.1")
    with pytest.raises(ConfigError, match="wrong domain name"):
        run(chain_with(file).fire("startup"))
    with file.open("wb") as sparse:
        sparse.truncate(MAX_FILE + 1)
    with pytest.raises(ConfigError, match="larger than 16777216 octets"):
        run(chain_with(file).fire("startup"))


def test_the_file_is_relative_to_root(file: Path, printed: Printed) -> None:
    chain = root_chain(f"root {file.parent}\nloadbalance weighted weights")

    async def scenario() -> None:
        async with chain.running():
            assert printed() == [f"[INFO] plugin/loadbalance: Successfully reloaded weight file {file}"]

    run(scenario())
