"""Placeholders without an answer, and those that signatures are counted in; all others are tested with `log`."""

import pytest

from kdns.chain.answer import Answer
from kdns.chain.placeholders import Format, Seen
from kdns.wire import codes, name
from kdns.wire.signing import Signature
from kdns.wire.tsig import Tsig
from tests.kit.query import query

KEY = name.from_text("key.example")
HASH = name.from_text("hmac-sha256")


@pytest.mark.parametrize("part", ["{rcode}", "{>rflags}", "{rsize}", "{duration}", "{/no/label}"])
def test_what_is_not_there_yet(part: str) -> None:
    assert Format(part).line(Seen(query("web.example"))) == "-"


def test_what_is_there_before_an_answer() -> None:
    asked = query("Web.Example", "AAAA", client=("2001:db8::7", 4711), flags=codes.NOTIFY << 11)
    text = "{type} {class} {name} {proto} {remote} {port} {local} {size} {>id} {>opcode} {>do} {>bufsize} {x} { {name}"
    assert Format(text).line(Seen(asked)) == (
        "AAAA IN web.example. udp [2001:db8::7] 4711 10.96.0.10 29 4660 4 false 512 {x} { web.example."
    )


@pytest.mark.parametrize(("wanted", "size"), [(False, "29"), (True, "113")])
def test_a_signature_is_part_of_a_replys_size(wanted: bool, size: str) -> None:
    signature = Signature(Tsig(KEY, HASH, 1, 300, bytes(32), 1), 0, b"secret")
    signature.wanted = wanted
    asked = query("web.example").replace(signature=signature)
    assert Format("{rsize}").line(Seen(asked, Answer())) == size
