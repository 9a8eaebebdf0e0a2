"""Zones from master files (`plugins.md`, file)."""

import asyncio
import logging
from collections.abc import Callable
from pathlib import Path

import pytest
from blockbuster import BlockBuster

from kdns.chain.answer import Answer, refuse
from kdns.chain.roles import Transferer
from kdns.chain.zone.authority import Authority
from kdns.chain.zone.master import MAX_FILE, LoadError, MasterFile, load
from kdns.corefile import ConfigError
from kdns.plugins.file.source import Source
from kdns.wire import codes, name
from kdns.wire.edns import Edns
from kdns.wire.record import Record
from tests.kit.chain import Chain, Next, chain_of, chains_of
from tests.kit.house import House

TEXT = """
$TTL 60
@          SOA   ns1 host 7 3600 900 604800 300
           NS    ns1
ns1        A     192.0.2.1
www        A     192.0.2.2
*.wild     A     192.0.2.3
a.ent      A     192.0.2.4
alias      CNAME www
towild     CNAME x.wild
empty      CNAME ns1
dangling   CNAME nowhere
outside    CNAME www.example.net.
loop1      CNAME loop2
loop2      CNAME loop1
sub        NS    ns.sub
ns.sub     A     192.0.2.5
tosub      CNAME www.sub
old        DNAME wild
self       DNAME self
mail       MX    10 ns1
tomail     CNAME mail
"""
ORIGIN = name.from_text("example.org.")


@pytest.fixture
def db(tmp_path: Path) -> Path:
    path = tmp_path / "db.example.org"
    path.write_text(TEXT)
    return path


def chain(db: Path, options: str = "", **how: object) -> Chain:
    return chain_of(f"example.org:53 {{\nfile {db} {{\n{options}\n}}\n}}\n", **how)


def connected(built: Chain) -> Chain:
    built.site.connect(built.top.answer)
    return built


def write(path: Path, text: str | None) -> None:
    path.unlink()
    if text is not None:
        path.write_text(text)


def lines(answer: Answer) -> list[str]:
    return [" ".join([*record.to_text().split()[:1], *record.to_text().split()[3:]]) for record in answer.answer]


def types(records: object) -> list[int]:
    return [record.type for record in records]  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("text", "rcode", "answer", "authority"),
    [
        ("www.example.org.", codes.NOERROR, ["www.example.org. A 192.0.2.2"], [codes.NS]),
        ("WWW.example.org.", codes.NOERROR, ["www.example.org. A 192.0.2.2"], [codes.NS]),
        ("q.wild.example.org.", codes.NOERROR, ["q.wild.example.org. A 192.0.2.3"], [codes.NS]),
        ("ent.example.org.", codes.NOERROR, [], [codes.SOA]),
        ("example.org.", codes.NOERROR, [], [codes.SOA]),
        ("nowhere.example.org.", codes.NXDOMAIN, [], [codes.SOA]),
        ("alias.example.org.", codes.NOERROR,
         ["alias.example.org. CNAME www.example.org.", "www.example.org. A 192.0.2.2"], [codes.NS]),
        ("towild.example.org.", codes.NOERROR,
         ["towild.example.org. CNAME x.wild.example.org.", "x.wild.example.org. A 192.0.2.3"], [codes.NS]),
        ("dangling.example.org.", codes.NXDOMAIN, ["dangling.example.org. CNAME nowhere.example.org."], [codes.SOA]),
        ("loop1.example.org.", codes.NOERROR,
         ["loop1.example.org. CNAME loop2.example.org.", "loop2.example.org. CNAME loop1.example.org."], [codes.NS]),
        ("tosub.example.org.", codes.NOERROR, ["tosub.example.org. CNAME www.sub.example.org."], [codes.NS]),
        ("outside.example.org.", codes.NOERROR, ["outside.example.org. CNAME www.example.net."], [codes.NS]),
        ("x.old.example.org.", codes.NOERROR,
         ["old.example.org. DNAME wild.example.org.", "x.old.example.org. CNAME x.wild.example.org.",
          "x.wild.example.org. A 192.0.2.3"], [codes.NS]),
    ],
)  # fmt: skip
async def test_answers(db: Path, text: str, rcode: int, answer: list[str], authority: list[int]) -> None:
    built = connected(chain(db))
    async with built.running():
        found = built.ask(text)
    assert (found.rcode, found.flags, found.written) == (rcode, codes.AA, True)
    assert lines(found) == answer
    assert types(found.authority) == authority


