import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial
from itertools import pairwise
from typing import Any

import msgspec
import pytest

from kdns.cluster.client import Client
from kdns.cluster.credentials import Endpoint
from kdns.cluster.index import Index
from kdns.cluster.kinds import PODS, SERVICES, Kind
from kdns.cluster.mirror import Mirror
from kdns.cluster.pages import PAGE
from kdns.cluster.watch import Pace, Reflector
from tests.kit.api import FakeApi
from tests.kit.faults import Fault, Seen, error_line
from tests.kit.until import until

pytestmark = pytest.mark.asyncio(loop_factories=["asyncio", "uvloop"])


class Time:
    """A clock that only sleeps move, and notes of these; after `sleeps` of them the next one waits for `release`."""

    def __init__(self, sleeps: int) -> None:
        self.now = 0.0
        self.slept: list[float] = []
        self._sleeps = sleeps
        self._released = asyncio.Event()

    @property
    def held(self) -> bool:
        return len(self.slept) > self._sleeps and not self._released.is_set()

    def release(self) -> None:
        self._released.set()

    def clock(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.slept.append(round(seconds, 3))
        self.now += seconds
        if self.held:
            await self._released.wait()
        await asyncio.sleep(0)


class Following:
    """A reflector at work on a mirror, and what it has done so far."""

    def __init__(self, api: FakeApi, kind: Kind, selector: str, pace: Pace, time: Time) -> None:
        self.time = time
        self.forgotten: set[str] = set()
        self.mirror = Mirror(Index(), lambda: 0.0, self._forget, [kind])
        self.client = Client(Endpoint(api.url, environ={}))
        self.reflector = Reflector(self.client, kind, selector, self.mirror, pace)
        self._api = api

    def lists(self) -> list[Seen]:
        """The requests for a whole collection, streamed or not."""
        return [seen for seen in self._api.seen if seen.verb == "list" or "sendInitialEvents" in seen.params]

    def calls(self) -> list[Seen]:
        """The watch requests, streamed lists among them."""
        return self._api.requests("watch")

    def _forget(self, touched: Any) -> None:
        self.forgotten |= {key[2] for key in touched if key[0] == "service"}

    @property
    def services(self) -> dict[str, str]:
        return {service.name: service.external_name for service in self.mirror.index.services([])}

    async def has(self, **services: str) -> None:
        await until(lambda: self.services == services and self.mirror.synced)


@pytest.fixture
async def api() -> AsyncIterator[FakeApi]:
    async with FakeApi() as api:
        yield api
        assert api.requests("get") == []


@asynccontextmanager
async def follow(
    api: FakeApi, kind: Kind = SERVICES, selector: str = "", sleeps: int = 1000, **pace: Any
) -> AsyncIterator[Following]:
    time = Time(sleeps)
    default = Pace(clock=time.clock, sleep=time.sleep, random=lambda: 0.0)
    following = Following(api, kind, selector, replace(default, **pace), time)
    task = asyncio.create_task(following.reflector.run())
    try:
        yield following
        assert not task.done()
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await following.client.close()


def service(name: str, value: str = "x", namespace: str = "n", **labels: str) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name, "namespace": namespace, "labels": labels},
        "spec": {"type": "ExternalName", "externalName": value},
    }


def fill(api: FakeApi, count: int) -> dict[str, str]:
    for n in range(count):
        api.store.put(service(f"s{n}"))
    return {f"s{n}": "x" for n in range(count)}


async def open_watch(api: FakeApi) -> None:
    await until(lambda: api.watchers)


async def test_a_streamed_list_goes_on_as_the_watch(api: FakeApi) -> None:
    expected = fill(api, 300)
    async with follow(api) as following:
        await following.has(**expected)
        api.store.put(service("s0", "new"))
        api.store.put(service("late"))
        api.store.delete("services", "s1", "n")
        del expected["s1"]
        await following.has(**{**expected, "s0": "new", "late": "x"})
        (seen,) = api.seen
        assert seen.params == {
            "watch": "true",
            "sendInitialEvents": "true",
            "resourceVersionMatch": "NotOlderThan",
            "allowWatchBookmarks": "true",
            "timeoutSeconds": "300",
        }
        assert following.reflector.fresh_at == 0.0


