from collections import Counter

import pytest

from kdns.plugins.forward.policy import POLICIES, round_robin, sequential, shuffled

THREE = ("a", "b", "c")


def test_sequential_is_always_as_configured() -> None:
    order = sequential(THREE)
    assert [order() for _ in range(3)] == [THREE] * 3


def test_round_robin_begins_with_the_second() -> None:
    order = round_robin(THREE)
    assert [order() for _ in range(4)] == [("b", "a", "c"), ("c", "a", "b"), THREE, ("b", "a", "c")]


def test_round_robin_of_one() -> None:
    order = round_robin(("a",))
    assert [order() for _ in range(3)] == [("a",)] * 3


@pytest.mark.parametrize(("count", "orders"), [(1, 1), (2, 2), (3, 6), (4, 24)])
def test_random_gives_every_order_as_often(count: int, orders: int) -> None:
    proxies = tuple("abcd"[:count])
    order = shuffled(proxies)
    times = Counter(order() for _ in range(500 * orders))
    assert len(times) == orders
    assert all(sorted(each) == sorted(proxies) for each in times)
    assert all(350 < seen < 650 for seen in times.values()) or count == 1  # 500 expected, some 7 standard deviations


def test_random_of_many_gives_all_of_them() -> None:
    proxies = tuple("abcdefgh")
    order = shuffled(proxies)
    firsts = Counter(order()[0] for _ in range(4000))
    assert all(sorted(order()) == sorted(proxies) for _ in range(10))
    assert all(350 < firsts[each] < 650 for each in proxies)


def test_their_names() -> None:
    assert set(POLICIES) == {"random", "round_robin", "sequential"}
