import asyncio
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from kdns.plugins.tls.certificate import Certificate, read
from kdns.plugins.tls.domains import Domains
from kdns.plugins.tls.order import Orders
from kdns.server import build
from kdns.server.instance import Instance
from kdns.server.source import Input
from kdns.wire import codes
from kdns.wire.message import read_message
from tests.kit.acme import Root
from tests.kit.chain import process
from tests.kit.house import Ends, packet
from tests.kit.until import until

NAME = "_acme-challenge.dns.example"
COREFILE = """
.:53 {{
    whoami
}}
tls://.:853 {{
    tls {{
        acme dns.example
        storage {storage}
    }}
    whoami
}}
"""


def made(folder: Path, first: Instance | None = None) -> tuple[Instance, Domains]:
    """An instance, and what it has; of a further process beside the first one."""
    outside = process(time=time.time)
    corefile = build.read(Input(COREFILE.format(storage=folder), "Corefile"), outside)
    instance = build.build(corefile, outside, 53, first.sites if first else ())
    (found,) = [thing for thing in instance.offers() if isinstance(thing, Domains)]
    return instance, found


def values(instance: Instance) -> int:
    """How many values are in the DNS, as an instance sees it; asked twice, as replies may be kept."""
    service = instance.service(instance.listeners[0], "udp", 1)
    query, found = packet(NAME, "TXT"), []
    for _ in range(2):
        reply = service.hit(query) or service.miss(query, Ends())
        assert reply is not None
        found.append(sum(record.type == codes.TXT for record in read_message(reply).answer))
    assert found[0] == found[1]
    return found[0]


async def test_further_processes_show_what_the_first_one_proves(tmp_path: Path) -> None:
    first, domains = await asyncio.to_thread(made, tmp_path)
    domains.challenges.present("dns.example", "early")
    other, follower = await asyncio.to_thread(made, tmp_path, first)
    silence = domains.inform(follower.learn)
    assert [values(each) for each in (first, other)] == [1, 1]
    domains.challenges.present("dns.example", "late")
    assert [values(each) for each in (first, other)] == [2, 2]
    domains.challenges.withdraw("dns.example", "early")
    domains.challenges.withdraw("dns.example", "late")
    assert [values(each) for each in (first, other)] == [0, 0]
    silence()
    domains.challenges.present("dns.example", "alone")
    assert [values(each) for each in (first, other)] == [1, 0]


async def test_the_first_process_orders_and_all_show_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[tuple[str, str]] = []

    def noted(name: str, changed: Callable[[str], None]) -> Callable[[str], None]:
        def note(domain: str) -> None:
            shown.append((name, domain))
            changed(domain)

        return note

    root = Root(lambda: time.time() - 60)
    first, domains = await asyncio.to_thread(made, tmp_path)
    other, follower = await asyncio.to_thread(made, tmp_path, first)
    for name, each in (("first", domains), ("other", follower)):
        (only,) = each._shown.values()
        monkeypatch.setattr(only, "_changed", noted(name, only._changed))
    domains.inform(follower.learn)

    async def place(self: Orders, domain: str) -> Certificate:
        return read(domain, *root.pair(domain))

    monkeypatch.setattr(Orders, "place", place)
    for instance in (first, other):
        await instance.start()
        await instance.serving()
    await until(lambda: len(shown) == 2)
    assert shown == [("first", "dns.example"), ("other", "dns.example")]
    for instance in (other, first):
        await instance.end()