async def test_an_alias_to_a_name_without_the_type(db: Path) -> None:
    built = chain(db)
    async with built.running():
        found = built.ask("empty.example.org.", "AAAA")
    assert (found.rcode, lines(found)) == (0, ["empty.example.org. CNAME ns1.example.org."])
    assert types(found.authority) == [codes.SOA]


async def test_a_referral_is_not_authoritative(db: Path) -> None:
    built = chain(db)
    async with built.running():
        found = built.ask("www.sub.example.org.")
        ds = built.ask("sub.example.org.", "DS")
    assert (found.rcode, found.flags, types(found.authority), types(found.additional)) == (0, 0, [codes.NS], [codes.A])
    assert (ds.flags, types(ds.authority)) == (codes.AA, [codes.SOA])


async def test_a_dname_to_itself_is_servfail(db: Path) -> None:
    built = chain(db)
    async with built.running():
        assert built.ask("x.self.example.org.") == refuse(codes.SERVFAIL)


@pytest.mark.parametrize(
    ("reply", "rcode", "count"),
    [
        (Answer(rcode=codes.NXDOMAIN), codes.NXDOMAIN, 1),
        (refuse(codes.SERVFAIL), codes.SERVFAIL, 1),
        (refuse(codes.REFUSED), codes.NOERROR, 1),
    ],
)
async def test_an_alias_out_of_the_zone_goes_through_the_server(
    db: Path, reply: Answer, rcode: int, count: int
) -> None:
    built, server = chain(db), Next(reply)
    built.site.connect(server.answer)
    async with built.running():
        found = built.ask("outside.example.org.")
    assert (found.rcode, len(found.answer), found.flags) == (rcode, count, codes.AA)
    assert server.queries[0].text == "www.example.net."


async def test_an_alias_whose_target_has_no_data_has_the_soa(db: Path) -> None:
    built = chain(db)
    built.site.connect(Next(Answer()).answer)
    async with built.running():
        found = built.ask("outside.example.org.")
    assert (found.rcode, types(found.authority)) == (codes.NOERROR, [codes.SOA])


async def test_services_behind_an_alias_come_with_their_addresses(db: Path) -> None:
    built = chain(db)
    mx = Record(None, codes.MX, b"\0\x0a" + name.from_text("www.example.org."), 60)
    other = mx._replace(data=b"\0\x14" + name.from_text("www.example.net."))
    built.site.connect(Next(Answer(answer=(mx, other), additional=(mx,))).answer)
    async with built.running():
        inside, outside = built.ask("tomail.example.org.", "MX"), built.ask("outside.example.org.", "MX")
    assert [record.owner for record in inside.additional] == [name.from_text("ns1.example.org.")]
    assert [record.owner for record in outside.additional] == [name.from_text("www.example.org.")]


async def test_an_alias_below_a_zone_cut_has_the_referral(db: Path) -> None:
    built = connected(chain(db))
    async with built.running():
        found = built.ask("tosub.example.org.")
    assert [record.owner for record in found.authority] == [name.from_text("sub.example.org.")]
    assert types(found.additional) == [codes.A]


async def test_two_zones_that_point_at_each_other_end(tmp_path: Path) -> None:
    head = "$TTL 1\n@ SOA a b 1 1 1 1 1\n"
    (tmp_path / "a").write_text(head + "x CNAME x.b.\n")
    (tmp_path / "b").write_text(head + "x CNAME x.a.\n")
    built = connected(chain_of(f".:53 {{\nfile {tmp_path}/a a\nfile {tmp_path}/b b\n}}\n"))
    async with built.running():
        assert built.ask("x.a.").rcode == codes.SERVFAIL


