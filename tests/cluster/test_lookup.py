from typing import NamedTuple

from hypothesis import given
from hypothesis import strategies as st

from kdns.cluster.lookup import Key, Lookup


class Thing(NamedTuple):
    namespace: str
    name: str
    keys: tuple[str, ...]


things = st.builds(Thing, st.sampled_from("ab"), st.sampled_from("xyz"), st.lists(st.sampled_from("klm")).map(tuple))


def keys(thing: Thing) -> tuple[str, ...]:
    return thing.keys


@given(st.lists(things, max_size=20), st.data())
def test_it_is_what_a_look_at_all_objects_gives(puts: list[Thing], data: st.DataObject) -> None:
    lookup = Lookup(keys, "at")
    standing: dict[tuple[str, str], Thing] = {}
    for new in puts:
        path = (new.namespace, new.name)
        old = standing.get(path)
        touched: set[Key] = set()
        if old is not None and data.draw(st.booleans()):
            lookup.swap(old, None, touched)
            del standing[path]
            assert touched == {("at", key) for key in old.keys}
        else:
            lookup.swap(old, new, touched)
            standing[path] = new
            assert touched == {("at", key) for key in (*new.keys, *(old.keys if old else ()))}
    assert lookup.entries == {
        key: found for key in "klm" if (found := tuple(sorted(one for one in standing.values() if key in one.keys)))
    }


def test_an_object_alone_at_many_keys_costs_one_tuple() -> None:
    lookup = Lookup(keys)
    lookup.swap(None, Thing("a", "x", ("k", "l", "m")), set())
    assert lookup.entries["k"] is lookup.entries["l"] is lookup.entries["m"]


def test_without_a_tag_the_keys_are_read_keys() -> None:
    def paths(thing: Thing) -> list[Key]:
        return [("slices", key) for key in thing.keys]

    lookup, touched = Lookup(paths), set[Key]()
    lookup.swap(None, Thing("a", "x", ("k",)), touched)
    assert touched == {("slices", "k")}
