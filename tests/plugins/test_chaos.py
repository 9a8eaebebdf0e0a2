import pytest

from kdns.chain.answer import refuse
from kdns.corefile import ConfigError
from kdns.wire import codes, name
from tests.kit.chain import Chain, Next, root_chain
from tests.kit.house import House, packet


def texts(chain: Chain, asked: str) -> list[str]:
    answer = chain.ask(asked, "TXT", cls=codes.CH)
    assert (answer.rcode, answer.flags, answer.authority, answer.additional) == (codes.NOERROR, 0, (), ())
    return sorted(record.to_text(name.from_text(asked)) for record in answer.answer)


@pytest.mark.parametrize(
    ("text", "asked", "expected"),
    [
        ("chaos", "version.bind", ['version.bind. 0 CH TXT "kdns-1.14.7"']),
        ("chaos", "Version.Server", ['Version.Server. 0 CH TXT "kdns-1.14.7"']),
        ("chaos", "hostname.bind", ['hostname.bind. 0 CH TXT "kdns-1"']),
        ("chaos", "id.server", ['id.server. 0 CH TXT "kdns-1"']),
        ("chaos", "authors.bind", ['authors.bind. 0 CH TXT "kdns authors"']),
        ("chaos v2", "version.bind", ['version.bind. 0 CH TXT "v2"']),
        ("chaos v2 ada", "version.server", ['version.server. 0 CH TXT "v2"']),
        ("chaos v2 ada", "id.server", ['id.server. 0 CH TXT "kdns-1"']),
        (
            "chaos v2 jon ada jon",
            "Authors.bind",
            ['Authors.bind. 0 CH TXT "ada"', 'Authors.bind. 0 CH TXT "jon"'],
        ),
        ("chaos one\nchaos two", "version.bind", ['version.bind. 0 CH TXT "one"']),
        (f"chaos {'x' * 300}", "version.bind", [f'version.bind. 0 CH TXT "{"x" * 255}"']),
    ],
)
def test_answers(text: str, asked: str, expected: list[str]) -> None:
    assert texts(root_chain(text), asked) == expected


@pytest.mark.parametrize(
    ("asked", "rtype", "cls"),
    [
        ("version.bind", "TXT", codes.IN),
        ("version.bind", "A", codes.CH),
        ("version.bind", "ANY", codes.CH),
        ("bind", "TXT", codes.CH),
        ("a.version.bind", "TXT", codes.CH),
    ],
)
def test_all_others_pass(asked: str, rtype: str, cls: int) -> None:
    expected = refuse(codes.NOTIMP)
    assert root_chain("chaos", behind=Next(expected)).ask(asked, rtype, cls=cls) is expected


def test_authors_come_in_any_order() -> None:
    chain = root_chain("chaos v a b c d e f g h")
    orders = {chain.ask("authors.bind", "TXT", cls=codes.CH).answer for _ in range(50)}
    assert len(orders) > 1
    assert chain.basis_of("authors.bind", "TXT", cls=codes.CH).fleeting
    assert not chain.basis_of("version.bind", "TXT", cls=codes.CH).fleeting


async def test_the_listener_takes_the_class() -> None:
    for text, rcode in (("chaos\n whoami", codes.NOERROR), ("whoami", codes.REFUSED)):
        reply = await House(f".:53 {{\n {text}\n}}\n").ask_raw(packet("version.bind", "TXT", cls=codes.CH))
        assert reply is not None
        assert reply[3] & 15 == rcode


def test_setup_error() -> None:
    with pytest.raises(ConfigError) as raised:
        root_chain("chaos v {\n    author ada\n}")
    assert str(raised.value).startswith("plugin/chaos: Corefile:")
    assert raised.value.message == "unknown property 'author'"