@pytest.mark.parametrize(
    ("options", "text", "falls"),
    [
        ("", "nowhere.example.org.", False),
        ("fallthrough", "nowhere.example.org.", True),
        ("fallthrough", "ent.example.org.", True),
        ("fallthrough", "www.example.org.", False),
        ("fallthrough", "example.org.", True),
        ("", "example.org.", False),
        ("fallthrough nowhere.example.org", "nowhere.example.org.", True),
        ("fallthrough other.example.org", "nowhere.example.org.", False),
        ("", "example.net.", True),
    ],
)
async def test_what_goes_to_the_next_plugin(db: Path, options: str, text: str, falls: bool) -> None:
    behind = Next(Answer(rcode=codes.NOTIMP))
    built = chain(db, options, behind=behind)
    async with built.running():
        assert (built.ask(text).rcode == codes.NOTIMP) is falls
    assert len(behind.queries) == falls


async def test_an_apex_with_data_does_not_fall_through(db: Path) -> None:
    write(db, TEXT + "@ MX 10 ns1\n")
    built = chain(db, "fallthrough", behind=Next(Answer(rcode=codes.NOTIMP)))
    async with built.running():
        assert built.ask("example.org.").rcode == codes.NOERROR
        assert built.ask("example.org.", "NS").rcode == codes.NOERROR


async def test_without_a_next_plugin_names_of_no_zone_are_refused(db: Path) -> None:
    async with House(f".:53 {{\nfile {db} example.org\n}}\n").running() as house:
        assert (await house.ask("example.net.")).rcode == codes.REFUSED


async def test_kept_replies_differ_by_do_and_follow_the_file(db: Path) -> None:
    write(db, TEXT + "www RRSIG A 8 3 60 20300101000000 20200101000000 1 @ AAAA\n")
    async with House(f"example.org:53 {{\nfile {db}\n}}\n").running() as house:
        for _ in range(3):
            assert len((await house.ask("www.example.org.")).answer) == 1
            assert len((await house.ask("www.example.org.", edns=Edns(1232, codes.DO))).answer) == 2


@pytest.mark.parametrize("rtype", ["AXFR", "IXFR"])
async def test_transfers_are_refused_without_transfer(db: Path, rtype: str) -> None:
    built = chain(db)
    async with built.running():
        assert built.ask("example.org.", rtype, proto="tcp") == refuse(codes.REFUSED)


async def test_zones_are_given_to_transfer(db: Path) -> None:
    built = chain(db)
    (giver,) = built.site.find(Transferer)  # type: ignore[type-abstract]
    before = giver.transfer(ORIGIN)
    assert before is not None
    assert (before.soa, list(before.records)) == (None, [])
    async with built.running():
        given = giver.transfer(ORIGIN)
        assert giver.transfer(name.from_text("www.example.org.")) is None
    assert given is not None
    records = [record for batch in given.records for record in batch]
    assert len(records) == TEXT.count("\n") - 3
    assert given.soa not in records


async def test_a_file_that_is_not_there_yet(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    built = chain(tmp_path / "db")
    async with built.running():
        assert built.ask("www.example.org.") == refuse(codes.SERVFAIL)
        expected = f'Failed to open "open {tmp_path}/db: no such file or directory": trying again in 1m0s'
        assert [record.getMessage() for record in caplog.records] == [expected]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, "no such file or directory"),
        ("x 1 A 192.0.2.1", 'file ".*" has no SOA record for origin example.org.'),
        ("x 1 A bad", 'failed to parse file ".*" for origin example.org. with error dns: .*: line 1: bad A data'),
        ("$INCLUDE gone", "failed to open"),
        ("x 1 NSEC3 \\# 0", "NSEC3 zone is not supported"),
    ],
)
async def test_errors_at_start(tmp_path: Path, text: str | None, message: str) -> None:
    if text is not None:
        (tmp_path / "db").write_text(text)
    with pytest.raises(ConfigError, match=message):
        await chain(tmp_path / "db", "reload 0").fire("startup")


