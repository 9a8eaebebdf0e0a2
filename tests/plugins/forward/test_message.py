import dns.edns
import dns.flags
import dns.message
import pytest

from kdns.plugins.forward.message import MAX_MESSAGE, plain, question
from kdns.wire import codes, name
from kdns.wire.edns import Edns, Option
from kdns.wire.errors import WireError
from tests.kit.query import query


@pytest.mark.parametrize("flags", [0, codes.RD, codes.AD, codes.CD, codes.RD | codes.AD | codes.CD])
@pytest.mark.parametrize("edns", [None, Edns(1232), Edns(65535, codes.DO)])
def test_the_question_is_written_anew(flags: int, edns: Edns | None) -> None:
    message = question(query("WwW.Example", "AAAA", flags=flags, edns=edns))
    parsed = dns.message.from_wire(message)
    assert parsed.question[0].to_text() == "WwW.Example. IN AAAA"
    assert (parsed.id, parsed.flags) == (0, flags)
    assert parsed.edns == (-1 if edns is None else 0)
    if edns is not None:
        assert (parsed.payload, parsed.ednsflags) == (edns.size, edns.flags)


@pytest.mark.parametrize("flag", [codes.QR, codes.AA, codes.TC, codes.RA, codes.Z, 0x7800, 0x000F])
def test_other_flags_are_not_passed_on(flag: int) -> None:
    message = question(query("www.example", flags=codes.RD | flag))
    assert message[2:4] == codes.RD.to_bytes(2, "big")


def test_options_are_passed_on() -> None:
    options = (Option(8, b"\0\1\x18\0\xc0\0\2"), Option(codes.COOKIE, b"12345678"))
    message = question(query("www.example", edns=Edns(1232, codes.DO, options, version=0, rcode=7)))
    parsed = dns.message.from_wire(message)
    assert [option.to_text() for option in parsed.options] == ["ECS 192.0.2.0/24 scope/0", "COOKIE 3132333435363738"]
    assert (parsed.payload, parsed.ednsflags) == (1232, codes.DO)


def test_equal_questions_are_equal_messages() -> None:
    first = question(query("www.example", ident=b"ab", client="192.0.2.1"))
    second = question(query("www.example", ident=b"cd", client="192.0.2.2"))
    assert first == second
    others = [query("www.example", cls=codes.CH), query("Www.example"), query("www.example", "NS")]
    others += [
        query("www.example", edns=Edns(1232)),
        query("www.example", edns=Edns(512)),
        query("www.example", flags=0),
    ]
    assert len({question(each) for each in others} | {first}) == len(others) + 1


def test_the_root() -> None:
    message = question(query(".", "NS"))
    assert message == b"\0\0\1\0\0\1\0\0\0\0\0\0\0\0\2\0\1"


def test_what_no_message_can_hold_is_an_error() -> None:
    room = MAX_MESSAGE - (12 + 13 + 4) - 11 - 4
    message = question(query("www.example", edns=Edns(1232, 0, (Option(65001, bytes(room)),))))
    assert len(message) == MAX_MESSAGE
    with pytest.raises(WireError):
        question(query("www.example", edns=Edns(1232, 0, (Option(65001, bytes(room + 1)),))))


def test_a_question_of_our_own() -> None:
    assert plain(name.from_text("a.b"), codes.NS) == b"\0\0\1\0\0\1\0\0\0\0\0\0\1a\1b\0\0\2\0\1"
