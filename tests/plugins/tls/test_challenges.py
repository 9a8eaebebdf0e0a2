import pytest

from kdns.chain.answer import Answer, refuse
from kdns.chain.basis import Key
from kdns.chain.handler import ByZone, let_deny
from kdns.plugins.tls.challenges import Challenges, Proof
from kdns.wire import codes, name, rdata
from kdns.wire.record import Record
from tests.kit.chain import Next, chains_of
from tests.kit.query import query

NAME = "_acme-challenge.dns.example"
KEY = ("acme", name.from_text(f"{NAME}."))
COREFILE = """
.:53 {
    whoami
}
tls://.:853 {
    tls {
        acme dns.example *.dns.example
    }
    whoami
}
"""


def proof(forgotten: list[Key] | None = None) -> tuple[Proof, Challenges]:
    challenges = Challenges(([] if forgotten is None else forgotten).extend)
    challenges.expect("dns.example")
    challenges.expect("*.dns.example")
    return Proof(Next(refuse(codes.REFUSED)), challenges), challenges


async def ask(link: Proof, text: str, rtype: str = "TXT", **how: object) -> Answer:
    return await link.answer(query(text, rtype, **how))  # type: ignore[arg-type]


async def test_a_record_is_there_as_long_as_its_order() -> None:
    forgotten: list[Key] = []
    link, challenges = proof(forgotten)
    assert (await ask(link, NAME)).rcode == codes.REFUSED
    challenges.present("dns.example", "one")
    challenges.present("*.dns.example", "two")
    challenges.present("dns.example", "one")
    records = tuple(Record(None, codes.TXT, rdata.txt(value), 0) for value in (b"one", b"two"))
    assert await ask(link, NAME.upper()) == Answer(flags=codes.AA, answer=records)
    challenges.withdraw("dns.example", "one")
    challenges.withdraw("*.dns.example", "two")
    assert (await ask(link, NAME)).answer == records[:1]
    challenges.withdraw("dns.example", "one")
    assert (await ask(link, NAME)).rcode == codes.REFUSED
    assert forgotten == [KEY] * 6


@pytest.mark.parametrize(
    ("text", "rtype", "cls"),
    [
        (NAME, "A", codes.IN),
        (NAME, "ANY", codes.IN),
        (NAME, "TXT", codes.CH),
        ("dns.example", "TXT", codes.IN),
        (f"x.{NAME}", "TXT", codes.IN),
        ("_acme-challenge.other.example", "TXT", codes.IN),
    ],
)
async def test_other_questions_pass_and_read_nothing(text: str, rtype: str, cls: int) -> None:
    link, challenges = proof()
    challenges.present("dns.example", "one")
    asked = query(text, rtype, cls=cls)
    assert (await link.answer(asked)).rcode == codes.REFUSED
    assert asked.basis.reads == []


async def test_a_record_that_is_not_there_was_read_as_well() -> None:
    link, challenges = proof()
    for present in (False, True):
        if present:
            challenges.present("dns.example", "one")
        asked = query(NAME, "TXT")
        await link.answer(asked)
        assert asked.basis.reads == [KEY]


def test_denials_may_speak_of_siblings_below_the_challenges() -> None:
    class Denier(Next):
        deepest = 1
        siblings = 0

    link, _ = proof()
    denier = Denier()
    assert isinstance(link, ByZone)
    let_deny([link, denier], 0)
    assert denier.siblings == 4


def test_every_block_has_the_link_and_only_where_it_is_asked_for() -> None:
    chains = chains_of(COREFILE)
    assert [list(chain.links) for chain in chains] == [["whoami", "tls"]] * 2
    assert [list(chain.links) for chain in chains_of(".:53 {\nwhoami\n}\n")] == [["whoami"]]
