"""Kept replies are the same as fresh ones, whatever happens; and each law of `kdns.chain.memo` is needed for that."""

from collections.abc import Callable, Collection
from typing import Any

import pytest

from kdns.chain.basis import Key
from kdns.chain.memo import Memo
from kdns.chain.query import Query
from kdns.cluster.index import Index
from kdns.cluster.values import Change, Put
from tests.laws.world import World, live

STEPS = 1500
SEEDS = range(12)
Patch = pytest.MonkeyPatch


@pytest.mark.parametrize("seed", SEEDS)
async def test_kept_replies_are_fresh(seed: int) -> None:
    world = World(seed)
    await live(world, STEPS)
    assert world.hits > STEPS / 10
    assert world.siblings > 5
    assert world.respelled > world.siblings + 5
    assert world.wrong == []


def without_missing_reads(world: World, patch: Patch) -> None:
    """Law 1: keys are recorded only where something stood."""
    for method in ("namespace", "service", "slices", "services_at", "slices_at"):
        original = getattr(world.index, method)

        def read(reads: list[Key], *where: Any, original: Callable[..., Any] = original) -> Any:
            notes: list[Key] = []
            found = original(notes, *where)
            reads += notes if found else []
            return found

        patch.setattr(world.index, method, read)


def without_old_keys(world: World, patch: Patch) -> None:
    """Law 2: a change touches only the keys of the new state."""
    original = world.index.apply

    def apply(change: Change, now: int) -> Any:
        touched = original(change, now)
        if not touched or not isinstance(change, Put):
            return frozenset()
        return Index().apply(change, now)

    patch.setattr(world.index, "apply", apply)


def with_late_forgetting(world: World, patch: Patch) -> None:
    """Law 3: keys are forgotten some time after the change is applied."""
    late: list[Collection[Key]] = []

    def forget(keys: Collection[Key]) -> None:
        late.append(keys)
        if len(late) > 3:
            world.memo.forget(late.pop(0))

    patch.setattr(world.mirror, "_forget", forget)


def without_epoch(world: World, patch: Patch) -> None:
    """Law 4: a reply is kept though something was forgotten since its making began."""
    original = world.memo.keep

    def keep(packet: bytes, query: Query, reply: bytes, rcode: int) -> None:
        query.basis.epoch = world.memo.epoch
        original(packet, query, reply, rcode)

    patch.setattr(world.memo, "keep", keep)


def without_privacy(world: World, patch: Patch) -> None:
    """Law 5: an answer that read the client is kept."""
    original = world.memo.keep

    def keep(packet: bytes, query: Query, reply: bytes, rcode: int) -> None:
        query.basis.private = False
        original(packet, query, reply, rcode)

    patch.setattr(world.memo, "keep", keep)


def without_stamp(world: World, patch: Patch) -> None:
    """Law 6: the serial stays what it was when the reply was kept."""
    original = world.memo.keep

    def keep(packet: bytes, query: Query, reply: bytes, rcode: int) -> None:
        query.basis.stamp = None
        original(packet, query, reply, rcode)

    patch.setattr(world.memo, "keep", keep)


def without_a_look(world: World, patch: Patch) -> None:
    """A name is denied because its siblings are missing, whatever is known of itself."""
    original = world.memo.keep

    def keep(packet: bytes, query: Query, reply: bytes, rcode: int) -> None:
        if query.basis.absent is not None:
            query.basis.absent = lambda label: True
        original(packet, query, reply, rcode)

    patch.setattr(world.memo, "keep", keep)


def without_spelling(world: World, patch: Patch) -> None:
    """Any reply is given to queries in other letter cases."""
    original = world.memo.keep

    def keep(packet: bytes, query: Query, reply: bytes, rcode: int) -> None:
        query.basis.uncased = True
        original(packet, query, reply, rcode)

    patch.setattr(world.memo, "keep", keep)


@pytest.mark.parametrize(
    "sabotage",
    [
        without_spelling,
        without_a_look,
        without_missing_reads,
        without_old_keys,
        with_late_forgetting,
        without_epoch,
        without_privacy,
        without_stamp,
    ],
)
async def test_every_law_is_needed(sabotage: Callable[[World, Patch], None], monkeypatch: Patch) -> None:
    wrong = 0
    for seed in SEEDS:
        world = World(seed)
        sabotage(world, monkeypatch)
        await live(world, STEPS)
        wrong += len(world.wrong)
    assert wrong > 0


async def test_a_full_memo_stays_full_and_right() -> None:
    world = World(1)
    world.memo = Memo(lambda: world.now, capacity=8)
    world.server.memo, world.server.hit = world.memo, world.memo.hit
    await live(world, STEPS)
    assert len(world.memo.entries) <= 8
    assert world.hits > 0
    assert world.wrong == []
