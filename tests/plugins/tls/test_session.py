import asyncio

import pytest
from requests.structures import CaseInsensitiveDict

from kdns.plugins.tls.session import Wire
from kdns.plugins.tls.web import Reply, Unreachable, Web

URL = "https://ca.example/x"


class Asked(Web):
    """Writes down what is asked for, and answers, or never does."""

    def __init__(self, *, silent: bool = False) -> None:
        self.asked: list[tuple[object, ...]] = []
        self.begun = asyncio.Event()
        self._silent = silent

    async def fetch(self, *words: object) -> Reply:
        self.asked.append(words)
        self.begun.set()
        if self._silent:
            await asyncio.Event().wait()
        return Reply(URL, 201, CaseInsensitiveDict({"Replay-Nonce": "n"}), b'{"a": 1}')


async def test_a_request_as_the_library_makes_it() -> None:
    web = Asked()
    wire = Wire(web)
    headers = {"Content-Type": "application/jose+json"}
    how = {"data": "{}", "headers": headers, "verify": True, "timeout": 45}
    response = await asyncio.to_thread(lambda: wire.request("POST", URL, **how))
    assert web.asked == [("POST", URL, headers, "{}")]
    assert (response.status_code, response.url, response.json()) == (201, URL, {"a": 1})
    assert response.headers["replay-nonce"] == "n"
    assert response.request.method == "POST"


async def test_its_end_ends_what_is_under_way_and_whatever_would_come() -> None:
    web = Asked(silent=True)
    wire = Wire(web)
    waiting = asyncio.create_task(asyncio.to_thread(wire.request, "GET", URL))
    await web.begun.wait()
    wire.end()
    for attempt in (waiting, asyncio.to_thread(wire.request, "GET", URL)):
        with pytest.raises(Unreachable, match=rf"^{URL}: ended$"):
            async with asyncio.timeout(5):
                await attempt
    assert len(web.asked) == 1
