import asyncio

import pytest

from kdns.plugins.pprof import heap


class Marked:
    pass


async def test_objects_are_counted_by_type() -> None:
    kept = [Marked() for _ in range(5000)]
    counts = await heap.count()
    number, size = counts[Marked]
    assert number == len(kept)
    assert size >= 16 * number


async def test_others_have_their_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(heap, "SLICE", 100)
    turns = 0

    async def other() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    task = asyncio.create_task(other())
    counts = await heap.count()
    task.cancel()
    assert turns >= sum(number for number, _ in counts.values()) // 100


def test_table() -> None:
    counts: heap.Counts = {}
    heap.add(counts, [Marked(), {}, {}])
    lines = heap.table(counts).decode().splitlines()
    assert lines[0].split() == ["objects", "octets", "type"]
    assert lines[1].split()[0] == "3"
    assert lines[1].endswith(" all 2 types")
    assert lines[2].endswith(" blocks allocated by the interpreter")
    assert [line.split()[::2] for line in lines[3:]] == [["2", "builtins.dict"], ["1", f"{__name__}.Marked"]]


def test_only_the_largest_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(heap, "MAX_TYPES", 1)
    counts: heap.Counts = {int: [1, 10], str: [1, 20], bytes: [1, 5]}
    assert [line.split()[-1] for line in heap.table(counts).decode().splitlines()[3:]] == ["builtins.str"]
