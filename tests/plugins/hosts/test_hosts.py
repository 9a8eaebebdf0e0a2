import asyncio
import os
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from kdns.chain.answer import Answer, refuse
from kdns.corefile import ConfigError
from kdns.plugins.hosts.source import MAX_FILE
from kdns.wire import codes, name
from tests.kit.chain import Chain, Next, chain_of, root_chain
from tests.kit.loop import run

Printed = Callable[[], list[str]]

NEXT = refuse(codes.REFUSED)

INLINE = """
    192.0.2.1 web.example.org www.example.org
    192.0.2.2 web.example.org
    2001:db8::1 web.example.org
    2001:db8::2 six.example.org
    192.0.2.7 *.wild.example.org
    192.0.2.9 outside.example.net
"""


def chain(block: str = "", args: str = "/nowhere example.org", **how: Any) -> Chain:
    return root_chain(f"hosts {args} {{\n{INLINE}\n{block}\n}}", behind=Next(NEXT), **how)


def texts(answer: Answer, asked: str) -> list[str]:
    return [record.to_text(name.from_text(asked)) for record in answer.answer]


@pytest.mark.parametrize(
    ("asked", "rtype", "records"),
    [
        ("web.example.org", "A", ["web.example.org. 3600 IN A 192.0.2.1", "web.example.org. 3600 IN A 192.0.2.2"]),
        ("web.example.org", "AAAA", ["web.example.org. 3600 IN AAAA 2001:db8::1"]),
        ("WWW.example.ORG", "A", ["www.example.org. 3600 IN A 192.0.2.1"]),
        ("a.wild.example.org", "A", ["a.wild.example.org. 3600 IN A 192.0.2.7"]),
        (
            "1.2.0.192.in-addr.arpa",
            "PTR",
            [
                "1.2.0.192.in-addr.arpa. 3600 IN PTR web.example.org.",
                "1.2.0.192.in-addr.arpa. 3600 IN PTR www.example.org.",
            ],
        ),
        ("www.example.org", "AAAA", []),
        ("six.example.org", "A", []),
        ("web.example.org", "MX", []),
        ("web.example.org", "ANY", []),
        ("a.wild.example.org", "TXT", []),
    ],
)
def test_what_is_in_the_table_is_answered(asked: str, rtype: str, records: list[str]) -> None:
    answer = chain().ask(asked, rtype)
    assert texts(answer, asked) == records
    assert (answer.rcode, answer.flags, answer.written) == (codes.NOERROR, codes.AA, True)
    assert (answer.authority, answer.additional) == ((), ())


@pytest.mark.parametrize(
    ("asked", "rtype"),
    [
        ("outside.example.net", "A"),
        ("example.com", "TXT"),
        ("9.2.0.192.in-addr.arpa", "PTR"),
        ("8.2.0.192.in-addr.arpa", "PTR"),
        ("web.example.org", "PTR"),
        ("none.example.org", "PTR"),
    ],
)
@pytest.mark.parametrize("block", ["", "fallthrough", "fallthrough other.org"])
def test_what_is_asked_of_the_next_plugin_in_any_case(asked: str, rtype: str, block: str) -> None:
    assert chain(block).ask(asked, rtype) is NEXT


@pytest.mark.parametrize("rtype", ["A", "AAAA", "MX"])
@pytest.mark.parametrize(
    ("block", "falls"),
    [
        ("", False),
        ("fallthrough", True),
        ("fallthrough example.org", True),
        ("fallthrough None.EXAMPLE.org.", True),
        ("fallthrough other.org", False),
    ],
)
def test_a_name_that_is_not_in_the_table(rtype: str, block: str, falls: bool) -> None:
    answer = chain(block).ask("none.example.org", rtype)
    if falls:
        assert answer is NEXT
    else:
        assert answer == refuse(codes.SERVFAIL)


@pytest.mark.parametrize(("asked", "falls"), [("web.example.org", False), ("six.example.org", True)])
def test_unsupported_types_may_fall_through(asked: str, falls: bool) -> None:
    falling = chain("fallthrough six.example.org\nfallthrough_unsupported")
    assert (falling.ask(asked, "MX") is NEXT) is falls
    assert falling.ask(asked, "A").flags == codes.AA


def test_options() -> None:
    assert texts(chain("ttl 60").ask("www.example.org"), ".") == [". 60 IN A 192.0.2.1"]
    assert chain("no_reverse").ask("1.2.0.192.in-addr.arpa", "PTR") is NEXT