async def test_nothing_is_synced_before_the_end_of_the_streamed_list(api: FakeApi) -> None:
    fill(api, 3)
    api.faults.append(Fault("watch", end=700))
    api.faults.append(Fault("list", hang=True))
    async with follow(api) as following:
        await until(lambda: following.services and len(api.seen) == 2)
        assert not following.mirror.synced
        assert following.reflector.fresh_at is None


@pytest.mark.parametrize("most", [0.0, 0.999])
async def test_calls_last_five_to_ten_minutes(api: FakeApi, most: float) -> None:
    async with follow(api, random=lambda: most):
        await open_watch(api)
        assert api.seen[0].params["timeoutSeconds"] == ("300" if most == 0.0 else "599")


async def test_a_server_without_streamed_lists_is_asked_for_pages_and_not_asked_again(api: FakeApi) -> None:
    api.streaming = False
    expected = fill(api, 2 * PAGE + 200)
    version = str(api.store.version)
    async with follow(api) as following:
        await following.has(**expected)
        await open_watch(api)
        pages = [seen.params for seen in api.requests("list")]
        assert [page.get("resourceVersion") for page in pages] == ["0", None, None]
        assert all(page["limit"] == "500" for page in pages)
        assert "continue" not in pages[0]
        assert pages[1]["continue"] != pages[2]["continue"]
        assert following.calls()[-1].params["resourceVersion"] == version
        api.seen.clear()
        api.store.compact()
        api.send(error_line(410))
        await until(lambda: len(following.calls()) == 1)
        assert [seen.verb for seen in api.seen] == ["list"] * 3 + ["watch"]
        assert "resourceVersion" not in api.seen[0].params, "a later list must not come from a stale cache"


async def test_a_server_that_ignores_the_page_size(api: FakeApi) -> None:
    api.streaming, api.whole = False, True
    expected = fill(api, 3000)
    async with follow(api) as following:
        await following.has(**expected)
        assert len(api.requests("list")) == 1


async def test_a_passing_error_does_not_end_streamed_lists_for_good(api: FakeApi) -> None:
    api.faults.append(Fault("watch", status=500))
    fill(api, 1)
    async with follow(api) as following:
        await following.has(s0="x")
        await open_watch(api)
        assert [seen.verb for seen in api.seen] == ["watch", "list", "watch"]
        api.send(error_line(410))
        await until(lambda: len(api.seen) == 4)
        assert "sendInitialEvents" in api.seen[3].params


@pytest.mark.parametrize("status", [429, 410])
async def test_a_busy_server_is_asked_the_same_again(
    api: FakeApi, status: int, caplog: pytest.LogCaptureFixture
) -> None:
    api.faults.append(Fault("watch", times=3, status=status, message="not now"))
    async with follow(api) as following:
        await following.has()
        assert [seen.verb for seen in api.seen] == ["watch"] * 4
        assert following.time.slept == [0.8, 1.6, 3.2]
    assert caplog.messages == ["Failed to watch: failed to list *v1.Service: not now"] * 3


async def test_a_server_that_is_not_there_yet(api: FakeApi) -> None:
    fill(api, 1)
    port = api.port
    await api.stop()
    async with follow(api, sleeps=3) as following:
        await until(lambda: following.time.held)
        assert following.time.slept == [0.8, 1.6, 3.2, 6.4]
        assert following.reflector.failure == f"dial tcp 127.0.0.1:{port}: connect: connection refused"
        await api.start(port=port)
        following.time.release()
        await following.has(s0="x")
        await until(lambda: following.reflector.failure == "")


async def test_retry_after_is_honoured(api: FakeApi) -> None:
    api.faults.append(Fault("watch", status=429, retry_after=17))
    async with follow(api) as following:
        await following.has()
        assert following.time.slept == [17]


async def test_a_stream_that_ends_before_its_list_does(api: FakeApi) -> None:
    expected = fill(api, 5)
    api.faults.append(Fault("watch", end=700))
    async with follow(api) as following:
        await following.has(**expected)
        assert [seen.verb for seen in api.seen][:2] == ["watch", "list"]


