import pytest

from kdns.corefile import Address
from kdns.server.plan import Conflict, Wish, listeners, listing

ANY = ("",)


def key(text: str) -> Address:
    transport, _, rest = text.rpartition("://")
    zone, _, port = rest.rpartition(":")
    return Address(transport or "dns", zone, int(port))


def wish(*keys: str, hosts: tuple[str, ...] = ANY, filtered: bool = False) -> Wish:
    return Wish(tuple(map(key, keys)), hosts, filtered)


def test_blocks_on_one_address_share_a_listener() -> None:
    found = listeners([wish(".:53", "a.:54"), wish("b.:53"), wish("tls://c.:853")])
    assert [listener.label for listener in found] == ["dns://:53", "dns://:54", "tls://:853"]
    assert found[0].served == ((".", 0), ("b.", 1))


def test_labels_put_ipv6_in_brackets() -> None:
    found = listeners([wish(".:53", hosts=("127.0.0.53", "::1"))])
    assert [listener.label for listener in found] == ["dns://127.0.0.53:53", "dns://[::1]:53"]


def test_unix_keys_have_no_listener() -> None:
    assert listeners([wish("unix://.:0")]) == ()


@pytest.mark.parametrize(
    ("wishes", "message", "block"),
    [
        ([wish(".:53"), wish(".:53")], "cannot serve dns://.:53 - it is already defined", 1),
        ([wish("a.:53", "a.:53")], "cannot serve dns://a.:53 - it is already defined", 0),
        (
            [wish("a.:53", hosts=("10.0.0.1", "10.0.0.1"))],
            "cannot serve dns://a.:53 on 10.0.0.1 - it is already defined",
            0,
        ),
        (
            [wish("a.:53"), wish("a.:53", hosts=("10.0.0.1",))],
            "cannot serve dns://a.:53 on 10.0.0.1 - zone overlap listener capacity with dns://a.:53",
            1,
        ),
        (
            [wish("a.:53", hosts=("10.0.0.1",)), wish("a.:53")],
            "cannot serve dns://a.:53 - zone overlap listener capacity with dns://a.:53 on 10.0.0.1",
            1,
        ),
    ],
)
def test_conflicts(wishes: list[Wish], message: str, block: int) -> None:
    with pytest.raises(Conflict) as caught:
        listeners(wishes)
    assert str(caught.value) == message
    assert caught.value.block == block


@pytest.mark.parametrize(
    "wishes",
    [
        [wish("a.:53", hosts=("10.0.0.1",)), wish("a.:53", hosts=("10.0.0.2",))],
        [wish("a.:53"), wish("b.:53", hosts=("10.0.0.1",))],
        [wish("a.:53"), wish("a.:54"), wish("tls://a.:53")],
        [wish("a.:53"), wish("a.:53", filtered=True)],
    ],
)
def test_what_may_stand_beside_each_other(wishes: list[Wish]) -> None:
    assert listeners(wishes)


def test_listing() -> None:
    found = listeners([wish("b_c.:53", ".:53", hosts=("::1",)), wish("tls://a.:853", "tls://10.in-addr.arpa.:853")])
    assert listing(found) == [
        ".:53 on ::1",
        'Warning: Domain "b_c." does not follow RFC1035 preferred syntax',
        "b_c.:53 on ::1",
        "tls://10.in-addr.arpa.:853",
        "tls://a.:853",
    ]
