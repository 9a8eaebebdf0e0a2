import pytest

from kdns.chain.answer import DROP, Answer, refuse
from kdns.corefile import ConfigError
from kdns.wire import codes
from tests.kit.chain import Next, root_chain
from tests.kit.house import House, packet

AA, RA, RD = codes.AA, codes.RA, codes.RD


def header(*rules: str) -> str:
    return "header {\n" + "\n".join(rules) + "\n}"


@pytest.mark.parametrize(
    ("rules", "sent", "seen"),
    [
        (["query set rd"], 0, RD),
        (["query clear rd"], RD | codes.CD, codes.CD),
        (["query set aa ra"], RD, RD | AA | RA),
        (["query set rd", "query clear rd"], RD, 0),
        (["query clear rd", "QUERY SET RD"], 0, RD),
        (["response clear rd"], RD, RD),
    ],
)
def test_query_rules(rules: list[str], sent: int, seen: int) -> None:
    behind = Next(Answer())
    root_chain(header(*rules), behind=behind).ask("web.example", flags=sent)
    assert behind.queries[0].flags == seen


@pytest.mark.parametrize(
    ("rules", "answered", "expected"),
    [
        (["response set aa"], 0, AA),
        (["response set ra aa"], codes.TC, AA | RA | codes.TC),
        (["response clear aa"], AA | RA, RA),
        (["response clear aa", "response set aa"], 0, AA),
        (["response set aa", "response clear AA"], AA, 0),
        (["query set aa"], 0, 0),
    ],
)
def test_response_rules(rules: list[str], answered: int, expected: int) -> None:
    answer = root_chain(header(*rules), behind=Next(Answer(flags=answered))).ask("web.example")
    assert answer == Answer(flags=expected)


@pytest.mark.parametrize(
    ("rules", "sent", "expected"),
    [
        (["query set rd"], 0, RD),
        (["query clear rd"], RD, 0),
        (["response set rd"], 0, RD),
        (["response clear rd"], RD, 0),
        (["query set rd", "response clear rd"], RD, 0),
        (["query clear rd", "response set rd ra"], 0, RD | RA),
        (["response set ra"], RD, RD | RA),
    ],
)
async def test_recursion_desired_in_the_reply(rules: list[str], sent: int, expected: int) -> None:
    house = House(f".:53 {{\n{header(*rules)}\nwhoami\n}}\n")
    reply = await house.ask_raw(packet("web.example", flags=sent))
    assert reply is not None
    assert int.from_bytes(reply[2:4], "big") == codes.QR | AA | expected


async def test_what_the_server_says_itself() -> None:
    rules = header("response set aa", "response clear rd", "query set rd")
    reply = await House(f".:53 {{\n{rules}\n}}\n").ask_raw(packet("web.example", flags=0))
    assert reply is not None
    assert int.from_bytes(reply[2:4], "big") == codes.QR | RD | codes.SERVFAIL


def test_failures_by_code_pass() -> None:
    failed = refuse(codes.SERVFAIL, "why")
    assert root_chain(header("response set aa rd"), behind=Next(failed)).ask("web.example") is failed
    assert root_chain(header("query set rd"), behind=Next(DROP)).ask("web.example") is DROP


def test_the_first_line_with_rules_counts() -> None:
    text = "header {\n}\n" + header("response set aa") + "\n" + header("response clear aa", "query clear rd")
    behind = Next(Answer())
    assert root_chain(text, behind=behind).ask("web.example", flags=RD) == Answer(flags=AA)
    assert behind.queries[0].flags == RD


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("header", "Wrong argument count or unexpected line ending after 'header'"),
        ("header {\n}", "Wrong argument count or unexpected line ending after 'header'"),
        ("header aa", "Wrong argument count or unexpected line ending after 'aa'"),
        (header("Reply set aa"), "setting up rule: invalid selector=reply should be query or response"),
        (header("query"), "setting up rule: no flag action provided"),
        (header("query set"), "setting up rule: invalid length for flags, at least one should be provided"),
        (header("query Unset aa"), "setting up rule: unknown flag action=unset, should be set or clear"),
        (header("response set aa TC"), "setting up rule: unknown/unsupported flag=tc"),
    ],
)
def test_setup_errors(text: str, error: str) -> None:
    with pytest.raises(ConfigError) as raised:
        root_chain(text)
    assert str(raised.value).startswith("plugin/header: Corefile:")
    assert raised.value.message == error
