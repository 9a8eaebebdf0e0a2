import pytest

from kdns.chain.answer import refuse
from kdns.corefile import ConfigError
from kdns.wire import codes, name
from tests.kit.chain import Next, root_chain


@pytest.mark.parametrize("cls", [codes.IN, codes.CH])
def test_any_gets_one_record(cls: int) -> None:
    behind = Next()
    answer = root_chain("any", behind=behind).ask("Web.example", "ANY", cls=cls)
    assert (answer.rcode, answer.flags, answer.authority, answer.additional) == (codes.NOERROR, 0, (), ())
    texts = [record.to_text(name.from_text("Web.example")) for record in answer.answer]
    assert texts == ['Web.example. 8482 IN HINFO "ANY obsoleted" "See RFC 8482"']
    assert behind.queries == []


def test_other_types_pass() -> None:
    expected = refuse(codes.REFUSED)
    assert root_chain("any", behind=Next(expected)).ask("web.example", "A") is expected


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("any thing", "Wrong argument count or unexpected line ending after 'thing'"),
        ("any {\n    thing\n}", "unknown property 'thing'"),
    ],
)
def test_setup_errors(text: str, error: str) -> None:
    with pytest.raises(ConfigError) as raised:
        root_chain(text)
    assert str(raised.value).startswith("plugin/any: Corefile:")
    assert raised.value.message == error
