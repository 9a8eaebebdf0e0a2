import gc
import tracemalloc

from kdns.cluster.index import Index
from kdns.cluster.kinds import ENDPOINT_SLICES, KINDS, SERVICES
from kdns.cluster.mirror import Mirror
from kdns.cluster.objects import decode_list
from tests.cluster.samples import endpoint_slice, list_of, service

COUNT, SIZE = 1000, 10


def test_memory_of_a_service_with_ten_endpoints() -> None:
    """10 000 Services with 100 000 endpoints may take 45 MiB; see `measure_index` for these at full size."""
    lists = (
        (SERVICES, list_of("ServiceList", [service(number) for number in range(COUNT)])),
        (ENDPOINT_SLICES, list_of("EndpointSliceList", [endpoint_slice(number, SIZE) for number in range(COUNT)])),
    )
    tracemalloc.start()
    try:
        mirror = Mirror(Index(), lambda: 1.0, lambda touched: None, KINDS)
        for kind, data in lists:
            for _ in mirror.resync(kind).load(decode_list(kind, data).items):
                pass
        gc.collect()
        used, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert len(mirror.index.services([])) == COUNT
    assert used / COUNT < 45 * 2**20 / 10_000