def test_zones_are_those_of_the_block_by_default() -> None:
    text = "example.org example.net {\n hosts /nowhere {\n 192.0.2.1 a.example.net a.example.com\n }\n}"
    asked = chain_of(text, behind=Next(NEXT))
    assert asked.ask("a.example.net").answer
    assert asked.ask("a.example.com") is NEXT


def test_only_an_answer_that_may_change_rests_on_the_table() -> None:
    keys = [chain().basis_of(asked).reads for asked in ("web.example.org", "none.example.org", "example.com")]
    assert [len(reads) for reads in keys] == [1, 1, 0]
    assert not chain().basis_of("web.example.org").fleeting


def test_the_file_comes_before_inline_lines_and_is_counted(tmp_path: Path) -> None:
    file = tmp_path / "hosts"
    file.write_text("192.0.2.5 web.example.org\n192.0.2.2 web.example.org\n")
    os.utime(file, ns=(0, 1_500_000_000_250_000_000))
    asked = chain(args=f"{file} example.org")

    async def scenario() -> None:
        async with asked.running():
            answer = await asked.asked("web.example.org")
            assert [text.split()[-1] for text in texts(answer, ".")] == [
                "192.0.2.5",
                "192.0.2.2",
                "192.0.2.1",
                "192.0.2.2",
            ]

    run(scenario())
    # Inline: six addresses in the zone (one a wildcard's) and five names of addresses.
    assert asked.registry.value("coredns_hosts_entries", str(file)) == 4 + 11
    assert asked.registry.value("coredns_hosts_reload_timestamp_seconds") == 1_500_000_000.25


def test_metrics_without_a_file() -> None:
    asked = chain()
    run(asleep(asked))
    text = asked.registry.render().decode()
    assert "coredns_hosts_reload_timestamp_seconds 0.0" in text
    assert "coredns_hosts_entries{" not in text


async def asleep(asked: Chain, seconds: float = 11) -> None:
    async with asked.running():
        await asyncio.sleep(seconds)


def test_a_changed_file_is_read_again_and_what_rested_on_it_forgotten(tmp_path: Path) -> None:
    file = tmp_path / "hosts"
    file.write_text("192.0.2.5 a.example.org\n")
    asked = chain("reload 10s", args=f"{file} example.org")

    async def addresses() -> list[str]:
        return [text.split()[-1] for text in texts(await asked.asked("a.example.org"), ".")]

    async def scenario() -> None:
        async with asked.running():
            assert await addresses() == ["192.0.2.5"]
            assert len(asked.wiring.forgotten) == 1
            await asyncio.sleep(9)
            file.write_text("192.0.2.55 a.example.org\n")
            assert await addresses() == ["192.0.2.5"]
            await asyncio.sleep(2)
            assert await addresses() == ["192.0.2.55"]
            assert asked.wiring.forgotten[1:] == asked.basis_of("a.example.org").reads
            file.write_text("192.0.2.55 a.example.org\n")
            await asyncio.sleep(10)
            assert len(asked.wiring.forgotten) == 2, "the same lines again are no change"
            file.unlink()
            await asyncio.sleep(20)
            assert await addresses() == ["192.0.2.55"], "a file that is gone is served on"

    run(scenario())


def test_a_mounted_file_that_is_swapped_by_a_link_is_noticed(tmp_path: Path) -> None:
    for day, address in (("one", "192.0.2.5"), ("two", "192.0.2.6")):
        (tmp_path / day).mkdir()
        (tmp_path / day / "hosts").write_text(f"{address} a.example.org\n")
    os.utime(tmp_path / "one" / "hosts", (0, 0))
    data = tmp_path / "..data"
    data.symlink_to("one")
    file = tmp_path / "hosts"
    file.symlink_to("..data/hosts")
    asked = chain(args=f"{file} example.org")

    async def scenario() -> None:
        async with asked.running():
            (tmp_path / "next").symlink_to("two")
            (tmp_path / "next").rename(data)
            await asyncio.sleep(6)
            assert texts(await asked.asked("a.example.org"), ".") == [". 3600 IN A 192.0.2.6"]

    run(scenario())


def test_without_reload_the_file_is_read_once(tmp_path: Path) -> None:
    file = tmp_path / "hosts"
    asked = chain("reload 0s", args=f"{file} example.org")

    async def scenario() -> None:
        async with asked.running():
            file.write_text("192.0.2.5 a.example.org\n")
            await asyncio.sleep(1000)
            assert (await asked.asked("a.example.org")).rcode == codes.SERVFAIL

    run(scenario())