@pytest.mark.parametrize(
    ("directive", "message"),
    [
        ("file", "Wrong argument count or unexpected line ending after 'file'"),
        ("file db {\nreload\n}", "reload duration value is expected"),
        ("file db {\nreload x\n}", "invalid duration"),
        ("file db {\nreload -1s\n}", "out of range|outside|must|-1s"),
        ("file db {\nreload_by_mtime yes\n}", "Wrong argument count"),
        ("file db {\nnonsense\n}", "unknown property 'nonsense'"),
    ],
)
def test_setup_errors(directive: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        chain_of(f".:53 {{\n{directive}\n}}\n")


def test_words_behind_the_reload_time_mean_nothing() -> None:
    assert chain_of(".:53 {\nfile db {\nreload 5s 6s\n}\n}\n").links.keys() == {"file"}


async def test_root_blocks_and_several_zones(tmp_path: Path, blockbuster: BlockBuster) -> None:
    blockbuster.functions["os.stat"].can_block_in("kdns/plugins/root.py", "setup")
    (tmp_path / "db").write_text(TEXT)
    text = f"a.org:53 b.org:53 {{\nroot {tmp_path}\nfile db {{\nupstream\n}}\n}}\n"
    built = chains_of(text)[0]
    async with built.running():
        assert lines(built.ask("www.b.org.")) == ["www.b.org. A 192.0.2.2"]
        assert isinstance(built.links["file"], Authority)


def source(path: Path, changed: Callable[[], object] = int, *, reload: float = 60.0, by_mtime: bool = False) -> Source:
    return Source(MasterFile(str(path), ORIGIN, by_mtime=by_mtime), reload, changed)  # type: ignore[arg-type]


async def test_another_serial_replaces_the_zone(db: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    changes: list[int] = []
    followed = source(db, lambda: changes.append(1))
    await followed.start()
    first = followed.file.zone
    changes.clear()
    write(db, TEXT.replace("192.0.2.2", "192.0.2.200"))
    await followed.look()
    assert (followed.file.zone is first, changes) == (True, [])
    write(db, TEXT.replace("host 7", "host 6").replace("192.0.2.2", "192.0.2.200"))
    await followed.look()
    assert followed.file.zone is not None
    assert (followed.file.zone.serial, changes) == (6, [1])
    assert f'Successfully reloaded zone "example.org." in "{db}" with 6 SOA serial' in caplog.text


async def test_by_mtime_the_serial_does_not_matter(db: Path) -> None:
    followed = source(db, by_mtime=True)
    await followed.start()
    first = followed.file.zone
    await followed.look()
    assert followed.file.zone is first
    write(db, TEXT.replace("192.0.2.2", "192.0.2.200"))
    await followed.look()
    assert followed.file.zone is not first


async def test_a_change_of_an_included_file_counts(tmp_path: Path) -> None:
    (tmp_path / "db").write_text("$TTL 1\n$INCLUDE soa\n")
    (tmp_path / "soa").write_text("@ SOA a b 1 1 1 1 1\n")
    followed = source(tmp_path / "db")
    await followed.start()
    (tmp_path / "soa").write_text("@ SOA a b 22 1 1 1 1\n")
    await followed.look()
    assert followed.file.zone is not None
    assert followed.file.zone.serial == 22


@pytest.mark.parametrize("text", ["nonsense", None])
async def test_a_file_that_cannot_be_read_leaves_the_zone(db: Path, text: str | None) -> None:
    followed = source(db)
    await followed.start()
    first = followed.file.zone
    write(db, text)
    await followed.look()
    assert followed.file.zone is first is not None


async def test_the_file_is_followed(db: Path) -> None:
    changed = asyncio.Event()
    followed = source(db, changed.set, reload=0.001)
    task = asyncio.create_task(followed.follow())
    async with asyncio.timeout(10):
        await changed.wait()
    task.cancel()
    assert followed.file.zone is not None


def test_a_file_of_other_octets_than_utf8(tmp_path: Path) -> None:
    path = tmp_path / "latin"
    path.write_bytes(b'\xef\xbb\xbf@ 60 SOA ns host 1 2 3 4 5 ; caf\xe9\na TXT "\xe9"\n$INCLUDE \xe9\n')
    with pytest.raises(LoadError, match=r"udce9.*no such file|No such file"):
        load(str(path), ORIGIN)
    path.write_bytes(path.read_bytes().partition(b"$")[0])
    assert load(str(path), ORIGIN).zone.nodes[b"\1a" + ORIGIN][codes.TXT][0].data == b"\1\xe9"


def test_files_that_are_not_read(tmp_path: Path) -> None:
    with (tmp_path / "large").open("wb") as file:
        file.truncate(MAX_FILE + 1)
    for path, message in (
        ("/dev/null", "is not a file"),
        (tmp_path / "large", "octets"),
    ):
        with pytest.raises(LoadError, match=message):
            load(str(path), ORIGIN)
    with pytest.raises(IsADirectoryError):
        load(str(tmp_path), ORIGIN)