async def test_a_server_that_does_not_know_of_streamed_lists_at_all(api: FakeApi) -> None:
    api.unaware = True
    fill(api, 2)
    async with follow(api, load_silence=0.05) as following:
        await following.has(s0="x", s1="x")
        assert [seen.verb for seen in api.seen][:2] == ["watch", "list"]


async def test_pages_that_expire_are_listed_in_one(api: FakeApi) -> None:
    api.streaming = False
    expected = fill(api, PAGE + 1)
    api.faults.append(Fault("list", when=lambda seen: "continue" in seen.params, status=410))
    async with follow(api) as following:
        await following.has(**expected)
        assert api.requests("list")[-1].params == {}


async def test_pages_that_expire_over_and_over(api: FakeApi) -> None:
    api.streaming = False
    fill(api, 1)
    page = b'{"metadata":{"resourceVersion":"5","continue":"%d"},"items":[]}'
    api.faults += [Fault("list", body=page % 1), Fault("list", status=410)]
    api.faults += [Fault("list", body=page % 2), Fault("list", status=410)]
    async with follow(api) as following:
        await following.has(s0="x")
        assert following.time.slept == [0.8]


@pytest.mark.parametrize(
    "body",
    [
        b'{"metadata":{"resourceVersion":"5","continue":"again"},"items":[]}',
        b'{"metadata":{},"items":[]}',
        b'{"kind":"PodList","metadata":{"resourceVersion":"5"},"items":[]}',
        b"no json",
        b"",
    ],
)
async def test_lists_that_make_no_sense(api: FakeApi, body: bytes) -> None:
    api.streaming = False
    fill(api, 1)
    api.faults.append(Fault("list", times=2, body=body))
    async with follow(api) as following:
        await following.has(s0="x")
        assert following.time.slept


async def test_a_watch_that_ends_goes_on_from_the_last_version(api: FakeApi) -> None:
    async with follow(api) as following:
        await following.has()
        api.store.put(service("a"))
        await following.has(a="x")
        following.time.now += 300
        version = api.store.version
        api.end_watches()
        await until(lambda: len(following.calls()) == 2)
        params = following.calls()[1].params
        assert params == {
            "watch": "true",
            "allowWatchBookmarks": "true",
            "resourceVersion": str(version),
            "timeoutSeconds": "300",
        }
        assert following.time.slept == []
        api.store.put(service("b"))
        await following.has(a="x", b="x")


async def test_bookmarks_move_the_version(api: FakeApi) -> None:
    async with follow(api) as following:
        await following.has()
        api.store.version = 5000
        following.time.now = 77
        api.bookmark()
        await until(lambda: following.reflector.fresh_at == 77)
        api.end_watches()
        await until(lambda: len(following.calls()) == 2)
        assert following.calls()[1].params["resourceVersion"] == "5000"


async def test_a_watch_that_ends_at_once_is_not_repeated_without_a_pause(api: FakeApi) -> None:
    api.faults.append(Fault("watch", when=lambda seen: "resourceVersion" in seen.params, times=4, end=0))
    async with follow(api) as following:
        await following.has()
        api.end_watches()
        await until(lambda: len(following.calls()) == 6)
        assert following.time.slept == [0.8, 1.6, 3.2, 6.4, 12.8]


@pytest.mark.parametrize("in_stream", [True, False])
async def test_a_version_that_is_gone_is_a_difference(
    api: FakeApi, in_stream: bool, caplog: pytest.LogCaptureFixture
) -> None:
    api.gone_in_stream = in_stream
    fill(api, 4)
    caplog.set_level(logging.INFO)
    async with follow(api) as following:
        await following.has(**{f"s{n}": "x" for n in range(4)})
        following.forgotten.clear()
        following.time.now += 300
        api.withheld = 3
        api.store.put(service("s1", "new"))
        api.store.delete("services", "s2", "n")
        api.store.put(service("s4"))
        api.store.compact()
        api.end_watches()
        await following.has(s0="x", s1="new", s3="x", s4="x")
        await until(lambda: following.reflector.failure == "")
        assert following.forgotten == {"s1", "s2", "s4"}
        assert len(following.lists()) == 2
        assert following.time.slept == [0.8]
    assert any("version 1004 is gone, listing again" in message for message in caplog.messages)
    assert "Watch of *v1.Service goes on" in caplog.messages


