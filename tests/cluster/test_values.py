import gc

from hypothesis import given
from msgspec.structs import replace

from kdns.cluster.values import EndpointSlice, Object, Port, Service, alike
from tests.cluster.histories import objects, seen


@given(objects, objects)
def test_alike_is_equal_but_for_what_no_answer_shows(old: Object, new: Object) -> None:
    if old.kind is new.kind:
        assert alike(old, new) is (seen(old) == seen(new))
    assert alike(old, replace(old, version="other"))


def test_what_answers_show_is_not_alike() -> None:
    service = Service("a", "x", cluster_ips=("10.0.0.1",), ports=(Port("http", 80),))
    assert not alike(service, replace(service, cluster_ips=("10.0.0.2",)))
    assert not alike(service, replace(service, ports=()))
    assert alike(service, replace(service, uid="u2"))
    assert alike(EndpointSlice("a", "s"), EndpointSlice("a", "s", trigger_time=5.0))


@given(objects)
def test_values_are_no_work_for_the_garbage_collector(value: Object) -> None:
    assert not gc.is_tracked(value)
