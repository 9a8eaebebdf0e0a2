"""The two servers, kdns and the other, started with one set-up, and what is around them: a cluster and a resolver."""

import asyncio
import re
import shutil
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from kdns.net.sockets import own_addresses
from tests.conformance.beside import distributions
from tests.conformance.beside.asked import MANY
from tests.conformance.beside.asking import ask_all
from tests.conformance.beside.compare import read
from tests.conformance.beside.questions import question
from tests.conformance.beside.setups import HERE, Setup
from tests.distributions.answering import answering
from tests.integration.running import PROGRAM
from tests.kit import mmdb
from tests.kit.api import FakeApi
from tests.kit.manifests import endpoints, service
from tests.kit.upstream import FakeUpstream, unused_port
from tests.scenarios.statements import Line, Place, Statement
from tests.scenarios.subjects import Command, Running, Subject
from tests.scenarios.table import Table

PATIENCE = 20.0
"""Seconds until a server that was started has its cluster."""
KDNS = f"{PROGRAM} -conf {{corefile}} -dns.port {{port}}"

PLACES = {
    "127.0.0.0/30": {
        "city": {"names": {"en": "Cambridge"}},
        "continent": {"code": "EU", "names": {"en": "Europe"}},
        "country": {"iso_code": "GB", "names": {"en": "United Kingdom"}, "is_in_european_union": False},
        "location": {"latitude": 52.2242, "longitude": 0.1315, "time_zone": "Europe/London"},
        "postal": {"code": "CB4"},
        "subdivisions": [{"iso_code": "ENG"}, {"iso_code": "CAM"}],
    },
    "127.0.0.4/30": {"country": {"iso_code": "FR", "is_in_european_union": True}, "continent": {"code": "EU"}},
    "10.0.0.0/8": {"country": {"iso_code": "US"}, "continent": {"code": "NA"}},
}
"""What `geoip` finds; nothing about other networks."""


class World(NamedTuple):
    """What all set-ups share."""

    objects: list[Any]
    api: str
    upstream: str
    servers: Mapping[str, str]
    """Name servers that have one address for everything, by it."""


def host() -> str:
    """An address of this machine."""
    return next((address for address in own_addresses() if "." in address), "127.0.0.1")


def objects(paths: Sequence[Path] = ()) -> list[Any]:
    """The objects of YAML files; by default the cluster that stands beside this module."""
    found: list[Any] = []
    for path in paths or (HERE / "cluster.yaml",):
        for document in yaml.load_all(path.read_text().replace("${HOST}", host()), yaml.CSafeLoader):
            found += document if isinstance(document, list) else [document] if document else []
    found += () if paths else _big()
    for item in found:
        _fill(item)
    return found


def _fill(item: dict[str, Any]) -> None:
    """What an API server adds: the protocol of ports, and the type of a Service."""
    if item["kind"] == "Service":
        item["spec"].setdefault("type", "ClusterIP")
    for part in (item, item.get("spec") or {}):
        for port in part.get("ports") or ():
            port.setdefault("protocol", "TCP")


def _big() -> Iterator[dict[str, Any]]:
    addresses = [f"10.244.7.{number}" for number in range(1, 41)]
    yield service("shop", "big", ("None",), {"http": 80})
    yield endpoints("shop", "big", dict.fromkeys(addresses, ""), {"http": 80})


@asynccontextmanager
async def world(found: list[Any], api_port: int = 0, upstream_port: int = 0) -> AsyncIterator[World]:
    """The API server and the resolver, running."""
    lines = (HERE / "upstream.txt").read_text().splitlines()
    lines += [f"{MANY} 60 A 192.0.2.{number}" for number in range(100, 160)]
    table = Table()
    body = tuple(Line(number, line) for number, line in enumerate(lines, 1))
    table.replace(Statement(Place("upstream.txt", 1), "upstream", (), body))
    api = FakeApi()
    await api.start(port=api_port)
    try:
        api.store.load({"apiVersion": "", **item} for item in found)
        async with FakeUpstream(table.script, port=upstream_port) as upstream, AsyncExitStack() as stack:
            servers = {
                answer: f"127.0.0.1:{(await stack.enter_async_context(answering(answer))).port}"
                for answer in distributions.answers()
            }
            yield World(found, api.url, f"127.0.0.1:{upstream.port}", servers)
    finally:
        await api.stop()


def subject(other: str) -> Subject:
    """The other server: a command, or the address of one that runs already."""
    return Running(other, "udp") if re.fullmatch(r"[\w.:\[\]]+:\d+", other) else Command(other, "udp")


@asynccontextmanager
async def both(setup: Setup, world: World, other: str, folder: Path) -> AsyncIterator[tuple[int, int]]:
    """Ports of kdns and of the other server, each running with a set-up and with its cluster loaded."""
    async with AsyncExitStack() as stack:
        ports = []
        for number, made in enumerate((Command(KDNS, "udp"), subject(other))):
            place = folder / str(number)
            shutil.copytree(HERE / "files", place)
            mmdb.write(place / "places.mmdb", "GeoLite2-City", PLACES)
            values: dict[str, object] = {"API": world.api, "UPSTREAM": world.upstream, "DIR": place, "HOST": host()}
            values |= {"PORT": made.port} | {f"FREE{free}": unused_port() for free in range(1, 5)}
            stack.push_async_callback(made.stop)
            await made.start(setup.write(place, values, world.servers))
            ports.append(made.port)
        for port in ports:
            await _ready(setup, port)
        yield ports[0], ports[1]


async def _ready(setup: Setup, port: int) -> None:
    probe = question(*setup.probe)
    async with asyncio.timeout(PATIENCE):
        while read((await ask_all([probe], [port], "udp"))[0][0]).rcode != "NOERROR":  # noqa: ASYNC110 - a process
            await asyncio.sleep(0.05)
