from collections.abc import Collection

from hypothesis import given
from hypothesis import strategies as st

from kdns.cluster import kinds
from kdns.cluster.index import Index
from kdns.cluster.kinds import KINDS, Kind
from kdns.cluster.lookup import Key
from kdns.cluster.mirror import STEP, Mirror
from kdns.cluster.objects import ObjectError
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
)
from tests.cluster.histories import final_state, histories, observe


class World:
    """A mirror with a clock that stands still, and what it told to forget."""

    def __init__(self, watched: tuple[Kind, ...] = KINDS) -> None:
        self.now = 100.5
        self.forgotten: list[Collection[Key]] = []
        self.index = Index()
        self.mirror = Mirror(self.index, lambda: self.now, self.forgotten.append, watched)

    def synced(self) -> bool:
        return self.mirror.synced

    def load(self, kind: Kind, items: list[Object | ObjectError]) -> list[ObjectError]:
        resync = self.mirror.resync(kind)
        errors = [error for step in resync.load(items) for error in step]
        for _ in resync.commit():
            pass
        return errors


def test_apply_forgets_what_it_touched_in_the_same_call() -> None:
    world = World()
    touched = world.mirror.apply(Put(Service("a", "x")))
    assert world.forgotten == [touched]
    assert ("service", "a", "x") in touched
    assert world.index.serials.cluster == 100


def test_what_touches_nothing_forgets_nothing() -> None:
    world = World()
    world.mirror.apply(Put(Service("a", "x", "1")))
    world.forgotten.clear()
    world.mirror.apply(Put(Service("a", "x", "2")))
    world.mirror.apply(Gone(kinds.SERVICES, "a", "y"))
    assert world.forgotten == []


def standing_list(history: list[Change], kind: Kind) -> list[Object | ObjectError]:
    return [value for value in final_state(history).values() if value.kind is kind]


@given(histories, histories)
def test_a_list_leads_where_the_watch_would_have(before: list[Change], later: list[Change]) -> None:
    """Pods aside, which a list of a pod that ends tells less about than the watch did."""
    watched, listed = World(), World()
    for change in [*before, *later]:
        watched.mirror.apply(change)
    for change in before:
        listed.mirror.apply(change)
    for kind in KINDS:
        items = standing_list([*before, *later], kind)
        if kind is kinds.PODS:
            items = [value for value in items if not (isinstance(value, Pod) and value.terminating)]
            for value in final_state([*before, *later]).values():
                if isinstance(value, Pod) and value.terminating:
                    watched.mirror.apply(Gone(kind, value.namespace, value.name))
        listed.load(kind, items)
    assert observe(listed.index) == observe(watched.index)
    assert listed.mirror.synced


@given(histories)
def test_the_same_list_again_forgets_nothing(history: list[Change]) -> None:
    world = World()
    for change in history:
        world.mirror.apply(change)
    world.forgotten.clear()
    for kind in KINDS:
        world.load(kind, standing_list(history, kind))
    assert world.forgotten == []


@given(histories, histories)
def test_no_name_goes_away_that_the_list_has(before: list[Change], later: list[Change]) -> None:
    world = World()
    for change in before:
        world.mirror.apply(change)
    items = standing_list([*before, *later], kinds.SERVICES)
    kept = {(item.namespace, item.name) for item in items} & {
        (item.namespace, item.name) for item in standing_list(before, kinds.SERVICES)
    }
    resync = world.mirror.resync(kinds.SERVICES)
    for steps in (resync.load(items), resync.commit()):
        for _ in steps:
            assert kept <= {(service.namespace, service.name) for service in world.index.services([])}


def test_removals_come_last() -> None:
    world = World()
    world.load(kinds.SERVICES, [Service("a", "old")])
    resync = world.mirror.resync(kinds.SERVICES)
    for _ in resync.load([Service("a", "new")]):
        pass
    assert {service.name for service in world.index.services([])} == {"old", "new"}
    for _ in resync.commit():
        pass
    assert {service.name for service in world.index.services([])} == {"new"}


def test_a_load_that_ends_early_takes_nothing_away() -> None:
    world = World()
    world.load(kinds.SERVICES, [Service("a", "old")])
    for _ in world.mirror.resync(kinds.SERVICES).load([Service("a", "new")]):
        break
    world.load(kinds.SERVICES, [Service("a", "old")])
    assert [service.name for service in world.index.services([])] == ["old"]


