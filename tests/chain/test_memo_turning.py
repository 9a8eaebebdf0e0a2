import pytest

from kdns.chain.basis import Basis
from kdns.chain.memo import Memo
from kdns.wire import codes, name, rdata
from kdns.wire.message import read_message
from kdns.wire.record import Record
from kdns.wire.writer import write_message
from tests.kit.query import query


def addresses(owner: bytes | None) -> tuple[Record, ...]:
    return tuple(Record(owner, codes.A, rdata.a(f"192.0.2.{i}"), 30) for i in (1, 2, 3))


def turns(*answer: Record) -> list[bytes | None]:
    basis = Basis()
    basis.shuffled = True
    asked = query("web.example", basis=basis)
    packet = asked.ident + b"\1\0\0\1\0\0\0\0\0\0" + asked.question.wire
    memo = Memo(lambda: 0.0)
    for _ in range(2):
        reply = write_message(asked.ident, codes.QR, asked.question.wire, (answer, (), ()))
        memo.keep(packet, asked, reply, codes.NOERROR)
    return [memo.hit(packet) for _ in range(3)]


TARGET = name.from_text("target.test")
CNAME = Record(None, codes.CNAME, TARGET, 30)


@pytest.mark.parametrize("records", [addresses(None), (CNAME, *addresses(TARGET))])
def test_addresses_whose_owner_stands_before_them_take_turns(records: tuple[Record, ...]) -> None:
    firsts = set()
    for reply in turns(*records):
        assert reply is not None
        found = [record for record in read_message(reply).answer if record.type == codes.A]
        assert sorted(record.data for record in found) == sorted(record.data for record in addresses(None))
        firsts.add(found[0].data)
    assert len(firsts) == 3


def test_an_owner_that_is_written_out_among_them_is_not_moved() -> None:
    assert turns(*addresses(TARGET)) == [None, None, None], "the others point at the first one's owner"
