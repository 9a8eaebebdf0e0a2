"""What is kept here, what is left to the memo, and what is nobody's."""

from collections.abc import Callable

import pytest

from kdns.chain.answer import Answer
from kdns.chain.basis import Basis
from kdns.chain.query import Query
from kdns.plugins.cache.stores import Stores
from kdns.wire import codes
from kdns.wire.record import Record
from tests.kit.chain import Chain, root_chain
from tests.kit.query import query
from tests.plugins.cache.upstream import figure, seen

SERVICE = ("service", "shop", "web")
SOA = Record(b"\7cluster\5local\0", codes.SOA, b"", 30)
FOUND = Answer(flags=codes.AA, answer=(Record(None, codes.A, b"\1\2\3\4", 60),))
MISSING = Answer(rcode=codes.NXDOMAIN, flags=codes.AA, authority=(SOA,))
NODATA = Answer(flags=codes.AA, authority=(SOA,))

Notes = Callable[[Basis], None]


class Behind:
    """A plugin that notes what it is told to, and counts how often it is asked."""

    def __init__(self, note: Notes, answer: Answer = FOUND) -> None:
        self.note = note
        self.reply = answer
        self.asked = 0
        self.on_ask: Callable[[Query], None] = lambda query: None

    async def answer(self, query: Query) -> Answer:
        self.asked += 1
        self.note(query.basis)
        self.on_ask(query)
        return self.reply


class Serial:
    serial = 1


def nothing(basis: Basis) -> None: ...


def reads(basis: Basis) -> None:
    basis.reads.append(SERVICE)


def fleeting(basis: Basis) -> None:
    basis.fleeting = True


def private(basis: Basis) -> None:
    basis.fleeting = basis.private = True


def dated(basis: Basis) -> None:
    basis.fleeting = True
    basis.stamp = Serial()


def timed(basis: Basis) -> None:
    basis.expires = 1005.0


def mixed(basis: Basis) -> None:
    reads(basis)
    fleeting(basis)


def stores_of(chain: Chain) -> Stores:
    return chain.site.find(Stores)[0]


@pytest.mark.parametrize(
    ("note", "kept"),
    [(nothing, 0), (reads, 0), (timed, 0), (fleeting, 1), (mixed, 1), (private, 0), (dated, 0)],
)
@pytest.mark.parametrize("answer", [FOUND, MISSING])
@pytest.mark.parametrize("before", [nothing, mixed])
def test_only_what_is_fleeting_and_the_same_for_all_is_kept(
    note: Notes, kept: int, answer: Answer, before: Notes
) -> None:
    behind = Behind(note, answer)
    chain = root_chain("cache", behind=behind)
    for _ in range(2):
        basis = Basis()
        before(basis)
        chain.ask("web.shop.svc.cluster.local", basis=basis)
    both = stores_of(chain)
    assert len(both.success) + len(both.denial) == kept
    assert behind.asked == 2 - kept


def test_notes_of_the_next_plugin_stay() -> None:
    chain = root_chain("cache", behind=Behind(mixed))
    miss, hit = chain.basis_of("a.example"), chain.basis_of("a.example")
    assert (miss.fleeting, miss.reads, miss.expires) == (True, [SERVICE], None)
    assert (hit.fleeting, hit.reads, hit.expires) == (False, [SERVICE], 1060.0)
    lasting = root_chain("cache", behind=Behind(reads)).basis_of("a.example")
    assert (lasting.fleeting, lasting.reads, lasting.expires) == (False, [SERVICE], None)


@pytest.mark.parametrize(("note", "read"), [(fleeting, []), (mixed, [SERVICE])])
def test_notes_from_before_are_not_the_entry_s(note: Notes, read: list[object]) -> None:
    behind = Behind(note)
    chain = root_chain("cache", behind=behind)
    basis = Basis()
    fleeting(basis)
    basis.reads.append(("before",))
    chain.ask("a.example", basis=basis)
    assert chain.basis_of("a.example").reads == read
    assert behind.asked == 1


@pytest.mark.parametrize("before", [nothing, fleeting, private])
def test_notes_from_before_stay_when_the_answer_lasts(before: Notes) -> None:
    basis, expected = Basis(), Basis()
    before(basis)
    before(expected)
    root_chain("cache", behind=Behind(reads)).ask("a.example", basis=basis)
    assert (basis.fleeting, basis.private) == (expected.fleeting, expected.private)


# What changes is forgotten


def test_a_change_of_what_an_entry_read_is_seen_at_once() -> None:
    behind = Behind(mixed)
    chain = root_chain("cache", behind=behind)
    chain.ask("a.example")
    stores_of(chain).forget([("service", "shop", "other")])
    chain.ask("a.example")
    assert behind.asked == 1
    stores_of(chain).forget([SERVICE])
    chain.ask("a.example")
    assert behind.asked == 2


@pytest.mark.parametrize(("note", "kept"), [(mixed, 0), (fleeting, 1)])
def test_a_change_while_the_answer_is_made_keeps_it_from_being_kept(note: Notes, kept: int) -> None:
    behind = Behind(note)
    chain = root_chain("cache", behind=behind)
    behind.on_ask = lambda _: stores_of(chain).forget([("service", "shop", "other")])
    chain.ask("a.example")
    assert len(stores_of(chain).success) == kept


