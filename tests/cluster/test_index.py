from random import Random

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from kdns.cluster import kinds
from kdns.cluster.index import Index
from kdns.cluster.lookup import Key
from kdns.cluster.values import (
    Change,
    Endpoint,
    EndpointSlice,
    Gone,
    ImportedSlice,
    Namespace,
    Object,
    Pod,
    Put,
    Service,
    ServiceImport,
)
from tests.cluster.histories import changes, expected, final_state, histories, objects, observe, place_of

ONE = bytes((10, 0, 0, 1))
TWO = bytes((10, 0, 0, 2))


def fed(history: list[Change]) -> Index:
    index = Index()
    for change in history:
        index.apply(change, 1)
    return index


@given(histories)
def test_after_any_history_every_read_gives_what_stands(history: list[Change]) -> None:
    assert observe(fed(history)) == expected(final_state(history).values())


@given(histories, st.randoms(use_true_random=False))
def test_the_order_of_arrival_leaves_no_trace(history: list[Change], chance: Random) -> None:
    index = fed(history)
    standing: list[Object] = list(final_state(history).values())
    chance.shuffle(standing)
    fresh = Index()
    for value in standing:
        if isinstance(value, Pod) and value.terminating:
            fresh.apply(Put(replace(value, terminating=False)), 1)
        fresh.apply(Put(value), 1)
    assert observe(fresh) == observe(index)
    for kind in kinds.KINDS:
        assert fresh.places(kind) == index.places(kind)


@given(histories, changes)
def test_what_a_change_touches_covers_every_read_that_differs(history: list[Change], change: Change) -> None:
    index = fed(history)
    before = observe(index)
    touched = index.apply(change, 2)
    after = observe(index)
    assert {key for key in before if before[key] != after[key]} <= touched


@given(histories, objects)
def test_the_same_again_touches_nothing(history: list[Change], value: Object) -> None:
    index = fed(history)
    index.apply(Put(value), 1)
    before = observe(index)
    again = replace(value, version="99")
    if isinstance(again, EndpointSlice):
        again = replace(again, trigger_time=99.0)
    elif isinstance(again, Service):
        again = replace(again, uid="99")
    assert not index.apply(Put(value), 2)
    assert not index.apply(Put(again), 2)
    assert observe(index) == before
    assert index.serials.cluster < 2
    assert index.serials.multicluster < 2
    assert index.serials.external < 2


@given(histories)
def test_what_went_away_leaves_nothing_behind(history: list[Change]) -> None:
    index = fed(history)
    for value in final_state(history).values():
        assert index.apply(Gone(value.kind, value.namespace, value.name), 2)
        assert not index.apply(Gone(value.kind, value.namespace, value.name), 2)
    assert observe(index) == expected([])
    stores = index._stores.values()
    assert not any(store.objects or any(lookup.entries for lookup in store.lookups) for store in stores)


def test_every_read_notes_one_key_found_or_not() -> None:
    index = Index()
    empty = observe(index)
    for value in (
        Namespace("a"),
        Service("a", "x", cluster_ips=("10.0.0.1",), external_addresses=("10.0.0.1",)),
        EndpointSlice("a", "s", service="x", endpoints=(Endpoint("10.0.0.1"),)),
        ImportedSlice("a", "s", service="x"),
        ServiceImport("a", "x"),
        Pod("a", "p", addresses=("10.0.0.1",)),
    ):
        index.apply(Put(value), 1)
    full = observe(index)
    assert full.keys() == empty.keys()
    assert sum(full[key] != empty[key] for key in full) == 12


def test_a_slice_may_come_before_its_service() -> None:
    index = Index()
    piece = EndpointSlice("a", "s", service="x", endpoints=(Endpoint("10.0.0.1"),))
    index.apply(Put(piece), 1)
    assert index.slices([], "a", "x") == (piece,)
    assert ("service", "a", "x") in index.apply(Put(Service("a", "x")), 1)