async def test_a_connection_that_breaks_in_a_line(api: FakeApi) -> None:
    async with follow(api) as following:
        await following.has()
        following.time.now += 10
        api.send(b'{"type":"ADDED","object":{"metadata":{"name":"ha')
        api.end_watches(broken=True)
        await until(lambda: len(following.calls()) == 2)
        assert following.time.slept == []
        api.store.put(service("half"))
        await following.has(half="x")
        assert len(following.lists()) == 1


async def test_an_api_server_that_goes_away_and_comes_back(api: FakeApi, caplog: pytest.LogCaptureFixture) -> None:
    fill(api, 2)
    port = api.port
    async with follow(api, sleeps=3) as following:
        await following.has(s0="x", s1="x")
        await api.stop()
        await until(lambda: following.time.held)
        assert following.services == {"s0": "x", "s1": "x"}
        assert following.mirror.synced
        assert "connection refused" in following.reflector.failure
        api.store.delete("services", "s0", "n")
        await api.start(port=port)
        following.time.release()
        await following.has(s1="x")
        await until(lambda: following.reflector.failure == "")
    refused = [message for message in caplog.messages if "connection refused" in message]
    assert refused
    assert all(message.startswith("Failed to watch: watch of *v1.Service: dial tcp") for message in refused)


async def test_a_server_restored_from_a_backup(api: FakeApi, caplog: pytest.LogCaptureFixture) -> None:
    fill(api, 3)
    async with follow(api) as following:
        await following.has(s0="x", s1="x", s2="x")
        api.withheld = 1
        api.store.delete("services", "s2", "n")
        api.store.rewind(500)
        api.store.put(service("s0", "old"))
        await following.has(s0="old", s1="x")
        assert len(following.lists()) == 2
        api.store.put(service("after"))
        await following.has(s0="old", s1="x", after="x")
    assert "Watch of *v1.Service is in doubt, listing again: the version went back from 1003 to 501" in caplog.messages
    assert "*v1.Service: the version went back from 1003 to 501" in caplog.messages


async def test_a_server_restored_while_nobody_watched(api: FakeApi) -> None:
    fill(api, 3)
    async with follow(api) as following:
        await following.has(s0="x", s1="x", s2="x")
        api.store.delete("services", "s2", "n")
        await following.has(s0="x", s1="x")
        api.store.rewind(500)
        api.end_watches()
        await until(lambda: len(following.lists()) == 2)
        await following.has(s0="x", s1="x")


async def test_bookmarks_that_stop_while_events_come(api: FakeApi, caplog: pytest.LogCaptureFixture) -> None:
    async with follow(api) as following:
        await following.has()
        api.bookmark()
        api.store.put(service("a"))
        await following.has(a="x")
        following.time.now += 299
        api.store.put(service("b"))
        await following.has(a="x", b="x")
        assert len(following.lists()) == 1
        following.time.now += 2
        api.withheld = 1
        api.store.put(service("lost"))
        api.store.put(service("c"))
        await following.has(a="x", b="x", c="x", lost="x")
        assert len(following.lists()) == 2
    assert "Watch of *v1.Service is in doubt, listing again: no bookmark for 301 s" in caplog.messages


async def test_silence_where_bookmarks_came_before(api: FakeApi, caplog: pytest.LogCaptureFixture) -> None:
    async with follow(api, bookmark=0.05) as following:
        await following.has()
        api.withheld = 1
        api.store.put(service("lost"))
        api.bookmark()
        await following.has(lost="x")
        assert len(following.lists()) == 2
    assert "Watch of *v1.Service is in doubt, listing again: nothing came for 0.05 s" in caplog.messages


