"""What stands around a server while a scenario runs: API server, upstreams, a folder, and the questions put to it."""

import asyncio
import re
from collections.abc import Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, Self

import dns.message
import yaml

from tests.conformance.rows import Row
from tests.kit.api import FakeApi
from tests.kit.faults import Fault
from tests.kit.store import BY_KIND, BY_PLURAL
from tests.kit.upstream import FakeUpstream
from tests.scenarios import text
from tests.scenarios.reply import Expected, differences, read_reply
from tests.scenarios.statements import Place, Statement
from tests.scenarios.subjects import Running, Subject
from tests.scenarios.table import Table

DEFAULT = """\
. {
    errors
    kubernetes cluster.local in-addr.arpa ip6.arpa {
        endpoint ${API}
        pods insecure
        fallthrough in-addr.arpa ip6.arpa
        ttl 5
    }
    forward . ${UPSTREAM}
}
"""
"""The Corefile of scenarios that have none."""

SETTLE = 5.0
"""Seconds that a change may take to be seen; 90 for a server that has to come back to an API server that went away."""

PLACES = Path(__file__).parents[2] / "deploy" / "demo" / "places.mmdb"

PATIENCE = 3.0
SILENCE = 0.3
TURNS = 200


class World:
    """A scenario with a server, and with an API server of its own if none is given: an async context, then `run`."""

    def __init__(
        self,
        scenario: text.Scenario,
        subject: Subject,
        folder: Path,
        api: FakeApi | None = None,
        upstream_port: int = 0,
    ) -> None:
        self.scenario = scenario
        self.subject = subject
        self.folder = folder
        self.api = api or FakeApi()
        self.tables: dict[str, Table] = {"UPSTREAM": Table()}
        self.resolvers: dict[str, FakeUpstream] = {}
        self._own_api = api is None
        self._upstream_port = upstream_port
        self._stack = AsyncExitStack()
        self._changed = False
        self._started = False
        self._settle = 90.0 if isinstance(subject, Running) else SETTLE

    async def __aenter__(self) -> Self:
        for step in self.scenario.steps:
            if isinstance(step, Statement) and step.word == "upstream" and step.args:
                self.tables[step.args[0]] = Table()
        if self._own_api:
            await self.api.start()
            self._stack.push_async_callback(self.api.stop)
        for name, table in self.tables.items():
            port = self._upstream_port if name == "UPSTREAM" else 0
            self.resolvers[name] = await self._stack.enter_async_context(FakeUpstream(table.script, port=port))
        self._stack.push_async_callback(self.subject.stop)
        return self

    async def __aexit__(self, *error: object) -> None:
        await self._stack.aclose()

    async def run(self) -> None:
        """Go through the conversation. Raises `AssertionError` at the first reply that is wrong."""
        for step in self.scenario.steps:
            match step:
                case text.Question():
                    await self._start()
                    await self._ask_all(step)
                case text.Asked():
                    self._count(step)
                case _:
                    await self._change(step)
                    self._changed = True

    async def _start(self) -> None:
        if self._started:
            return
        self._started = True
        self._changed = isinstance(self.subject, Running)
        corefile = self.folder / "Corefile"
        given = self.scenario.corefile
        corefile.write_text(self._filled(given.text if given else DEFAULT, given))
        await self.subject.start(corefile)

    async def _change(self, statement: Statement) -> None:
        args = statement.args
        match statement.word:
            case "apply":
                for item in text.objects(statement):
                    self._put(yaml.safe_load(self._filled(yaml.safe_dump(item), statement)), statement)
            case "delete":
                self._delete(statement)
            case "upstream":
                name = args[0] if args else "UPSTREAM"
                self.tables[name].replace(statement)
                self.resolvers[name].asks.clear()
            case "file":
                path = self.folder / args[0]
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(self._filled(statement.text, statement))
            case "remove":
                (self.folder / args[0]).unlink()
            case "reload":
                await self.subject.reload()
            case "wait":
                await self.subject.wait(text.seconds(statement))
            case "api":
                await self._turn_api(statement)

    async def _turn_api(self, statement: Statement) -> None:
        match statement.args:
            case ("down",):
                await self.api.stop()
            case ("up",):
                self.api.faults.clear()
                await self.api.start(port=self.api.port)
            case ("refuse", status) if status.isdecimal():
                self.api.faults.append(Fault(status=int(status), times=1_000_000))
                self.api.end_watches()
            case ("serve",):
                self.api.faults.clear()
            case ("cut",):
                self.api.end_watches(broken=True)
            case ("compact",):
                self.api.store.compact()
            case _:
                raise statement.place.error("api down|up|refuse STATUS|serve|cut|compact")

    def _put(self, item: dict[str, Any], statement: Statement) -> None:
        kind = str(item["kind"])
        if kind not in BY_KIND:
            raise statement.place.error(f"no kind {kind!r} is served")
        whole = {"apiVersion": BY_KIND[kind].api_version, **item}
        change = self.api.store.put(whole)
        assert change.after is not None
        if self._mirrored:
            self._manifest(kind, change.after.key).write_text(yaml.safe_dump(whole))

    def _delete(self, statement: Statement) -> None:
        kind, (namespace, _, name) = statement.args[0], statement.args[1].rpartition("/")
        try:
            self.api.store.delete(BY_KIND[kind].plural, name, namespace)
        except KeyError:
            raise statement.place.error(f"there is no {kind} {statement.args[1]!r}") from None
        if self._mirrored:
            self._manifest(kind, (namespace, name)).unlink()

    @property
    def _mirrored(self) -> bool:
        return self.scenario.corefile is not None and "${MANIFESTS}" in self.scenario.corefile.text

    def _manifest(self, kind: str, key: tuple[str, str]) -> Path:
        folder = self.folder / "manifests"
        folder.mkdir(exist_ok=True)
        return folder / f"{BY_PLURAL[BY_KIND[kind].plural].kind}-{'-'.join(key)}.yaml"

    def _filled(self, given: str, statement: Statement | None) -> str:
        values = {
            "API": self.api.url,
            "MANIFESTS": str(self.folder / "manifests"),
            "DIR": str(self.folder),
            "HOST": self.subject.host,
            "PORT": str(self.subject.port),
            "PLACES": str(PLACES),
        } | {name: f"127.0.0.1:{resolver.port}" for name, resolver in self.resolvers.items()}

        def value(match: re.Match[str]) -> str:
            if match[1] not in values:
                place = statement.place if statement else Place("default", 1)
                raise place.error(f"{match[0]} stands for nothing; there are {', '.join(sorted(values))}")
            return values[match[1]]

        return re.sub(r"\$\{(\w+)\}", value, given)

    def _count(self, asked: text.Asked) -> None:
        resolver = self.resolvers.get(asked.upstream)
        if resolver is None:
            raise asked.place.error(f"there is no upstream {asked.upstream}")
        questions = [dns.message.from_wire(ask.message).question[0] for ask in resolver.asks]
        times = sum(
            (str(question.name).lower(), question.rdtype.name) == (asked.name.lower(), asked.rtype)
            for question in questions
        )
        resolver.asks.clear()
        if times != asked.times:
            raise AssertionError(f"{_at(asked.place)}: {asked.name} {asked.rtype} asked {times} times")

    async def _ask_all(self, question: text.Question) -> None:
        expected = question.wanted_of(self.subject.name)
        for number, rtype in enumerate(question.types):
            query = _query(question, rtype, ident=question.place.line << 5 | number)
            wrong = await self._ask(query, question, expected)
            if not wrong and "turning" in question.options:
                wrong = await self._turns(query, question, expected)
            if wrong:
                raise AssertionError(
                    "\n".join([f"{_at(question.place)}: {question.name} {rtype}", *wrong, self.subject.notes()])
                )

    async def _ask(self, query: bytes, question: text.Question, expected: Expected) -> list[str]:
        """Ask until the reply is right, if something was changed; else once."""
        until = asyncio.get_running_loop().time() + (self._settle if self._changed else 0.0)
        while True:
            reply = await self._exchange(query, question, expected)
            wrong = differences(expected, query, reply, ordered="inorder" in question.options)
            if not wrong or asyncio.get_running_loop().time() >= until:
                return wrong
            await asyncio.sleep(0.01)

    async def _exchange(self, query: bytes, question: text.Question, expected: Expected) -> bytes | None:
        proto = next((proto for proto in ("udp", "tcp") if proto in question.options), "")
        return await self.subject.ask(query, proto, SILENCE if expected.rcode == "NONE" else PATIENCE)

    async def _turns(self, query: bytes, question: text.Question, expected: Expected) -> list[str]:
        """Whether each answer comes first sooner or later, in replies that are right."""
        last = {record.data for record in expected.records["answer"]}
        for _ in range(TURNS):
            reply = await self._exchange(query, question, expected)
            if wrong := differences(expected, query, reply):
                return wrong
            assert reply is not None
            last -= {_first(reply, expected)}
            if not last:
                return []
        return [f"in {TURNS} replies never first: {', '.join(map(str, last))}"]


