from pathlib import Path

import pytest

from kdns.plugins.forward import resolvconf
from kdns.plugins.forward.resolvconf import MAX_SERVERS, MAX_SIZE, read, servers_of


@pytest.mark.parametrize(
    ("text", "servers"),
    [
        ("", ()),
        ("nameserver 192.0.2.1\n", ("192.0.2.1",)),
        ("nameserver\t192.0.2.1  # the first\r\n  nameserver 192.0.2.2", ("192.0.2.1", "192.0.2.2")),
        ("search a.example\noptions ndots:5\nnameserver 192.0.2.1\nsortlist x", ("192.0.2.1",)),
        ("#nameserver 192.0.2.1\n; nameserver 192.0.2.2\n#\n", ()),
        ("nameserver\nnameservers 192.0.2.1\nNAMESERVER 192.0.2.2", ()),
        ("nameserver fe80::1%eth0\nnameserver 2001:db8::53", ("fe80::1", "2001:db8::53")),
        ("nameserver dns.example\nnameserver 192.0.2.1.2\nnameserver 192.0.2.1", ("192.0.2.1",)),
        ("".join(f"nameserver 192.0.2.{n}\n" for n in range(1, 6)), tuple(f"192.0.2.{n}" for n in range(1, 6))),
        ("\0\ufffd nameserver 192.0.2.1\nnameserver \u0661.2.3.4", ()),
    ],
)
def test_only_the_name_servers_count(text: str, servers: tuple[str, ...]) -> None:
    assert servers_of(text) == servers


def test_octets_that_are_no_text_are_passed_over(tmp_path: Path) -> None:
    file = tmp_path / "resolv.conf"
    file.write_bytes(b"search \xff\xfe\nnameserver 192.0.2.1\nnameserver 192.0.2.\xb2\n")
    assert read(str(file)) == ("192.0.2.1",)


def test_a_file_has_bounds(tmp_path: Path) -> None:
    file = tmp_path / "resolv.conf"
    file.write_text("nameserver 192.0.2.1\n" * MAX_SERVERS)
    assert len(read(str(file))) == MAX_SERVERS
    file.write_text("nameserver 192.0.2.1\n" * (MAX_SERVERS + 1))
    with pytest.raises(ValueError, match=f"more than {MAX_SERVERS} name servers"):
        read(str(file))
    file.write_text("#" * MAX_SIZE)
    assert read(str(file)) == ()
    file.write_text("#" * (MAX_SIZE + 1))
    with pytest.raises(ValueError, match=f"more than {MAX_SIZE} bytes"):
        read(str(file))


@pytest.mark.parametrize(
    ("text", "yes"),
    [("192.0.2.1", True), ("::1", True), ("fe80::1%eth0", False), ("a.example", False), ("", False), ("1.2.3", False)],
)
def test_is_address(text: str, yes: bool) -> None:
    assert resolvconf.is_address(text) is yes