async def test_silence_where_bookmarks_never_came(api: FakeApi, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kdns.cluster.watch.GRACE", 0.05)
    async with follow(api, call=0.0, bookmark=0.01) as following:
        await following.has()
        await until(lambda: len(following.calls()) >= 3)
        assert len(following.lists()) == 1
        api.store.put(service("a"))
        await following.has(a="x")


async def test_events_that_were_lost_without_a_sign_are_found_by_the_audit(api: FakeApi) -> None:
    fill(api, 2)
    async with follow(api, audit=1000.0) as following:
        await following.has(s0="x", s1="x")
        api.withheld = 2
        api.store.delete("services", "s0", "n")
        api.store.put(service("lost"))
        api.store.put(service("seen"))
        await following.has(s0="x", s1="x", seen="x")
        for count in (2, 3, 4):
            following.time.now += 400
            api.end_watches()
            await until(partial(lambda count: len(following.calls()) == count, count))
        await following.has(s1="x", seen="x", lost="x")
        assert len(following.lists()) == 2
        assert following.time.slept == []


@pytest.mark.parametrize("fault", [{"status": 500}, {"status": 429}, {"cut": 100}])
async def test_an_audit_that_fails_does_not_end_the_watch(api: FakeApi, fault: dict[str, int]) -> None:
    fill(api, 1)
    async with follow(api, audit=1000.0) as following:
        await following.has(s0="x")
        audits = [Fault("watch", **fault), Fault("list", **fault)]  # type: ignore[arg-type]
        api.faults += audits
        following.time.now += 1000
        api.end_watches()
        await until(lambda: len(following.calls()) == 3)
        assert "sendInitialEvents" in following.calls()[1].params
        assert following.calls()[2].params["resourceVersion"] == "1001"
        api.store.put(service("a"))
        await following.has(s0="x", a="x")
        lists = len(following.lists())
        following.time.now += 1000
        api.end_watches()
        await until(lambda: len(following.lists()) > lists)


async def test_a_watch_that_is_granted_ends_the_failure_before_anything_happens(api: FakeApi) -> None:
    async with follow(api, sleeps=1) as following:
        await following.has()
        api.faults.append(Fault("watch", times=2, status=429))
        following.time.now += 100
        api.end_watches()
        await until(lambda: following.time.held)
        assert following.reflector.failure == "fault 429"
        following.time.release()
        await until(lambda: following.reflector.failure == "")
        assert following.reflector.fresh_at == 0.0


@pytest.mark.parametrize("line", [b"garbage\n", b'{"type":"NEWS","object":{}}\n', b'{"type":"ADDED"}\n', b"[1]\n"])
async def test_a_line_that_cannot_be_read_is_a_gap(api: FakeApi, line: bytes) -> None:
    async with follow(api) as following:
        await following.has()
        api.withheld = 1
        api.store.put(service("lost"))
        api.send(line)
        await following.has(lost="x")
        assert following.time.slept == [0.8]


async def test_empty_lines_mean_nothing(api: FakeApi) -> None:
    async with follow(api) as following:
        await following.has()
        api.send(b"\n\n")
        api.store.put(service("a"))
        await following.has(a="x")
        assert len(api.seen) == 1


@pytest.mark.parametrize("streaming", [True, False])
async def test_half_objects_are_reported_once_and_skipped(
    api: FakeApi, streaming: bool, caplog: pytest.LogCaptureFixture
) -> None:
    api.streaming = streaming
    fill(api, 1)
    async with follow(api) as following:
        await following.has(s0="x")
        await open_watch(api)
        half = service("s0") | {"spec": {"ports": "none"}}
        for _ in range(3):
            api.store.put(half)
        api.store.put(service("a"))
        await following.has(s0="x", a="x")
        api.send(error_line(410))
        api.store.put(service("b"))
        await following.has(s0="x", a="x", b="x")
        assert len(following.time.slept) == 1
    skipped = [message for message in caplog.messages if message.startswith("Skipping")]
    assert len(skipped) == 1
    assert skipped[0].startswith("Skipping an object that cannot be used: Service n/s0: ")


async def test_reports_of_half_objects_have_a_bound(
    api: FakeApi, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kdns.cluster.watch.MAX_REPORTED", 2)
    for n in range(5):
        api.store.put(service(f"s{n}") | {"spec": 1})
    async with follow(api) as following:
        await following.has()
    assert [message[:8] for message in caplog.messages] == ["Skipping", "Skipping", "No more "]


async def test_a_deleted_object_with_an_unknown_final_state(api: FakeApi) -> None:
    fill(api, 1)
    async with follow(api) as following:
        await following.has(s0="x")
        metadata = {"name": "s0", "namespace": "n", "resourceVersion": "2000"}
        api.send(msgspec.json.encode({"type": "DELETED", "object": {"metadata": metadata, "spec": 7}}) + b"\n")
        await following.has()


@pytest.mark.parametrize("status", [500, 503, 504])
async def test_an_error_in_the_stream_is_answered_by_a_load(
    api: FakeApi, status: int, caplog: pytest.LogCaptureFixture
) -> None:
    async with follow(api) as following:
        await following.has()
        api.withheld = 1
        api.store.put(service("lost"))
        api.send(error_line(status, "etcd is ill"))
        await following.has(lost="x")
        assert following.time.slept == [0.8]
    assert "Failed to watch: watch of *v1.Service: etcd is ill" in caplog.messages


async def test_missing_rights_are_told_and_waited_for(api: FakeApi, caplog: pytest.LogCaptureFixture) -> None:
    api.denied = {("list", "services"), ("watch", "services")}
    fill(api, 1)
    async with follow(api, sleeps=1) as following:
        await until(lambda: following.time.held)
        assert not following.mirror.synced
        api.denied.clear()
        following.time.release()
        await following.has(s0="x")
    message = (
        'Failed to watch: failed to list *v1.Service: services is forbidden: User "system:serviceaccount:kube-system:'
        'coredns" cannot list resource "services" in API group "" at the cluster scope'
    )
    assert caplog.messages == [message, message]


async def test_the_right_to_list_alone_is_used(api: FakeApi, caplog: pytest.LogCaptureFixture) -> None:
    api.denied = {("watch", "services")}
    async with follow(api, sleeps=0) as following:
        await until(lambda: following.time.held)
        assert following.mirror.synced
        assert 'cannot watch resource "services"' in following.reflector.failure
        api.store.put(service("a"))
        following.time.release()
        await following.has(a="x")
    assert "watch of *v1.Service: services is forbidden" in caplog.messages[0]


async def test_selectors_are_the_servers_work(api: FakeApi) -> None:
    api.store.put(service("yes", app="web"))
    api.store.put(service("no", app="db"))
    async with follow(api, selector="app in (web,shop)") as following:
        await following.has(yes="x")
        api.store.put(service("no", "y", app="shop"))
        await following.has(yes="x", no="y")
        api.store.put(service("yes", "y", app="db"))
        await following.has(no="y")
        assert api.seen[0].params["labelSelector"] == "app in (web,shop)"
    async with follow(api, kind=PODS):
        await until(lambda: api.requests("watch", "pods"))
        assert api.seen[-1].params["fieldSelector"] == (
            "status.phase!=Succeeded,status.phase!=Failed,status.phase!=Unknown"
        )


@pytest.mark.parametrize("streaming", [True, False])
async def test_byte_by_byte(api: FakeApi, streaming: bool) -> None:
    api.streaming = streaming
    expected = fill(api, 4)
    api.faults.append(Fault(slow=True))
    api.faults.append(Fault("list", slow=True))
    async with follow(api) as following:
        await following.has(**expected)


async def test_a_load_that_breaks_off_takes_nothing_away(api: FakeApi) -> None:
    expected = fill(api, 600)
    async with follow(api, sleeps=1) as following:
        await following.has(**expected)
        following.forgotten.clear()
        api.faults.append(Fault("watch", cut=20_000))
        api.faults.append(Fault("list", cut=20_000))
        api.store.compact()
        api.send(error_line(410))
        await until(lambda: following.time.held)
        assert following.services == expected
        following.time.release()
        await until(lambda: following.reflector.failure == "")
        assert following.services == expected
        assert following.forgotten == set()


async def test_the_loop_gets_its_turns_while_a_long_list_is_taken_over(api: FakeApi) -> None:
    fill(api, 5000)
    api.whole = True
    for streaming in (True, False):
        api.streaming = streaming
        async with follow(api) as following:
            seen: set[int] = set()
            while not following.mirror.synced:
                seen.add(len(following.services))
                await asyncio.sleep(0)
            steps = sorted({0, *seen, 5000})
            assert max(after - before for before, after in pairwise(steps)) <= 500


async def test_cancelling_ends_everything(api: FakeApi) -> None:
    fill(api, 1)
    async with follow(api) as following:
        await following.has(s0="x")
        await open_watch(api)
    await until(lambda: not api.watchers)