def _first(reply: bytes, expected: Expected) -> str:
    kind = expected.records["answer"][0].rtype
    return next(str(rrset[0]) for rrset in read_reply(reply).answer if rrset.rdtype.name == kind)


def _query(question: text.Question, rtype: str, ident: int) -> bytes:
    options = question.options
    if "raw" in options:
        return bytes.fromhex(options["raw"])
    given: dict[str, object] = {"id": "", "name": question.name, "type": rtype, "rd": "norecurse" not in options}
    given |= {key: True for key in ("cd", "ad") if key in options}
    given |= {key: options[key] for key in ("class", "opcode") if key in options}
    if options.keys() & {"edns", "do", "version", "option"}:
        edns: dict[str, object] = {"size": int(options.get("edns", 1232)), "do": "do" in options}
        edns["version"] = int(options.get("version", 0))
        if "option" in options:
            code, _, data = options["option"].partition(":")
            edns["options"] = [{"code": int(code), "data": data}]
        given["edns"] = edns
    return Row(given).query(ident & 0xFFFF)


def _at(place: Place) -> str:
    return f"{place.file}:{place.line}"


def clear(api: FakeApi) -> None:
    """Delete all objects."""
    for plural, objects in api.store.objects.items():
        for namespace, name in tuple(objects):
            api.store.delete(plural, name, namespace)


def scenarios(folder: Path) -> Iterator[Path]:
    """The scenario files of a folder."""
    yield from sorted(folder.glob("*.scenario"))