# What lasts is shown by the same rule


@pytest.mark.parametrize(
    ("directive", "ttl"), [("cache", 60), ("cache 30", 30), ("cache {\nsuccess 1 3600 90\n}", 90), ("cache 60", 60)]
)
def test_lasting_answers_are_shown_with_the_time_they_could_be_kept(directive: str, ttl: int) -> None:
    chain = root_chain(directive, behind=Behind(reads))
    for _ in range(2):
        answer = seen(chain, "a.example")
        assert (answer.ttls, answer.flags) == ({ttl}, "aa,rd")
    assert FOUND.answer[0].ttl == 60
    assert (chain.ask("a.example") is FOUND) is (ttl == 60)


def test_lasting_answers_lose_ad_and_options() -> None:
    signed = FOUND.replace(flags=codes.AA | codes.AD)
    chain = root_chain("cache", behind=Behind(reads, signed))
    assert chain.ask("a.example").flags == codes.AA
    assert chain.ask("a.example", flags=codes.AD) is signed


@pytest.mark.parametrize(
    ("disable", "answer"),
    [
        ("disable success cluster.local", FOUND),
        ("disable denial cluster.local", MISSING),
        ("disable success cluster.local\ndisable denial cluster.local", NODATA),
        ("disable success\ndisable denial", FOUND),
    ],
)
def test_lasting_answers_of_a_disabled_zone_are_shown_by_the_rule(disable: str, answer: Answer) -> None:
    """As CoreDNS does: dns-version, with its TTL of 28800, has 30 under kubeadm's `cache 30`."""
    chain = root_chain(f"cache 10 {{\n{disable}\n}}", behind=Behind(reads, answer))
    shown = chain.ask("web.shop.svc.Cluster.local").with_ttl()
    assert {record.ttl for record in (*shown.answer, *shown.authority)} == {10}


@pytest.mark.parametrize(
    ("name", "asked"), [("x\\007cluster.local", 1), ("x.cluster.local", 2), ("cluster.local", 2), ("local", 1)]
)
def test_a_zone_ends_on_the_border_of_a_label(name: str, asked: int) -> None:
    """The octet in front of "cluster" is 7 in the first one too."""
    behind = Behind(fleeting)
    chain = root_chain("cache 10 {\ndisable success cluster.local\n}", behind=behind)
    for _ in range(2):
        seen(chain, name)
    assert behind.asked == asked


def test_fleeting_answers_of_a_disabled_zone_are_shown_by_the_rule() -> None:
    behind = Behind(fleeting)
    chain = root_chain("cache 10 {\ndisable success\n}", behind=behind)
    for _ in range(2):
        assert seen(chain, "a.example").ttls == {10}
    assert behind.asked == 2


# Figures


@pytest.mark.parametrize(
    ("directive", "answer", "store"),
    [
        ("cache", FOUND, "success"),
        ("cache", MISSING, "denial"),
        ("cache", NODATA, "denial"),
        ("cache {\ndisable success\n}", FOUND, None),
        ("cache {\ndisable denial\n}", MISSING, None),
        ("cache", MISSING.replace(authority=()), None),
        ("cache {\nsuccess 100 3600 0\n}", FOUND.replace(answer=(FOUND.answer[0]._replace(ttl=0),)), None),
    ],
)
def test_lasting_answers_sent_from_the_memo_count_as_they_would_here(
    directive: str, answer: Answer, store: str | None
) -> None:
    chain = root_chain(directive, behind=Behind(reads, answer))
    basis = chain.basis_of("a.example")
    for tally in basis.tallies:
        tally(10)
    assert figure(chain, "requests_total") == 11
    assert figure(chain, "misses_total") == (1 if store else 11)
    for each in ("success", "denial"):
        assert figure(chain, "hits_total", each) == (10 if each == store else 0)


def test_a_nested_lookup_has_notes_of_its_own() -> None:
    """ExternalName: the index is read, then the whole server is asked for the target, with the same basis."""
    chain = root_chain("cache", behind=(behind := Behind(nothing)))
    outer = Basis()

    def nested(asked: Query) -> None:
        if asked.question.folded != b"\5outer\0":
            fleeting(asked.basis)
            return
        reads(asked.basis)
        behind.on_ask = fleeting_only
        chain.answer(query("inner", basis=asked.basis))

    def fleeting_only(asked: Query) -> None:
        fleeting(asked.basis)

    behind.on_ask = nested
    chain.ask("outer", basis=outer)
    assert (outer.fleeting, outer.reads) == (True, [SERVICE])
    kept = {entry.key[:-4]: entry.reads for entry in stores_of(chain).success.entries.values()}
    assert kept == {b"\5inner\0": (), b"\5outer\0": (SERVICE,)}
    stores_of(chain).forget([SERVICE])
    assert {key[:-4] for key in stores_of(chain).success.entries} == {b"\5inner\0"}
