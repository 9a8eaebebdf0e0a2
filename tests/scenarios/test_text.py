import dns.message
import pytest

from kdns.wire import codes
from tests.scenarios.reply import differences
from tests.scenarios.statements import ScenarioError
from tests.scenarios.text import Question, parse

QUERY = bytes.fromhex("123401000001000000000000") + b"\3web\4shop\0\0\1\0\1"
ASK = "ask web.shop. A\n    NOERROR aa\n"


def reply(*last: int, flags: int = 0x8500) -> bytes:
    records = b"".join(b"\xc0\x0c\0\1\0\1\0\0\0\5\0\4\x0a\0\0" + bytes([octet]) for octet in last)
    counts = bytes([0, 1, 0, len(last), 0, 0, 0, 0])
    return b"\x12\x34" + flags.to_bytes(2, "big") + counts + QUERY[12:] + records


def wrong(lines: str, packet: bytes | None) -> list[str]:
    (question,) = parse(f"ask web.shop. A\n{lines}", "x.scenario").steps
    assert isinstance(question, Question)
    return differences(question.expected, QUERY, packet)


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("nonsense here\n" + ASK, "x.scenario:1: unknown statement 'nonsense'"),
        ("# only words\n", "x.scenario:1: a scenario asks at least one question"),
        ("    block\n" + ASK, "x.scenario:1: a block without a statement above it"),
        ("wait 3s\n    block\n" + ASK, "x.scenario:2: 'wait' takes no block"),
        ("wait long\n" + ASK, "x.scenario:1: 'long' is no number of seconds"),
        ("delete Service\n" + ASK, "x.scenario:1: 'delete' takes 2 to 2 words, not 1"),
        ("\napply\n\n    - {kind: A\n    - b\n" + ASK, "x.scenario:5: not YAML: "),
        ("apply\n    {kind: Service}\n" + ASK, "x.scenario:2: an object needs kind and metadata.name"),
        (ASK + "ask web.shop. A\n", "x.scenario:3: 'ask' needs an indented block under it"),
        (ASK + "ask web.shop. NOTYPE\n    NOERROR\n", "x.scenario:3: 'NOTYPE' is neither a type nor an option"),
        (ASK + "ask web.shop. tcp\n    NOERROR\n", "x.scenario:3: which type?"),
        (ASK + "    A 10.0.0.256\n", "x.scenario:3: Text input is malformed"),
        (ASK + "    web.shop.\n", "x.scenario:3: [OWNER] [TTL] TYPE DATA"),
        ("ask web.shop. A\n    NOERROR xx\n", "x.scenario:2: 'xx' is no flag"),
        ("ask web.shop. A\n    NOFAULT\n", "x.scenario:2: "),
        (ASK + "    differs coredns\n        NOERROR\n", "x.scenario:3: differs SERVER: REASON"),
        (ASK + "    differs coredns: why\nwait 1\n", "x.scenario:3: which reply is expected?"),
        ("raw xyz\n    no reply\n", "x.scenario:1: 'xyz' is not hexadecimal"),
        ("asked www. A\n" + ASK, "x.scenario:1: asked [UPSTREAM] NAME TYPE TIMES"),
        ("only coredns\n" + ASK, "x.scenario:1: only SERVER: REASON"),
        ("\twait 1\n" + ASK, "x.scenario:1: indent with spaces"),
    ],
)
def test_an_error_says_where(text: str, error: str) -> None:
    with pytest.raises(ScenarioError) as raised:
        parse(text, "x.scenario")
    assert str(raised.value).startswith(error)


def test_a_reply_as_expected() -> None:
    assert wrong("    NOERROR aa\n    A 10.0.0.1\n    web.shop. 5 A 10.0.0.2\n", reply(2, 1)) == []
    assert wrong("    NOERROR aa\n    4-6 A *\n    A 10.0.0.2\n", reply(2, 1)) == []
    assert wrong("    NOERROR aa\n    A 10.0.0.2\n    ...\n", reply(1, 2)) == []
    assert wrong("    NOERROR aa otherrd\n", reply(flags=0x8400)) == []
    assert wrong("    no reply\n", None) == []


