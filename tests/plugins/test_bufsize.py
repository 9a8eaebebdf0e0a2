import pytest

from kdns.chain.answer import DROP, Answer
from kdns.corefile import ConfigError
from kdns.wire import codes
from kdns.wire.edns import Edns
from tests.kit.chain import Next, root_chain
from tests.kit.house import House


@pytest.mark.parametrize(
    ("text", "sent", "seen"),
    [
        ("bufsize", 4096, 1232),
        ("bufsize", 1233, 1232),
        ("bufsize", 1232, 1232),
        ("bufsize", 500, 500),
        ("bufsize 512", 65535, 512),
        ("bufsize 4096", 4097, 4096),
        ("bufsize 600\nbufsize 700", 4096, 600),
    ],
)
@pytest.mark.parametrize("proto", ["udp", "tcp"])
def test_the_size_is_lowered(text: str, sent: int, seen: int, proto: str) -> None:
    behind = Next(Answer())
    asked = Edns(sent, codes.DO)
    answer = root_chain(text, behind=behind).ask("web.example", edns=asked, proto=proto)
    assert behind.queries[0].edns == Edns(seen, codes.DO)
    assert answer == Answer(payload=seen if seen < sent else None)


def test_a_query_without_edns_stays_as_it_is() -> None:
    behind, answer = Next(Answer()), Answer()
    behind = Next(answer)
    assert root_chain("bufsize 512", behind=behind).ask("web.example") is answer
    assert behind.queries[0].edns is None


def test_no_reply_stays_none() -> None:
    assert root_chain("bufsize", behind=Next(DROP)).ask("web.example", edns=Edns(4096)) is DROP


HOSTS = "".join(f"        10.0.0.{n} web.example\n" for n in range(1, 61))
COREFILE = f".:53 {{\n    bufsize 600\n    hosts {{\n{HOSTS}    }}\n}}\n"


@pytest.mark.parametrize(
    ("edns", "proto", "size", "records"),
    [
        (Edns(4096), "udp", 600, (600 - 12 - 17 - 11) // 16),
        (Edns(520), "udp", 520, (520 - 12 - 17 - 11) // 16),
        (None, "udp", None, (512 - 12 - 17) // 16),
        (Edns(4096), "tcp", 600, 60),
    ],
)
async def test_replies_are_cut_and_the_client_is_told(
    edns: Edns | None, proto: str, size: int | None, records: int
) -> None:
    house = House(COREFILE)
    async with house.running():
        for _ in range(3):  # the third comes from the memo
            reply = await house.ask("web.example", edns=edns, proto=proto)
            assert len(reply.answer) == records
            assert bool(reply.flags & codes.TC) is (records < 60)
            assert (reply.edns.size if reply.edns else None) == size


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("bufsize 511", "Wrong argument count or unexpected line ending after '511'"),
        ("bufsize 4097", "Wrong argument count or unexpected line ending after '4097'"),
        ("bufsize -1", "Wrong argument count or unexpected line ending after '-1'"),
        ("bufsize big", "Wrong argument count or unexpected line ending after 'big'"),
        ("bufsize 512 600", "Wrong argument count or unexpected line ending after '600'"),
        ("bufsize {\n    size\n}", "unknown property 'size'"),
    ],
)
def test_setup_errors(text: str, error: str) -> None:
    with pytest.raises(ConfigError) as raised:
        root_chain(text)
    assert str(raised.value).startswith("plugin/bufsize: Corefile:")
    assert raised.value.message == error
