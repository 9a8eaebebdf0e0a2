"""One server for each transport, for as long as the tests run: `async def test_x(server: Server) -> None`.

The tests share the server's loop: `pytestmark = pytest.mark.asyncio(loop_scope="session")`. Those for transports with
connections say `@pytest.mark.parametrize("server", STREAMS, ids=str, indirect=True)`.
"""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.messages.server import Server, serving
from tests.messages.transports import TRANSPORTS


@pytest_asyncio.fixture(scope="session", loop_scope="session", params=TRANSPORTS, ids=str)
async def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Server]:
    """The server that messages go to, and how."""
    async with serving(request.param, tmp_path_factory.mktemp("server")) as server:
        yield server
