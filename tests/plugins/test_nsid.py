import pytest

from kdns.chain.answer import DROP, Answer, refuse
from kdns.corefile import ConfigError
from kdns.wire import codes
from kdns.wire.edns import Edns, Option
from tests.kit.chain import Next, root_chain
from tests.kit.house import House

ASKED = Edns(1232, options=(Option(codes.NSID, b""),))
EDE = Option(codes.EDE, b"\0\x03")


@pytest.mark.parametrize(
    ("text", "data"),
    [("nsid", b"kdns-1"), ("nsid one", b"one"), ("nsid one 2 three", b"one 2 three"), ('nsid "a  b"', b"a  b")],
)
def test_data(text: str, data: bytes) -> None:
    answer = root_chain(text, behind=Next(Answer())).ask("web.example", edns=ASKED)
    assert answer.options == (Option(codes.NSID, data),)


@pytest.mark.parametrize(
    ("answer", "options"),
    [
        (Answer(options=(EDE,)), (EDE, Option(codes.NSID, b"one"))),
        (Answer(options=(Option(codes.NSID, b"other"), EDE)), (EDE, Option(codes.NSID, b"one"))),
        (refuse(codes.SERVFAIL, "why"), (Option(codes.NSID, b"one"),)),
    ],
    ids=["beside others", "in another's place", "with an error"],
)
def test_every_reply_gets_it(answer: Answer, options: tuple[Option, ...]) -> None:
    assert root_chain("nsid one", behind=Next(answer)).ask("web.example", edns=ASKED) == answer.replace(
        options=options, do=True
    )


@pytest.mark.parametrize("edns", [None, Edns(1232), Edns(1232, options=(Option(codes.COOKIE, b"12345678"),))])
def test_who_does_not_ask_is_not_told(edns: Edns | None) -> None:
    answer = Answer()
    assert root_chain("nsid one", behind=Next(answer)).ask("web.example", edns=edns) is answer


def test_no_reply_stays_none() -> None:
    assert root_chain("nsid one", behind=Next(DROP)).ask("web.example", edns=ASKED) is DROP


async def test_on_the_wire() -> None:
    reply = await House(".:53 {\n nsid one\n whoami\n}\n").ask("web.example", edns=ASKED)
    assert reply.edns == Edns(1232, codes.DO, (Option(codes.NSID, b"one"),))
    failed = await House(".:53 {\n nsid one\n}\n").ask("web.example", edns=ASKED)
    assert (failed.rcode, failed.edns) == (codes.SERVFAIL, reply.edns)


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("nsid one\nnsid two", "this plugin can only be used once per Server Block"),
        ("nsid {\n    one\n}", "unknown property 'one'"),
        (f"nsid {'x' * 256}", "NSID of 256 octets, more than 255"),
    ],
)
def test_setup_errors(text: str, error: str) -> None:
    with pytest.raises(ConfigError) as raised:
        root_chain(text)
    assert str(raised.value).startswith("plugin/nsid: Corefile:")
    assert raised.value.message == error
