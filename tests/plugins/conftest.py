"""What plugin tests may ask for."""

import logging
from collections.abc import Callable

import pytest

from kdns.server.logs import Format

Printed = Callable[[], list[str]]


@pytest.fixture
def printed(caplog: pytest.LogCaptureFixture) -> Printed:
    """`printed()` gives the log lines since the last call, as the server prints them, debug lines included."""
    caplog.set_level(logging.DEBUG, logger="kdns")
    form = Format()

    def take() -> list[str]:
        lines = [form.format(record) for record in caplog.records]
        caplog.clear()
        return lines

    return take
