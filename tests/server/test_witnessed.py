import pytest

from kdns.chain.answer import Answer
from kdns.chain.query import Query
from kdns.server.witnessed import witnessed
from kdns.wire.errors import WireError
from tests.kit.query import query


def test_each_message_is_shown_to_who_asked() -> None:
    encode = witnessed(lambda query, answer: bytes(answer.rcode))
    seen: list[bytes] = []
    watched, other = query("web.example"), query("web.example")
    watched.basis.witness = seen.append
    assert [encode(each, Answer(rcode=rcode)) for each, rcode in ((watched, 1), (other, 2), (watched, 3))] == [
        bytes(1),
        bytes(2),
        bytes(3),
    ]
    assert seen == [bytes(1), bytes(3)]


def test_what_cannot_be_made_is_not_shown() -> None:
    def failing(query: Query, answer: Answer) -> bytes:
        raise WireError("no")

    seen: list[bytes] = []
    watched = query("web.example")
    watched.basis.witness = seen.append
    with pytest.raises(WireError):
        witnessed(failing)(watched, Answer())
    assert seen == []
