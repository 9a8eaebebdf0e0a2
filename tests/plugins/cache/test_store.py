import random

from kdns.plugins.cache.entry import Entry, Key
from kdns.plugins.cache.store import OCTETS_FOR_EACH, Store


def key(number: int) -> Key:
    return b"%d" % number


def entry(number: int, size: int = 100, reads: tuple[tuple[object, ...], ...] = ()) -> Entry:
    return Entry(key(number), False, 0, 0, 30, 0.0, bytes(size), True, reads)


def test_a_full_store_lets_one_after_the_other_go() -> None:
    store = Store(4)
    assert [store.put(entry(n)) for n in range(6)] == [0, 0, 0, 0, 1, 1]
    assert set(store.entries) == {key(2), key(3), key(4), key(5)}
    assert len(store) == 4


def test_an_entry_takes_the_place_of_the_one_with_its_key() -> None:
    store = Store(2)
    old, new = entry(1), entry(1)
    assert (store.put(old), store.put(entry(2)), store.put(new)) == (0, 0, 0)
    assert store.entries[key(1)] is new
    assert len(store) == 2


def test_what_was_asked_for_stays_for_another_round() -> None:
    store = Store(2)
    used = entry(0)
    used.used = True
    store.put(used)
    store.put(entry(1))
    store.put(entry(2))
    assert set(store.entries) == {key(0), key(2)}
    store.put(entry(3))
    assert set(store.entries) == {key(2), key(3)}


def test_a_store_full_of_what_was_asked_for_lets_go_all_the_same() -> None:
    store = Store(8)
    for n in range(8):
        store.put(entry(n))
        store.entries[key(n)].used = True
    assert store.put(entry(8)) == 1
    assert len(store) == 8


def test_octets_are_bounded() -> None:
    store = Store(64)
    big = 64 * OCTETS_FOR_EACH // 4
    assert [store.put(entry(n, big)) for n in range(5)] == [0, 0, 0, 0, 1]
    assert store.put(entry(9, 2 * big)) == 2
    assert sum(len(kept.content) for kept in store.entries.values() if isinstance(kept.content, bytes)) <= 4 * big
    assert store.put(entry(10, 4 * big + 1)) == 3
    assert len(store) == 1


def test_any_order_of_changes_leaves_the_books_right() -> None:
    chance = random.Random(7)
    store = Store(16)
    for _ in range(3000):
        number = chance.randrange(40)
        match chance.randrange(4):
            case 0:
                store.remove(key(number))
            case 1:
                store.forget([("read", number % 5)])
            case _:
                store.put(entry(number, chance.randrange(2000), (("read", number % 5),) * (number % 2)))
        assert len(store) == len(store.entries) <= 16
        assert store._octets == sum(kept.weight for kept in store.entries.values()) <= 16 * OCTETS_FOR_EACH
        assert [kept.place for kept in store._order] == list(range(len(store)))
        assert {k for readers in store._readers.values() for k in readers} == {
            kept.key for kept in store.entries.values() if kept.reads
        }
    assert all(store._readers.values())


def test_what_read_a_key_is_forgotten() -> None:
    store = Store(8)
    store.put(entry(1, reads=(("hosts", 1), ("service", "a"))))
    store.put(entry(2, reads=(("hosts", 1),)))
    store.put(entry(3))
    store.forget([("hosts", 2)])
    assert len(store) == 3
    store.forget([("hosts", 1), ("service", "a")])
    assert set(store.entries) == {key(3)}


def hit_rate(*, marked: bool) -> float:
    """Of 200 popular names, while as many names that come once are kept."""
    chance = random.Random(3)
    store, hits = Store(1024), 0
    for n in range(20_000):
        store.put(entry(1000 + n))
        number = chance.randrange(200)
        asked = store.entries.get(key(number))
        if asked is None:
            store.put(entry(number))
        else:
            hits += 1
            asked.used = marked
    return hits / 20_000


def test_names_that_come_once_do_not_push_out_what_is_asked_for() -> None:
    assert hit_rate(marked=True) > 0.93
    assert hit_rate(marked=False) < 0.83
