"""A copy that is told what a mirror did is the mirror."""

from collections.abc import Collection

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kdns.cluster import kinds, transcript
from kdns.cluster.index import Index
from kdns.cluster.kinds import KINDS, Kind
from kdns.cluster.lookup import Key
from kdns.cluster.mirror import Mirror
from kdns.cluster.values import Change, Endpoint, EndpointSlice, Gone, Port, Put, Service
from tests.cluster.histories import final_state, histories, objects, observe


@given(st.one_of(objects.map(Put), st.sampled_from(KINDS).map(lambda kind: Gone(kind, "a", "x"))))
def test_a_change_is_read_as_it_was(change: Change) -> None:
    assert transcript.read(transcript.of_change(change, 2**33)) == (change, 2**33)


@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_a_load_is_read_as_it_was(kind: Kind) -> None:
    assert transcript.read(transcript.of_load(kind)) is kind


def test_derived_fields_need_no_work_at_the_other_end() -> None:
    piece = EndpointSlice("a", "x", service="x", ports=(Port("http", 80),), endpoints=(Endpoint("10.0.0.1", "h"),))
    step = transcript.read(transcript.of_change(Put(piece), 1))
    assert isinstance(step, tuple)
    assert isinstance(step[0], Put)
    assert step[0].object == piece
    assert step[0].object.endpoints[0].packed == b"\n\0\0\1"


def test_what_is_cut_short_is_a_fault() -> None:
    told = transcript.of_change(Put(Service("a", "x")), 1)
    with pytest.raises(msgspec.MsgspecError):
        transcript.read(told[:-1])


class Pair:
    """A mirror and its copy. Both have an index of their own, as processes do after a fork."""

    def __init__(self) -> None:
        self.now = 100.0
        self.forgotten: list[Collection[Key]] = []
        self.learnt: list[Collection[Key]] = []
        self.told: list[bytes] = []
        self.mirror = Mirror(Index(), lambda: self.now, self.forgotten.append, KINDS)
        self.copy = Mirror(Index(), lambda: -1.0, self.learnt.append, KINDS)

    def fork(self) -> None:
        """From now on the copy learns what the mirror does."""
        self.mirror.listeners.append(self.told.append)
        self.forgotten.clear()
        self.learnt.clear()

    def tell(self) -> None:
        """The copy catches up."""
        for told in self.told:
            self.copy.learn(told)
        self.told.clear()


@given(histories, histories, st.data())
def test_after_any_history_a_copy_shows_the_same(
    before: list[Change], after: list[Change], data: st.DataObject
) -> None:
    pair = Pair()
    for change in before:
        pair.mirror.apply(change)
        pair.copy._apply(change, 100)
    pair.fork()
    for change in after:
        pair.now += 1
        pair.mirror.apply(change)
        if data.draw(st.booleans()):
            pair.tell()
    for kind in data.draw(st.permutations(KINDS)):
        resync = pair.mirror.resync(kind)
        wanted = [value for value in final_state(before).values() if value.kind is kind]
        for _ in resync.load(wanted):
            pair.tell()
        for _ in resync.commit():
            pair.tell()
    pair.tell()
    assert observe(pair.copy.index) == observe(pair.mirror.index)
    assert pair.learnt == pair.forgotten
    assert pair.copy.synced
    for counter in ("cluster", "multicluster", "external"):
        assert getattr(pair.copy.index.serials, counter) == getattr(pair.mirror.index.serials, counter)


def test_a_list_that_changes_nothing_tells_nothing() -> None:
    pair = Pair()
    pair.mirror.apply(Put(Service("a", "x", "1")))
    pair.mirror._complete(kinds.SERVICES)
    pair.fork()
    resync = pair.mirror.resync(kinds.SERVICES)
    for _ in resync.load([Service("a", "x", "2")]):
        pass
    for _ in resync.commit():
        pass
    assert pair.told == []


def test_a_copy_begins_with_what_was_loaded() -> None:
    pair = Pair()
    pair.mirror._complete(kinds.SERVICES)
    copy = pair.mirror.copy(pair.learnt.append)
    assert copy.loaded(kinds.SERVICES)
    assert not copy.synced
    pair.mirror._complete(kinds.PODS)
    assert not copy.loaded(kinds.PODS)
    assert copy.index is pair.mirror.index
