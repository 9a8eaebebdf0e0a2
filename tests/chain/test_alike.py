"""Which queries share a reply with others, by their octets alone."""

import pytest

from kdns.chain.alike import respelled_of, sibling_of
from kdns.wire import codes
from kdns.wire.edns import Edns, Option
from tests.kit.house import packet

COOKIE = Option(codes.COOKIE, b"12345678")
SHORT = packet("WWW.shop.example", edns=Edns(1232))


def opt(*options: Option) -> bytes:
    return packet("WWW.shop.example", edns=Edns(1232, 0, options))


@pytest.mark.parametrize(
    "query",
    [
        opt(Option(codes.NSID, b"")),
        opt(COOKIE, COOKIE),
        opt(COOKIE, Option(codes.PADDING, b"")),
        opt(COOKIE) + b"\0",
        opt(COOKIE)[:-1],
        *(SHORT[:-1] + bytes((size,)) + bytes(size) for size in range(1, 5)),
        packet("www.shop.example")[:-5],
        packet("www.shop.example")[:12],
    ],
)
def test_no_place_for_queries_with_more_than_a_cookie(query: bytes) -> None:
    place, _ = respelled_of(query)
    assert place is None


def test_places_know_neither_case_nor_cookie() -> None:
    other = packet("www.SHOP.example", edns=Edns(1232, 0, (Option(codes.COOKIE, b"abcdefgh"),)), ident=7)
    assert respelled_of(opt(COOKIE)) == respelled_of(other)
    assert respelled_of(packet("www.shop.example")) == respelled_of(packet("WWW.SHOP.example"))


@pytest.mark.parametrize(
    "other",
    [
        packet("WWW.shop.example", edns=Edns(1232, 0, (Option(codes.COOKIE, b"123456789"),))),
        packet("WWW.shop.example", edns=Edns(1233, 0, (COOKIE,))),
        packet("WWW.shop.example", edns=Edns(1232, codes.DO, (COOKIE,))),
        packet("WWW.shop.example", "AAAA", edns=Edns(1232, 0, (COOKIE,))),
        packet("WWW.shop.example", 97, edns=Edns(1232, 0, (COOKIE,))),
        packet("WWX.shop.example", edns=Edns(1232, 0, (COOKIE,))),
        packet("WWW.shop.example", edns=Edns(1232, 0, (COOKIE,)), flags=0),
    ],
)
def test_everything_else_matters(other: bytes) -> None:
    assert respelled_of(opt(COOKIE))[0] not in (None, respelled_of(other)[0])


def test_siblings_differ_in_the_first_label() -> None:
    first = sibling_of(packet("abc.shop.example"))[0]
    assert first == sibling_of(packet("xyz.shop.example"))[0]
    for other in ("abcd.shop.example", "abc.shoq.example", "abc.Shop.example"):
        assert first != sibling_of(packet(other))[0]