def test_an_address_that_moves_between_slices_is_never_without_one() -> None:
    index = Index()
    there = EndpointSlice("a", "s1", service="x", endpoints=(Endpoint("10.0.0.1"),))
    index.apply(Put(there), 1)
    index.apply(Put(replace(there, name="s2")), 1)
    assert [piece.name for piece in index.slices_at([], ONE)] == ["s1", "s2"]
    touched = index.apply(Put(replace(there, endpoints=())), 1)
    assert [piece.name for piece in index.slices_at([], ONE)] == ["s2"]
    assert ("slices-at", ONE) in touched


def test_a_slice_that_moves_to_another_service_touches_both() -> None:
    index = Index()
    piece = EndpointSlice("a", "s", service="x", endpoints=(Endpoint("10.0.0.1"),))
    index.apply(Put(piece), 1)
    touched = index.apply(Put(replace(piece, service="y", endpoints=(Endpoint("10.0.0.2"),))), 1)
    both: set[Key] = {("slices", "a", "x"), ("slices", "a", "y"), ("slices-at", ONE), ("slices-at", TWO)}
    assert both <= touched


def test_a_slice_without_a_service_is_found_nowhere() -> None:
    index = Index()
    index.apply(Put(EndpointSlice("a", "s", endpoints=(Endpoint("10.0.0.1"),))), 1)
    assert index.slices_at([], ONE) == ()
    assert index.slices([], "a", "") == ()


def test_an_imported_slice_and_an_ordinary_one_of_its_name_are_two() -> None:
    index = Index()
    index.apply(Put(EndpointSlice("a", "s", service="x")), 1)
    index.apply(Put(ImportedSlice("a", "s", service="x", source_cluster="east")), 1)
    index.apply(Gone(kinds.ENDPOINT_SLICES, "a", "s"), 1)
    assert index.slices([], "a", "x") == ()
    assert [piece.source_cluster for piece in index.imported_slices([], "a", "x")] == ["east"]


def test_addresses_are_compared_not_their_texts() -> None:
    index = Index()
    index.apply(Put(Pod("a", "p", addresses=("FD00:0:0::0:1",))), 1)
    assert index.pods_at([], bytes([0xFD, *[0] * 14, 1]))


def test_a_pod_that_ends_keeps_its_address_until_it_is_deleted() -> None:
    index = Index()
    pod = Pod("a", "p", addresses=("10.0.0.1",))
    index.apply(Put(pod), 1)
    index.apply(Put(replace(pod, addresses=(), terminating=True)), 2)
    (found,) = index.pods_at([], ONE)
    assert found.terminating
    assert index.serials.cluster == 1
    index.apply(Gone(kinds.PODS, "a", "p"), 3)
    assert index.pods_at([], ONE) == ()


def test_a_pod_first_seen_ending_or_finished_has_no_address() -> None:
    index = Index()
    pod = Pod("a", "p", addresses=("10.0.0.1",))
    assert not index.apply(Put(replace(pod, terminating=True)), 1)
    assert not index.apply(Put(replace(pod, finished=True)), 1)
    assert index.pods_at([], ONE) == ()
    index.apply(Put(pod), 1)
    assert ("pods-at", ONE) in index.apply(Put(replace(pod, finished=True)), 1)
    assert index.pods_at([], ONE) == ()


def test_what_was_read_does_not_change_later() -> None:
    index = Index()
    index.apply(Put(EndpointSlice("a", "s1", service="x")), 1)
    before = index.slices([], "a", "x")
    index.apply(Put(EndpointSlice("a", "s2", service="x")), 1)
    assert [piece.name for piece in before] == ["s1"]


def test_places_are_the_objects_own() -> None:
    index = Index()
    for value in (Namespace("a"), Service("a", "x")):
        index.apply(Put(value), 1)
        assert index.places(value.kind) == {place_of(value)}