def test_a_reload_time_of_nothing_much_does_not_spin(tmp_path: Path) -> None:
    file = tmp_path / "hosts"
    file.write_text("192.0.2.5 a.example.org\n")
    run(asleep(chain("reload 1ns", args=f"{file} example.org"), 1))


def test_a_huge_file_is_not_read(tmp_path: Path, printed: Printed) -> None:
    file = tmp_path / "hosts"
    with file.open("wb") as sparse:
        sparse.truncate(MAX_FILE + 1)
    run(asleep(chain(args=f"{file} example.org")))
    assert printed() == [
        f"[WARNING] plugin/hosts: Hosts file {file} is larger than {MAX_FILE} octets and not read",
    ]


def test_a_pipe_or_a_directory_in_its_place_holds_nothing_up(tmp_path: Path, printed: Printed) -> None:
    os.mkfifo(tmp_path / "pipe")
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(tmp_path / "socket"))
        for kind in ("pipe", "socket", ""):
            run(asleep(chain(args=f"{tmp_path / kind} example.org")))
    assert printed() == [f'[WARNING] plugin/hosts: Hosts file "{tmp_path}" is a directory']


def test_bytes_that_are_no_text_are_passed_over(tmp_path: Path) -> None:
    file = tmp_path / "hosts"
    file.write_bytes(b"\xff\xfe\0\n192.0.2.5 a.example.org\n\x80 x\n192.0.2.6 \xff.example.org")
    asked = chain(args=f"{file} example.org")
    run(asleep(asked))
    assert texts(asked.ask("a.example.org"), ".") == [". 3600 IN A 192.0.2.5"]


def test_a_name_with_more_addresses_than_fit_a_message_is_cut(tmp_path: Path) -> None:
    file = tmp_path / "hosts"
    file.write_text("".join(f"10.0.{i >> 8}.{i & 255} a.example.org\n" for i in range(20_000)))
    asked = chain(args=f"{file} example.org")
    run(asleep(asked))
    assert 4096 < len(asked.ask("a.example.org").answer) < 10_000


def test_the_file_is_relative_to_root(tmp_path: Path) -> None:
    (tmp_path / "local").write_text("192.0.2.5 a.example.org\n")
    asked = root_chain(f"root {tmp_path}\nhosts local", behind=Next(NEXT))
    run(asleep(asked))
    assert asked.ask("a.example.org").answer


def test_a_missing_file_is_a_warning(tmp_path: Path, printed: Printed) -> None:
    chain(args=f"{tmp_path}/none")
    assert printed() == [f"[WARNING] plugin/hosts: File does not exist: {tmp_path}/none"]


@pytest.mark.parametrize(
    ("block", "message"),
    [
        ("ttl", "ttl needs a time in second"),
        ("ttl 1h", "ttl needs a number of second"),
        ("ttl 0", "ttl provided is invalid"),
        ("ttl 65536", "ttl provided is invalid"),
        ("reload", "reload needs a duration (zero seconds to disable)"),
        ("reload 1s 2s", "reload needs a duration (zero seconds to disable)"),
        ("reload often", "invalid duration for reload 'often'"),
        ("reload -1s", "invalid negative duration for reload '-1s'"),
        ("fallthrough\n192.0.2.1 a.example.org", "unknown property '192.0.2.1'"),
        ("fallthrough\nfallthrough_unsupported yes", "Wrong argument count or unexpected line ending after 'yes'"),
        ("fallthrough_unsupported", "fallthrough_unsupported requires fallthrough"),
        ("no_reverse please", "Wrong argument count or unexpected line ending after 'please'"),
    ],
)
def test_setup_errors(block: str, message: str) -> None:
    with pytest.raises(ConfigError) as raised:
        chain(block)
    assert raised.value.message == message
    assert str(raised.value).startswith("plugin/hosts: Corefile:")


def test_only_once() -> None:
    with pytest.raises(ConfigError, match="this plugin can only be used once per Server Block"):
        root_chain("hosts\nhosts")


def test_a_file_that_cannot_be_looked_at_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / ("x" * 300)
    with pytest.raises(ConfigError, match=f"^plugin/hosts: .*unable to access hosts file '{path}': "):
        chain(args=str(path))
