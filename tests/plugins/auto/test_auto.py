"""Zones of a directory (`plugins.md`, auto)."""

import asyncio
import logging
from functools import partial
from pathlib import Path

import pytest
from blockbuster import BlockBuster

from kdns.chain.answer import Answer, refuse
from kdns.chain.roles import Transferer, ZoneCounter
from kdns.corefile import ConfigError
from kdns.plugins.auto.directory import Directory
from kdns.plugins.auto.handler import Auto
from kdns.plugins.auto.scan import Naming
from kdns.wire import codes, name
from tests.kit.chain import Chain, Next, chain_of
from tests.kit.house import Ends, House, packet
from tests.kit.until import until

TEXT = """$TTL 60
@      SOA   ns1 host {serial} 3600 900 604800 300
       NS    ns1
ns1    A     192.0.2.1
www    A     {address}
sub    NS    ns.sub
ns.sub A     192.0.2.5
tosub  CNAME www.sub
"""


@pytest.fixture(autouse=True)
def setup_looks_at_the_directory(blockbuster: BlockBuster | None) -> None:
    if blockbuster is not None:
        blockbuster.functions["os.stat"].can_block_in("kdns/plugins/auto/__init__.py", "_directory")


def put(folder: Path, zone: str, serial: int = 1, address: str = "192.0.2.2") -> None:
    new = folder / "new"
    new.write_text(TEXT.format(serial=serial, address=address))
    new.replace(folder / f"db.{zone}")


def chain(folder: Path, options: str = "reload 0", zones: str = ".", **how: object) -> Chain:
    return chain_of(f"{zones}:53 {{\nauto {{\ndirectory {folder}\n{options}\n}}\n}}\n", **how)


def addresses(answer: Answer) -> list[bytes]:
    return [record.data for record in answer.answer]


