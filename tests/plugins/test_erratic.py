import asyncio

import pytest

from kdns.chain.answer import DROP, Answer
from kdns.chain.site import Readiness
from kdns.corefile import ConfigError
from kdns.wire import codes, name
from tests.kit.chain import Chain, Next, root_chain


def erratic(*options: str) -> str:
    return "erratic {\n" + "\n".join(options) + "\n}"


def turns(text: str, rtype: str = "A", number: int = 12) -> str:
    """What becomes of queries in turn: `x` lost, `t` cut short, `.` whole."""
    chain = root_chain(text)
    return "".join(_mark(chain.ask("web.example", rtype)) for _ in range(number))


def _mark(answer: Answer) -> str:
    return "x" if answer is DROP else "t" if answer.flags & codes.TC else "."


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("erratic", "x.x.x.x.x.x."),
        (erratic(), "x.x.x.x.x.x."),
        (erratic("drop"), "x.x.x.x.x.x."),
        (erratic("drop 3"), "x..x..x..x.."),
        (erratic("drop 1"), "xxxxxxxxxxxx"),
        (erratic("drop 0"), "............"),
        (erratic("truncate"), "tt..tt..tt.."),
        (erratic("truncate 1"), "t.t.t.t.t.t."),
        (erratic("truncate 3"), "t...t...t..."),
        (erratic("truncate 0"), "x.x.x.x.x.x."),
        (erratic("truncate", "drop"), "tt..tt..tt.."),
        (erratic("truncate", "drop 3"), "xt.xttx.tx.."),
        (erratic("drop 3", "drop"), "x..x..x..x.."),
        (erratic("delay 0"), "x.x.x.x.x.x."),
    ],
)
def test_turns(text: str, expected: str) -> None:
    assert turns(text) == expected


@pytest.mark.parametrize(
    ("asked", "record"), [("A", "Web.example. 0 IN A 192.0.2.53"), ("AAAA", "Web.example. 0 IN AAAA 2001:db8::53")]
)
def test_answers(asked: str, record: str) -> None:
    behind = Next()
    chain = root_chain(erratic("drop 0"), behind=behind)
    answer = chain.ask("Web.example", asked)
    assert [found.to_text(name.from_text("Web.example")) for found in answer.answer] == [record]
    assert (answer.rcode, answer.flags, answer.authority, answer.additional) == (0, codes.AA, (), ())
    assert chain.basis_of("web.example", asked).fleeting
    assert behind.queries == []


def test_other_types_fail_by_code() -> None:
    answer = root_chain(erratic("drop 0")).ask("web.example", "MX")
    assert (answer.rcode, answer.written, answer.error) == (codes.SERVFAIL, False, None)
    assert turns(erratic("drop 2"), "MX", 4) == "x.x."


def test_large() -> None:
    chain = root_chain(erratic("drop 0", "large"))
    assert len(chain.ask("web.example").answer) == 30
    assert len(chain.ask("web.example", "AAAA").answer) == 1


def test_transfer() -> None:
    chain = root_chain(erratic("drop 0", "truncate 1"))
    cut, whole = (chain.ask("example", "AXFR") for _ in range(2))
    texts = [record.to_text(name.from_text("example")) for record in whole.answer]
    soa = "example. 0 IN SOA sns.dns.icann.org. noc.dns.icann.org. 2018050825 7200 3600 1209600 3600"
    assert texts == [
        soa,
        "example. 0 IN NS b.example.",
        "example. 0 IN NS a.example.",
        "a.example. 0 IN AAAA 2001:bd8::53",
        "b.example. 0 IN AAAA 2001:500::54",
        soa,
    ]
    assert cut.answer == whole.answer[:-1]
    assert whole.flags == cut.flags == codes.AA
    assert chain.ask(".".join(["x" * 63, "x" * 63, "x" * 63, "x" * 61]), "AXFR").rcode == codes.SERVFAIL


@pytest.mark.parametrize(
    ("text", "waits"),
    [
        (erratic("delay"), [0.1, 0, 0.1, 0]),
        (erratic("delay 3"), [0.1, 0, 0, 0.1]),
        (erratic("delay 1 20ms"), [0.02] * 4),
        (erratic("delay 3 1s", "delay"), [0.1, 0, 0.1, 0]),
    ],
)
async def test_delays(text: str, waits: list[float], monkeypatch: pytest.MonkeyPatch) -> None:
    waited: list[float] = []

    async def sleep(seconds: float) -> None:
        waited.append(seconds)

    monkeypatch.setattr(asyncio, "sleep", sleep)
    chain = root_chain(text)
    found = []
    for _ in waits:
        waited.clear()
        assert (await chain.asked("web.example")).rcode == codes.NOERROR
        found.append(sum(waited))
    assert found == waits


def readiness(chain: Chain) -> Readiness:
    (found,) = chain.site.find(Readiness)  # type: ignore[type-abstract]
    return found


def test_ready_for_two_queries() -> None:
    chain = root_chain("erratic")
    states = []
    for _ in range(6):
        states.append(readiness(chain).ready())
        chain.ask("web.example")
    assert states == [False, False, False, True, True, False]
    assert readiness(chain).name == "erratic"


ARG_ERR = "Wrong argument count or unexpected line ending after "


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("erratic 1", ARG_ERR + "'1'"),
        (erratic("drop 1 2"), ARG_ERR + "'2'"),
        (erratic("truncate 1 2"), ARG_ERR + "'2'"),
        (erratic("delay 1 2ms 3"), ARG_ERR + "'3'"),
        (erratic("drop -1"), 'illegal amount value given "-1"'),
        (erratic("truncate -1"), 'illegal amount value given "-1"'),
        (erratic("delay -1"), 'illegal amount value given "-1"'),
        (erratic("drop x"), 'strconv.ParseInt: parsing "x": invalid syntax'),
        (erratic("drop 2147483648"), 'strconv.ParseInt: parsing "2147483648": value out of range'),
        (erratic("delay 1 2"), 'time: missing unit in duration "2"'),
        (erratic("explode"), "unknown property 'explode'"),
    ],
)
def test_setup_errors(text: str, error: str) -> None:
    with pytest.raises(ConfigError) as raised:
        root_chain(text)
    assert str(raised.value).startswith("plugin/erratic: Corefile:")
    assert raised.value.message == error
