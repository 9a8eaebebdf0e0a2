"""debug: log `[DEBUG]` lines, and let an unforeseen failure show itself.

::

    debug

Takes no argument. It is a switch of the whole process, set anew by every reload: debug lines appear if any block has
it. A listener of which any block has it does not turn an unforeseen failure into SERVFAIL quietly.

Metrics: none.

Example::

    .:1053 {
        debug
        whoami
    }
"""

from collections.abc import Callable

from kdns.chain.site import Site
from kdns.corefile import Arguments


def setup(args: Arguments, site: Site) -> None:
    """Read the directive. Raises `ConfigError`."""
    for line in args:
        line.end()
    site.listen.debug = True
    switch = Switch(site.process.show_debug)
    site.hooks.startup.append(switch.turn_on)
    site.hooks.restart.append(switch.turn_off)
    site.hooks.restart_failed.append(switch.turn_on)
    site.hooks.shutdown.append(switch.turn_off)


class Switch:
    """One block's hand on the process's switch; an instance that was replaced leaves it as its successor set it."""

    def __init__(self, show: Callable[[bool], None]) -> None:
        self._show = show
        self._on = False

    async def turn_on(self) -> None:
        """Show debug lines."""
        self._on = True
        self._show(True)

    async def turn_off(self) -> None:
        """Hide them, if it was this instance that last had them shown."""
        if self._on:
            self._on = False
            self._show(False)