@pytest.mark.parametrize(
    ("lines", "packet", "difference"),
    [
        ("    NOERROR aa\n    A 10.0.0.1\n", reply(1, 2), "answer has also: web.shop. 5 A 10.0.0.2"),
        ("    NOERROR aa\n    A 10.0.0.1\n    A 10.0.0.1\n", reply(1), "answer lacks: web.shop. 5 A 10.0.0.1"),
        ("    NOERROR aa\n    6 A 10.0.0.1\n    ...\n", reply(1), "answer lacks: web.shop. 6 A 10.0.0.1"),
        ("    NOERROR aa\n    WEB.shop. A 10.0.0.1\n    ...\n", reply(1), "answer lacks: WEB.shop. 5 A 10.0.0.1"),
        ("    NOERROR aa\n    ... 3\n", reply(1, 2), "answer has 2 records instead of 3"),
        ("    NOERROR\n    ...\n", reply(1), "flags ['aa'] instead of []"),
        ("    NOERROR aa\n", reply(flags=0x8400), "RD is not as in the query"),
        ("    NOERROR aa otherrd\n", reply(), "RD is as in the query"),
        ("    NXDOMAIN aa\n", reply(), "NOERROR instead of NXDOMAIN"),
        ("    NOERROR aa\n", reply().replace(b"web", b"WEB"), "the question is not echoed octet by octet"),
        ("    NOERROR aa\n", b"\0\0" + reply()[2:], "id 0000 instead of 1234"),
        ("    NOERROR aa\n    edns 1232\n", reply(), "edns none instead of 1232"),
        ("    NOERROR aa\n", None, "no reply"),
        ("    no reply\n", reply(), "reply"),
    ],
)
def test_a_reply_that_is_wrong(lines: str, packet: bytes | None, difference: str) -> None:
    assert wrong(lines, packet) == [difference]


def test_the_serial_alone_may_be_any() -> None:
    soa = b"\0\0\6\0\1\0\0\0\5\0\x16\0\0" + bytes(3) + b"\7" + bytes(16)
    packet = b"\x12\x34\x85\3\0\1\0\0\0\1\0\0" + QUERY[12:] + soa
    assert wrong("    NXDOMAIN aa\n    authority . SOA . . SERIAL 0 0 0 0\n", packet) == []
    assert wrong("    NXDOMAIN aa\n    authority . SOA . . 7 0 0 0 0\n", packet) == []
    assert wrong("    NXDOMAIN aa\n    authority . SOA . . SERIAL 0 0 0 1\n", packet) != []
    assert wrong("    NXDOMAIN aa\n    authority . SOA . . 8 0 0 0 0\n", packet) != []


def test_another_server_may_be_expected_to_differ() -> None:
    text = ASK + "    A 10.0.0.1\n    differs coredns: a reason\n        NOERROR\n        ...\n"
    (question,) = parse(text, "x.scenario").steps
    assert isinstance(question, Question)
    assert differences(question.wanted_of("kdns"), QUERY, reply(1)) == []
    assert differences(question.wanted_of("coredns"), QUERY, reply(2, 3, flags=codes.QR | codes.RD)) == []
    assert question.differs["coredns"].reason == "a reason"


def test_the_order_of_answers() -> None:
    (question,) = parse(ASK + "    A 10.0.0.1\n    A *\n", "x.scenario").steps
    assert isinstance(question, Question)
    assert differences(question.expected, QUERY, reply(1, 2), ordered=True) == []
    wrong = ["answer: web.shop. 5 A 10.0.0.2 stands where web.shop. 5 A 10.0.0.1 should"]
    assert differences(question.expected, QUERY, reply(2, 1), ordered=True) == wrong


@pytest.mark.parametrize(
    ("answer", "difference"),
    [
        (["web.shop. 5 CNAME a.shop.", "a.shop. 5 A 10.0.0.1"], []),
        (["a.shop. 5 A 10.0.0.1", "web.shop. 5 CNAME a.shop."],
         ["answer: a.shop. stands before the alias that leads there"]),
        (["web.shop. 5 CNAME a.shop.", "a.shop. 5 CNAME web.shop."], []),
        (["web.shop. 5 SOA a.shop. a.shop. 1 1 1 1 1", "a.shop. 5 A 10.0.0.1", "b.shop. 5 CNAME a.shop."], []),
    ],
    ids=["behind", "before", "in a circle", "in a zone"],
)  # fmt: skip
def test_aliases_stand_before_what_they_lead_to(answer: list[str], difference: list[str]) -> None:
    head = "id 4660\nflags QR AA RD\n;QUESTION\nweb.shop. IN A\n;ANSWER\n"
    packet = dns.message.from_text(head + "\n".join(answer), one_rr_per_rrset=True).to_wire()
    assert wrong("    NOERROR aa\n" + "".join(f"    {line}\n" for line in answer), packet) == difference
