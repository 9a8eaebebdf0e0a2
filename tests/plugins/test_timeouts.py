import pytest

from kdns.chain.listen import Listen
from kdns.corefile import ConfigError
from tests.kit.chain import root_chain


def timeouts(*options: str) -> str:
    return "timeouts {\n" + "\n".join(options) + "\n}"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (timeouts("read 5s"), Listen(first_read=5)),
        (timeouts("write 1m30s"), Listen(write=90)),
        (timeouts("idle 24h"), Listen(idle=86400)),
        (timeouts("idle 1"), Listen(idle=1)),
        (timeouts("read 1s", "write 2", "idle 3s"), Listen(first_read=1, write=2, idle=3)),
        (timeouts("maxtcpqueries 7"), Listen(max_queries=7)),
        (timeouts("maxtcpqueries -1"), Listen(max_queries=-1)),
        (timeouts("read 5s") + "\n" + timeouts("read 6s", "idle 7s"), Listen(first_read=6, idle=7)),
    ],
)
def test_the_listeners_are_told(text: str, expected: Listen) -> None:
    chain = root_chain(text)
    assert chain.site.listen == expected
    assert chain.links == {}


OUTSIDE = "timeout provided '{}' needs to be between 1 second and 24 hours"


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("timeouts", "timeouts block with no timeouts specified"),
        ("timeouts {\n}", "timeouts block with no timeouts specified"),
        ("timeouts 5s", "Wrong argument count or unexpected line ending after '5s'"),
        (timeouts("read"), "Wrong argument count or unexpected line ending after 'read'"),
        (timeouts("read 1s 2s"), "Wrong argument count or unexpected line ending after '2s'"),
        (timeouts("read soon"), "failed to parse duration 'soon'"),
        (timeouts("read 1.5"), "failed to parse duration '1.5'"),
        (timeouts("close soon"), "failed to parse duration 'soon'"),
        (timeouts("close 5s"), "unknown option: 'close'"),
        (timeouts("read 999ms"), OUTSIDE.format("999ms")),
        (timeouts("read 0"), OUTSIDE.format("0s")),
        (timeouts("write -5s"), OUTSIDE.format("-5s")),
        (timeouts("idle 86401"), OUTSIDE.format("24h0m1s")),
        (
            timeouts("maxtcpqueries many"),
            "invalid value for maxtcpqueries 'many': strconv.Atoi: parsing \"many\": invalid syntax",
        ),
        (
            timeouts("maxtcpqueries 0"),
            "maxtcpqueries provided '0' needs to be -1 (unlimited) or a positive integer",
        ),
        (
            timeouts("maxtcpqueries -2"),
            "maxtcpqueries provided '-2' needs to be -1 (unlimited) or a positive integer",
        ),
    ],
)
def test_setup_errors(text: str, error: str) -> None:
    with pytest.raises(ConfigError) as raised:
        root_chain(text)
    assert str(raised.value).startswith("plugin/timeouts: Corefile:")
    assert raised.value.message == error