async def test_zones_of_files_are_served(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    put(tmp_path, "example.org")
    put(tmp_path, "example.net", address="192.0.2.3")
    built = chain(tmp_path)
    async with built.running():
        assert addresses(built.ask("www.example.org.")) == [b"\xc0\0\2\2"]
        assert addresses(built.ask("WWW.example.net.")) == [b"\xc0\0\2\3"]
        nowhere = built.ask("nowhere.example.org.")
        assert (nowhere.rcode, nowhere.flags) == (codes.NXDOMAIN, codes.AA)
        assert built.ask("example.org.", "AXFR", proto="tcp") == refuse(codes.REFUSED)
    assert sorted(record.getMessage() for record in caplog.records) == [
        f"Inserting zone `example.net.' from: {tmp_path}/db.example.net",
        f"Inserting zone `example.org.' from: {tmp_path}/db.example.org",
    ]


async def test_an_alias_below_a_zone_cut_has_no_authority(tmp_path: Path) -> None:
    put(tmp_path, "example.org")
    built = chain(tmp_path)
    built.site.connect(built.top.answer)
    async with built.running():
        found = built.ask("tosub.example.org.")
        assert (found.flags, len(found.answer), [record.type for record in found.authority]) == (0, 1, [codes.NS])
        assert built.ask("www.sub.example.org.").flags == 0


async def test_what_goes_to_the_next_plugin(tmp_path: Path) -> None:
    put(tmp_path, "example.org")
    behind = Next(Answer(rcode=codes.NOTIMP))
    built = chain(tmp_path, behind=behind)
    async with built.running():
        assert built.ask("www.example.com.").rcode == codes.NOTIMP
        assert built.ask("nowhere.example.org.").rcode == codes.NXDOMAIN
    assert len(behind.queries) == 1


@pytest.mark.parametrize(("text", "rcode"), [("example.com.", codes.REFUSED), ("example.net.", codes.SERVFAIL)])
async def test_without_a_next_plugin(tmp_path: Path, text: str, rcode: int) -> None:
    put(tmp_path, "example.org")
    put(tmp_path, "example.net")
    corefile = f".:53 {{\nauto example.org example.com {{\ndirectory {tmp_path}\n}}\n}}\n"
    async with House(corefile).running() as house:
        assert (await house.ask(text)).rcode == rcode
        assert (await house.ask("www.example.org.")).rcode == codes.NOERROR


async def test_all_zones_are_given_to_transfer(tmp_path: Path) -> None:
    put(tmp_path, "example.org", serial=7)
    built = chain(tmp_path, zones="example.net")
    (giver,) = built.site.find(Transferer)  # type: ignore[type-abstract]
    zone = name.from_text("example.org.")
    assert giver.transfer(zone) is None
    async with built.running():
        given = giver.transfer(zone)
    assert given is not None
    assert given.soa is not None


class Told:
    """Writes down what it is told to announce."""

    def __init__(self) -> None:
        self.zones: list[str] = []

    def announce(self, zone: bytes) -> None:
        self.zones.append(name.to_text(zone))


async def test_zones_appear_change_and_go(tmp_path: Path) -> None:
    put(tmp_path, "example.org")
    built = chain(tmp_path, "reload 1ms", behind=Next(Answer(rcode=codes.NOTIMP)))
    told = Told()
    built.site.offer(told)

    def first(text: str) -> int | bytes:
        found = built.ask(text)
        return found.answer[0].data if found.answer else found.rcode

    async with built.running():
        put(tmp_path, "example.net")
        await until(lambda: first("www.example.net.") == b"\xc0\0\2\2")
        assert told.zones == ["example.org.", "example.net."]
        put(tmp_path, "example.org", serial=2, address="192.0.2.9")
        await until(lambda: first("www.example.org.") == b"\xc0\0\2\x09")
        assert told.zones[2:] == ["example.org."]
        (tmp_path / "db.example.net").unlink()
        await until(lambda: first("www.example.net.") == codes.NOTIMP)
        assert len(told.zones) == 3
        assert first("www.example.org.") == b"\xc0\0\2\x09"


async def test_kept_replies_follow_the_directory(tmp_path: Path) -> None:
    put(tmp_path, "example.org")
    corefile = f".:53 {{\nauto {{\ndirectory {tmp_path}\nreload 1ms\n}}\nwhoami\n}}\n"
    async with House(corefile).running() as house:

        async def answers(text: str, count: int, authority: bool) -> None:
            async with asyncio.timeout(10):
                while True:
                    reply = await house.ask(text)
                    if (len(reply.answer), bool(reply.authority)) == (count, authority):
                        return
                    await asyncio.sleep(0.001)

        for _ in range(3):
            await answers("www.example.org.", 1, True)
            await answers("www.example.net.", 0, False)
        put(tmp_path, "example.net")
        await answers("www.example.net.", 1, True)
        (tmp_path / "db.example.org").unlink()
        await answers("www.example.org.", 0, False)


async def test_a_zone_below_another_takes_its_names(tmp_path: Path) -> None:
    put(tmp_path, "example.org")
    put(tmp_path, "sub.example.org", address="192.0.2.77")
    built = chain(tmp_path)
    async with built.running():
        assert addresses(built.ask("www.sub.example.org.")) == [b"\xc0\0\2\x4d"]


def directory(folder: Path) -> Directory:
    def nothing(*args: object) -> None:
        pass

    from kdns.corefile import Regexp

    return Directory(str(folder), Naming(Regexp(r"db\.(.*)"), "$1"), nothing, nothing, nothing)


async def test_files_that_cannot_be_read(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "db.a").symlink_to("gone")
    (tmp_path / "db.b").write_text("nonsense")
    looked = directory(tmp_path)
    await looked.look()
    assert looked.zones == {}
    gone, nonsense = [record.getMessage() for record in caplog.records]
    assert gone == f"Opening {tmp_path}/db.a failed: open {tmp_path}/db.a: no such file or directory"
    assert nonsense.startswith("Parse zone `b.': failed to parse file")


async def test_a_zone_stays_when_its_file_goes_bad(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    put(tmp_path, "a")
    put(tmp_path, "b")
    looked = directory(tmp_path)
    await looked.look()
    (tmp_path / "db.a").write_text("nonsense")
    (tmp_path / "db.b").unlink()
    (tmp_path / "db.b").symlink_to("gone")
    await looked.look()
    assert [file.zone is not None for file in looked.zones.values()] == [True, True]
    texts = [record.getMessage() for record in caplog.records]
    assert texts[0].startswith('Parsing zone "a.": ')
    assert texts[1].startswith(f'Failed to open zone "b." in "{tmp_path}/db.b": open')


async def test_another_file_for_a_zone(tmp_path: Path) -> None:
    (tmp_path / "x").mkdir()
    put(tmp_path / "x", "a", serial=5)
    looked = directory(tmp_path)
    await looked.look()
    put(tmp_path, "a", serial=6)
    await looked.look()
    (file,) = looked.zones.values()
    assert file.zone is not None
    assert (file.path, file.zone.serial) == (f"{tmp_path}/db.a", 6)


async def test_a_directory_that_is_another_thing_now_takes_nothing_away(tmp_path: Path) -> None:
    (tmp_path / "zones").mkdir()
    put(tmp_path / "zones", "a")
    looked = directory(tmp_path / "zones")
    await looked.look()
    (tmp_path / "zones").rename(tmp_path / "old")
    (tmp_path / "zones").touch()
    await looked.look()
    assert len(looked.zones) == 1
    (tmp_path / "zones").unlink()
    await looked.look()
    assert looked.zones == {}


async def test_warnings_are_not_repeated(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    looked = directory(tmp_path / "gone")
    for _ in range(3):
        await looked.look()
    assert len(caplog.records) == 1


async def test_queries_are_counted_by_zone(tmp_path: Path) -> None:
    put(tmp_path, "example.org")
    text = f".:53 {{\nprometheus 127.0.0.1:0\nauto {{\ndirectory {tmp_path}\nreload 0\n}}\n}}\n"
    built = chain_of(text)
    async with built.running():
        built.ask("www.example.org.")
        built.ask("www.example.com.")
    shown = built.registry.render().decode()
    assert (
        'coredns_dns_requests_total{family="1",proto="udp",server="dns://:53",type="A",view="",zone="example.org."} 1'
        in shown
    )
    assert 'type="A",view="",zone="."} 1' in shown


async def test_kept_replies_are_counted_by_zones_that_come_later(tmp_path: Path) -> None:
    auto = f"auto {{\ndirectory {tmp_path}\nreload 0\n}}\n"
    kubernetes = "kubernetes cluster.local {\nmanifests deploy/demo/cluster\n}\n"
    house = House(f".:53 {{\nprometheus 127.0.0.1:0\n{kubernetes}{auto}}}\n")
    asked = [packet(f"{label}.shop.svc.cluster.local") for label in ("abc", "abd", "abc")]
    async with house.running():
        service = house.service()
        for query in asked:
            assert service.hit(query) is None
            service.miss(query, Ends())
        assert service.hit(asked[0])
        (counter,) = house.instance.sites[0].find(ZoneCounter)  # type: ignore[type-abstract]
        counter.count_zones(["abd.shop.svc.cluster.local."])
        for query in (*asked, *asked):
            house.ask_now(query, Ends())
        service.memo.tell()
        count = partial(house.process.registry.value, "coredns_dns_requests_total", "dns://:53")
        assert count("abd.shop.svc.cluster.local.", "", "udp", "1", "A") == 2
        assert count(".", "", "udp", "1", "A") == 8


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("directory", "Wrong argument count or unexpected line ending after 'directory'"),
        ("directory /proc/self/mem/x", "Unable to access root path '/proc/self/mem/x'"),
        ("directory / x", "Need at least one sub expression"),
        ("directory / (x", "missing closing"),
        (f"directory / {'(x)' * 4000} x", "regexp too large"),
        ("directory / (x)", "Wrong argument count"),
        ("directory / (x) {1} y", "Wrong argument count"),
        ("reload", "reload duration value is expected"),
        ("reload x", "invalid duration"),
        ("reload -1s", "invalid duration"),
        ("reload 5", "missing unit in duration"),
        ("nonsense", "unknown property 'nonsense'"),
    ],
)
def test_setup_errors(options: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        chain_of(f".:53 {{\nauto {{\n{options}\n}}\n}}\n")


def test_setup(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    text = f".:53 {{\nroot {tmp_path}\nauto {{\ndirectory gone (.*)x {{1}}\nupstream\nreload 5s more\n}}\n}}\n"
    assert isinstance(chain_of(text).links["auto"], Auto)
    assert caplog.records[0].getMessage() == f"Directory does not exist: {tmp_path}/gone"
