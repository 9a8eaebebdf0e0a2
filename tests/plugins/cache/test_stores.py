import pytest

from kdns.plugins.cache.entry import Entry, Key
from kdns.plugins.cache.options import Options, Stale
from kdns.plugins.cache.stores import Stores
from tests.kit.chain import Clock

KEY: Key = b"\1a\0\0\1\0\1"


def entry(*, denial: bool = False, rcode: int = 0, ttl: int = 10, answering: bool = True) -> Entry:
    return Entry(KEY, denial, rcode, 0, ttl, 100.0, b"", answering)


def stores(stale: float = 0.0, *, prefer_positive: bool = False) -> Stores:
    return Stores(Options((".",), stale=Stale(stale), prefer_positive=prefer_positive), Clock())


GOOD, EMPTY = {}, {"answering": False}  # type: ignore[var-annotated]
NX, FAILED = {"denial": True, "rcode": 3, "answering": False}, {"denial": True, "rcode": 2, "answering": False}


@pytest.mark.parametrize(
    ("stale", "prefer", "success", "denial", "age", "chosen"),
    [
        (0, False, None, None, 0, None),
        (0, False, GOOD, None, 9.99, "success"),
        (0, False, GOOD, None, 10, None),
        (0, False, None, NX, 9.99, "denial"),
        (0, False, None, NX, 10, None),
        (0, False, GOOD, NX, 5, "denial"),
        (0, False, GOOD | {"ttl": 20}, NX, 10, "success"),
        (0, False, GOOD, FAILED, 5, "success"),
        (0, False, GOOD, FAILED | {"rcode": 4}, 5, "denial"),
        (0, False, GOOD | {"ttl": 3}, FAILED, 5, "denial"),
        # served stale
        (60, False, GOOD, None, 69.99, "success"),
        (60, False, GOOD, None, 70, None),
        (60.9, False, GOOD, None, 70, None),
        (60, False, GOOD | {"ttl": 100}, NX, 50, "denial"),
        (60, False, GOOD | {"ttl": 3}, FAILED, 5, "success"),
        # prefer_positive
        (60, True, GOOD, NX, 5, "success"),
        (60, True, GOOD | {"ttl": 3}, NX, 5, "success"),
        (60, True, GOOD | {"ttl": 3}, NX | {"ttl": 80}, 63, "denial"),
        (60, True, EMPTY, NX, 5, "denial"),
        (60, True, EMPTY, None, 5, "success"),
        (0, True, GOOD, NX, 5, "denial"),
    ],
)
def test_which_entry_is_served(
    stale: float,
    prefer: bool,
    success: dict[str, int] | None,
    denial: dict[str, int] | None,
    age: float,
    chosen: str | None,
) -> None:
    kept = {
        "success": None if success is None else entry(**success),  # type: ignore[arg-type]
        "denial": None if denial is None else entry(**denial),  # type: ignore[arg-type]
    }
    both = stores(stale, prefer_positive=prefer)
    found = both.choose(kept["denial"], kept["success"], 100.0 + age)
    assert found is (kept[chosen] if chosen else None)


@pytest.mark.parametrize("prefer", [False, True])
def test_a_success_takes_the_place_of_a_denial(prefer: bool) -> None:
    both = stores(60, prefer_positive=prefer)
    both.keep(entry(denial=True))
    both.keep(entry())
    assert (len(both.success), len(both.denial)) == (1, 0)


def test_what_does_not_answer_takes_it_unless_answers_are_preferred() -> None:
    both = stores(60)
    both.keep(entry(denial=True))
    both.keep(entry(answering=False))
    assert (len(both.success), len(both.denial)) == (1, 0)
    both = stores(60, prefer_positive=True)
    both.keep(entry(denial=True))
    both.keep(entry(answering=False))
    assert (len(both.success), len(both.denial)) == (1, 1)


def test_the_last_good_answer_outlives_what_is_none() -> None:
    both = stores(60, prefer_positive=True)
    good = entry()
    both.keep(good)
    for _ in range(3):
        both.keep(entry(answering=False))
        assert both.find(KEY, 105.0) is good
        assert both.success.entries[KEY].known_good is good
    newer = entry()
    both.keep(newer)
    assert both.find(KEY, 105.0) is newer


def test_without_the_policy_it_does_not() -> None:
    both = stores(60)
    both.keep(entry())
    empty = entry(answering=False)
    both.keep(empty)
    assert both.find(KEY, 105.0) is empty
    assert empty.known_good is None


def test_a_denial_leaves_the_success_where_it_is() -> None:
    both = stores(60)
    both.keep(entry())
    both.keep(entry(denial=True, ttl=1))
    assert (len(both.success), len(both.denial)) == (1, 1)
    both.remove(KEY)
    assert (len(both.success), len(both.denial)) == (0, 0)


def test_popularity_is_handed_on() -> None:
    both = stores(60)
    old, new = entry(), entry(denial=True)
    old.hits = 7
    both.inherit(old, 5.0)
    both.keep(new)
    both.inherit(old, 5.0)
    assert (new.hits, new.last_hit) == (7, 5.0)


def test_hits_without_a_pause_add_up() -> None:
    one = entry()
    for now, hits in [(0.0, 1), (60.0, 2), (120.0, 3), (180.1, 1), (180.1, 2)]:
        one.count_hit(now, 60.0)
        assert one.hits == hits


def test_one_refresh_at_a_time_and_none_too_soon_after_a_failure() -> None:
    one = entry()
    assert one.begin_refresh(0.0, 30.0)
    assert not one.begin_refresh(0.0, 30.0)
    assert not one.begin_refresh(0.0, 0.0)
    one.end_refresh(10.0, 30.0, refreshed=False)
    assert not one.begin_refresh(39.9, 30.0)
    assert one.begin_refresh(40.0, 30.0)
    one.end_refresh(41.0, 30.0, refreshed=False)
    assert one.begin_refresh(42.0, 0.0)
    one.end_refresh(43.0, 30.0, refreshed=True)
    assert one.begin_refresh(43.0, 30.0)


def test_forgetting_moves_the_epoch() -> None:
    both = stores()
    both.keep(Entry(KEY, True, 3, 0, 10, 100.0, b"", False, (("hosts", 1),)))
    both.forget([])
    assert (both.epoch, len(both.denial)) == (0, 1)
    both.forget([("hosts", 1)])
    assert (both.epoch, len(both.denial)) == (1, 0)
