import pytest

from kdns.chain.answer import Answer
from kdns.corefile import ConfigError
from kdns.wire import codes, name
from tests.kit.chain import Next, root_chain

PORT = 0x1268


def texts(answer: Answer, question: str) -> list[str]:
    return [record.to_text(name.from_text(question)) for record in answer.additional]


@pytest.mark.parametrize(
    ("asked", "client", "proto", "records"),
    [
        ("a.Example", "192.0.2.9", "udp", ["a.Example. 0 IN A 192.0.2.9", "_udp.a.Example. 0 IN SRV 0 0 4712 ."]),
        (
            "a.example",
            "2001:db8::9",
            "tcp",
            ["a.example. 0 IN AAAA 2001:db8::9", "_tcp.a.example. 0 IN SRV 0 0 4712 ."],
        ),
        ("a.example", "fe80::9%eth0", "udp", ["a.example. 0 IN AAAA fe80::9", "_udp.a.example. 0 IN SRV 0 0 4712 ."]),
        (".", "192.0.2.9", "udp", [". 0 IN A 192.0.2.9", "_udp. 0 IN SRV 0 0 4712 ."]),
    ],
)
def test_the_client_is_told_who_it_is(asked: str, client: str, proto: str, records: list[str]) -> None:
    behind = Next()
    answer = root_chain("whoami", behind=behind).ask(asked, "TXT", client=(client, PORT), proto=proto)
    assert (answer.rcode, answer.flags, answer.answer, answer.authority) == (codes.NOERROR, codes.AA, (), ())
    assert texts(answer, asked) == records
    assert behind.queries == []


def test_the_class_is_the_question_s() -> None:
    answer = root_chain("whoami").ask("a.example", cls=codes.CH)
    assert {record.cls for record in answer.additional} == {codes.CH}


def test_the_answer_is_the_client_s_alone() -> None:
    assert root_chain("whoami").basis_of("a.example").private


def test_a_name_without_room_for_another_label_gets_its_address_only() -> None:
    longest = ".".join(["x" * 63, "x" * 63, "x" * 63, "x" * 61])
    assert len(root_chain("whoami").ask(longest).additional) == 1
    assert len(root_chain("whoami").ask(longest[5:]).additional) == 2


def test_setup_error() -> None:
    with pytest.raises(ConfigError, match=r"^plugin/whoami: .*Wrong argument count or unexpected line ending"):
        root_chain("whoami me")
