from kdns.cluster.backoff import Backoff


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def test_it_doubles_up_to_the_cap() -> None:
    backoff = Backoff(Clock(), lambda: 0.0)
    assert [round(backoff.failed(), 3) for _ in range(7)] == [0.8, 1.6, 3.2, 6.4, 12.8, 15, 15]


def test_chance_at_most_doubles_it_and_the_cap_holds() -> None:
    backoff = Backoff(Clock(), lambda: 1.0)
    assert [round(backoff.failed(), 3) for _ in range(7)] == [1.6, 3.2, 6.4, 12.8, 25.6, 30, 30]


def test_two_minutes_without_a_failure_begin_anew() -> None:
    clock = Clock()
    backoff = Backoff(clock, lambda: 0.0)
    waits = []
    for pause in (0, 119, 121.5, 123.3):
        clock.now += pause
        waits.append(round(backoff.failed(), 3))
    assert waits == [0.8, 1.6, 3.2, 0.8]


def test_the_server_may_ask_for_more() -> None:
    backoff = Backoff(Clock(), lambda: 0.0)
    assert backoff.failed(7.0) == 7.0
    assert backoff.failed(1.0) == 1.6
