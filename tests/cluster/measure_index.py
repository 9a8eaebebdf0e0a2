"""What an index of 10 000 Services and 100 000 endpoints costs: memory, loading, reading, changing.

Run `PYTHONPATH=. python tests/cluster/measure_index.py` (half a minute). `test_index_size` holds the memory per
endpoint in every test run.
"""

import gc
import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path

from kdns.cluster.index import Index
from kdns.cluster.kinds import ENDPOINT_SLICES, KINDS, SERVICES, Kind
from kdns.cluster.mirror import Mirror
from kdns.cluster.objects import Put, decode_list, decode_object
from tests.cluster.samples import endpoint_slice, list_of, service

SERVICES_COUNT, SLICE_SIZE, READS = 10_000, 10, 200_000


def load(kind: Kind, data: bytes, mirror: Mirror) -> tuple[float, float]:
    """CPU seconds that a load takes, and of its longest step after the one that finds the items."""
    resync, longest = mirror.resync(kind), 0.0
    begin = time.thread_time()
    items = decode_list(kind, data).items
    last = time.thread_time()
    for steps in (resync.load(items), resync.commit()):
        for _ in steps:
            now = time.thread_time()
            longest, last = max(longest, now - last), now
    return time.thread_time() - begin, longest


def microseconds(call: Callable[[], object], times: int) -> float:
    """CPU time of one call, with the loop around it."""
    begin = time.thread_time()
    for _ in range(times):
        call()
    return (time.thread_time() - begin) / times * 1e6


def resident() -> float:
    """MiB of memory in use by this process."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096 / 2**20


def main() -> None:
    """Print the figures."""
    lists = (
        (SERVICES, list_of("ServiceList", [service(n) for n in range(SERVICES_COUNT)])),
        (ENDPOINT_SLICES, list_of("EndpointSliceList", [endpoint_slice(n, SLICE_SIZE) for n in range(SERVICES_COUNT)])),
    )
    gc.collect()
    before = resident()
    mirror = Mirror(Index(), time.time, lambda touched: None, KINDS)
    for kind, data in lists:
        for what in ("load", "the same again"):
            took, longest = load(kind, data, mirror)
            print(f"{kind}, {len(data) / 1e6:.0f} MB, {what}: {took:.3f} s, longest step {longest * 1e3:.1f} ms")
    gc.collect()
    print(f"resident memory of the index: {resident() - before:.1f} MiB")
    index = mirror.index
    address = bytes((10, 128, 0, 7))
    for name, read in (
        ("service", lambda: index.service([], "ns-1", "svc-1")),
        ("slices", lambda: index.slices([], "ns-1", "svc-1")),
        ("slices_at", lambda: index.slices_at([], address)),
        ("namespace, not there", lambda: index.namespace([], "nowhere")),
    ):
        print(f"{name}, with a list and a lambda for it: {microseconds(read, READS):.3f} µs")
    states = [Put(decode_object(ENDPOINT_SLICES, endpoint_slice(1, size))) for size in (SLICE_SIZE, SLICE_SIZE - 1)]
    print(f"a slice loses or gains an endpoint: {microseconds(lambda: [*map(mirror.apply, states)], 2000) / 2:.1f} µs")
    tracemalloc.start()
    traced = Mirror(Index(), time.time, lambda touched: None, KINDS)
    for kind, data in lists:
        load(kind, data, traced)
    gc.collect()
    print(f"traced memory of a second index: {tracemalloc.get_traced_memory()[0] / 2**20:.1f} MiB")


if __name__ == "__main__":
    main()