def test_every_step_is_small() -> None:
    world = World()
    many: list[Object | ObjectError] = [Service("a", f"x{number}") for number in range(5 * STEP)]
    resync = world.mirror.resync(kinds.SERVICES)
    count = longest = 0
    for _ in resync.load(many):
        longest, count = max(longest, len(world.forgotten) - count), len(world.forgotten)
    assert 0 < longest <= STEP
    world.forgotten.clear()
    steps = [len(world.forgotten) for _ in world.mirror.resync(kinds.SERVICES).commit()]
    assert steps == [STEP * number for number in range(1, 6)]


def test_endpoints_are_work_too() -> None:
    endpoints = tuple(Endpoint(f"10.0.{number // 256}.{number % 256}") for number in range(STEP))
    slices = [EndpointSlice("a", f"s{number}", service="x", endpoints=endpoints) for number in range(4)]
    steps = list(World().mirror.resync(kinds.ENDPOINT_SLICES).load(slices))
    assert len(steps) == 5


def test_an_object_that_cannot_be_used_keeps_what_stood_there() -> None:
    world = World()
    world.load(kinds.SERVICES, [Service("a", "x"), Service("a", "y"), Service("a", "z")])
    error = ObjectError("Service", "a", "x", "half")
    assert world.load(kinds.SERVICES, [error, Service("a", "z")]) == [error]
    assert {service.name for service in world.index.services([])} == {"x", "z"}


def test_a_streamed_list_may_change_what_it_has_already_sent() -> None:
    world = World()
    world.load(kinds.SERVICES, [Service("a", "x"), Service("a", "y"), Service("a", "z")])
    resync = world.mirror.resync(kinds.SERVICES)
    resync.apply(Put(Service("a", "x", type="NodePort")))
    resync.apply(Put(Service("a", "y")))
    resync.apply(Gone(kinds.SERVICES, "a", "y"))
    resync.keep(ObjectError("Service", "a", "z", "half"))
    for _ in resync.commit():
        pass
    assert {(service.name, service.type) for service in world.index.services([])} == {
        ("x", "NodePort"),
        ("z", "ClusterIP"),
    }


def test_synced_when_every_kind_was_loaded_and_for_good() -> None:
    world = World((kinds.SERVICES, kinds.NAMESPACES))
    assert not world.synced()
    world.mirror.apply(Put(Namespace("a")))
    world.load(kinds.SERVICES, [])
    assert world.mirror.loaded(kinds.SERVICES)
    assert not world.synced()
    resync = world.mirror.resync(kinds.NAMESPACES)
    assert not world.synced()
    for _ in resync.commit():
        pass
    assert world.synced()
    world.mirror.resync(kinds.NAMESPACES)
    assert world.synced()


def test_observers_hear_of_slices_that_a_watch_changed() -> None:
    world, heard = World(), list[tuple[str, float]]()
    world.mirror.observers.append(lambda piece, now: heard.append((piece.name, now)))
    piece = EndpointSlice("a", "s", "1", service="x", trigger_time=90.0)
    world.load(kinds.ENDPOINT_SLICES, [piece])
    world.load(kinds.IMPORTED_SLICES, [])
    assert heard == []
    world.now = 101.25
    world.mirror.apply(Put(EndpointSlice("a", "s", "2", service="x", trigger_time=91.0)))
    world.mirror.apply(Put(ImportedSlice("a", "s", "2", service="x", trigger_time=91.0)))
    world.mirror.apply(Put(Service("a", "x")))
    assert heard == []
    world.mirror.apply(Put(EndpointSlice("a", "s", "3", service="y", trigger_time=92.0)))
    world.mirror.apply(Gone(kinds.ENDPOINT_SLICES, "a", "s"))
    assert heard == [("s", 101.25)]


@given(st.lists(st.sampled_from(KINDS), unique=True))
def test_kinds_that_are_not_watched_are_not_waited_for(loaded: list[Kind]) -> None:
    world = World((kinds.SERVICES, kinds.NAMESPACES))
    for kind in loaded:
        world.load(kind, [])
    assert world.mirror.synced is ({kinds.SERVICES, kinds.NAMESPACES} <= set(loaded))


def test_it_tells_when_a_kind_was_loaded() -> None:
    world = World((kinds.SERVICES, kinds.NAMESPACES))
    told: list[bool] = []
    world.mirror.completed.append(lambda: told.append(world.mirror.synced))
    for kind in world.mirror.kinds:
        world.load(kind, [])
    assert told == [False, True]
