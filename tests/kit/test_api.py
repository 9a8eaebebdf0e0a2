"""The make-believe API server itself: what it is relied on for."""

from typing import Any

import aiohttp
import pytest

from tests.kit.api import FakeApi
from tests.kit.selectors import compile_selector


@pytest.mark.parametrize(
    ("selector", "labels", "matches"),
    [
        ("", {}, True),
        ("a=1", {"a": "1"}, True),
        ("a==1,b!=2", {"a": "1", "b": "2"}, False),
        ("a!=1", {}, True),
        ("a in (1, 2),b", {"a": "2", "b": ""}, True),
        ("a notin (1,2)", {}, True),
        ("a notin (1,2)", {"a": "1"}, False),
        ("!a", {"a": "1"}, False),
        ("a,!b", {"a": ""}, True),
    ],
)
def test_selectors(selector: str, labels: dict[str, str], matches: bool) -> None:
    assert compile_selector(selector)(labels) is matches


async def get(session: aiohttp.ClientSession, url: str) -> tuple[int, Any]:
    async with session.get(url) as response:
        return response.status, await response.json()


async def test_pages_are_of_one_moment_and_expire() -> None:
    async with FakeApi() as api, aiohttp.ClientSession() as session:
        api.store.load({"kind": "Namespace", "metadata": {"name": f"n{n}"}} for n in range(5))
        status, page = await get(session, f"{api.url}/api/v1/namespaces?limit=2")
        assert (status, page["metadata"]["remainingItemCount"]) == (200, 3)
        api.store.delete("namespaces", "n4")
        token = page["metadata"]["continue"]
        _, rest = await get(session, f"{api.url}/api/v1/namespaces?continue={token}")
        assert [item["metadata"]["name"] for item in rest["items"]] == ["n2", "n3", "n4"]
        assert rest["metadata"]["resourceVersion"] == page["metadata"]["resourceVersion"]
        status, gone = await get(session, f"{api.url}/api/v1/namespaces?continue={token}")
        assert (status, gone["reason"]) == (410, "Expired")


async def test_it_grants_no_get() -> None:
    async with FakeApi() as api, aiohttp.ClientSession() as session:
        api.store.put({"kind": "Namespace", "metadata": {"name": "n"}})
        status, _ = await get(session, f"{api.url}/api/v1/namespaces/n")
        assert (status, api.requests("get")[0].plural) == (403, "/api/v1/namespaces/n")
