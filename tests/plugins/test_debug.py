import pytest

from kdns.corefile import ConfigError
from tests.kit.chain import Chain, root_chain
from tests.kit.loop import run


class Switch:
    """The process's switch, with the history of its positions."""

    def __init__(self) -> None:
        self.positions: list[bool] = []

    def __call__(self, shown: bool) -> None:
        self.positions.append(shown)


def turns(switch: Switch, *instances_and_turns: tuple[Chain, str]) -> list[bool]:
    async def scenario() -> None:
        for chain, turn in instances_and_turns:
            await chain.fire(turn)

    run(scenario())
    return switch.positions


def test_it_tells_the_listener_and_is_no_link() -> None:
    chain = root_chain("debug")
    assert chain.site.listen.debug
    assert chain.links == {}
    assert not root_chain("errors").site.listen.debug


def test_debug_lines_are_shown_from_the_start() -> None:
    switch = Switch()
    chain = root_chain("debug", show_debug=switch)
    assert switch.positions == []
    assert turns(switch, (chain, "startup")) == [True]


def test_a_reload_that_takes_it_away_hides_them() -> None:
    switch = Switch()
    old = root_chain("debug", show_debug=switch)
    new = root_chain("errors", show_debug=switch)
    assert turns(switch, (old, "startup"), (old, "restart"), (new, "startup"), (old, "shutdown")) == [True, False]


def test_a_reload_that_keeps_it_goes_on_showing_them() -> None:
    switch = Switch()
    old, new = (root_chain("debug", show_debug=switch) for _ in range(2))
    steps = ((old, "startup"), (old, "restart"), (new, "startup"), (old, "shutdown"))
    assert turns(switch, *steps) == [True, False, True]


def test_a_reload_that_fails_leaves_it_as_it_was() -> None:
    switch = Switch()
    old = root_chain("errors", show_debug=switch)
    failed = root_chain("debug", show_debug=switch)
    steps = ((old, "restart"), (failed, "startup"), (failed, "shutdown"), (old, "restart_failed"))
    assert turns(switch, *steps) == [True, False]
    switch = Switch()
    old = root_chain("debug", show_debug=switch)
    assert turns(switch, (old, "startup"), (old, "restart"), (old, "restart_failed")) == [True, False, True]


def test_setup_error() -> None:
    with pytest.raises(ConfigError, match=r"^plugin/debug: .*Wrong argument count or unexpected line ending"):
        root_chain("debug all")
