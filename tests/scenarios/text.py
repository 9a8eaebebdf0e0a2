"""Reads scenario files: text in, steps with their places out. The format is described in `test_scenarios.py`."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import dns.exception
import dns.name
import dns.rdatatype
import yaml

from tests.scenarios.reply import Expected, Names, read_expected
from tests.scenarios.statements import COUNTS, Line, Place, Statement, statements

_FLAGS = {"tcp", "udp", "do", "cd", "ad", "norecurse", "turning", "inorder"}
_VALUES = {"edns", "version", "class", "opcode", "option"}


@dataclass(frozen=True, slots=True)
class Question:
    """`ask` and `raw`: queries, each of which has the same expected reply, which is another for some servers."""

    place: Place
    name: str
    types: tuple[str, ...]
    options: dict[str, str]
    expected: Expected
    differs: dict[str, Expected] = field(default_factory=dict)

    def wanted_of(self, server: str) -> Expected:
        return self.differs.get(server, self.expected)


@dataclass(frozen=True, slots=True)
class Asked:
    """`asked`: how often an upstream was asked a question."""

    place: Place
    upstream: str
    name: str
    rtype: str
    times: int


Step = Statement | Question | Asked


@dataclass(slots=True)
class Scenario:
    """A conversation."""

    name: str
    file: str
    steps: list[Step] = field(default_factory=list)
    corefile: Statement | None = None
    only: dict[str, str] = field(default_factory=dict)


def read(path: Path) -> Scenario:
    """A scenario of a file. Raises `ScenarioError`."""
    return parse(path.read_text(), str(path.name))


def parse(text: str, file: str) -> Scenario:
    """A scenario of a text. Raises `ScenarioError`."""
    scenario, names = Scenario(file.removesuffix(".scenario"), file), Names()
    for statement in statements(text, file):
        place, args = statement.place, statement.args
        match statement.word:
            case "$ORIGIN":
                names = Names(_name(_one(statement), dns.name.root, place), names.ttl)
            case "$TTL":
                names = Names(names.origin, _number(_one(statement), place))
            case "corefile":
                scenario.corefile = statement
            case "only":
                server, _, reason = " ".join(args).partition(": ")
                if not reason:
                    raise place.error("only SERVER: REASON")
                scenario.only[server] = reason
            case "ask" | "raw":
                scenario.steps.append(_question(statement, names))
            case "asked":
                scenario.steps.append(_asked(statement, names))
            case _:
                scenario.steps.append(_checked(statement))
    if not any(isinstance(step, Question) for step in scenario.steps):
        raise Place(file, 1).error("a scenario asks at least one question")
    return scenario


def _checked(statement: Statement) -> Statement:
    least, most = COUNTS[statement.word]
    if not least <= len(statement.args) <= most:
        raise statement.place.error(f"{statement.word!r} takes {least} to {most} words, not {len(statement.args)}")
    if statement.word == "apply":
        objects(statement)
    if statement.word == "wait":
        seconds(statement)
    return statement


def objects(statement: Statement) -> list[dict[str, Any]]:
    """The Kubernetes objects of an `apply`: documents, each an object or a list of objects."""
    first = statement.body[0].number
    found: list[Any] = []
    try:
        for document in yaml.load_all(statement.text, yaml.CSafeLoader):
            found += document if isinstance(document, list) else [document] if document else []
    except yaml.MarkedYAMLError as error:
        line = first + (error.problem_mark.line if error.problem_mark else 0)
        raise statement.place.at(min(line, statement.body[-1].number)).error(f"not YAML: {error.problem}") from None
    for each in found:
        metadata = each.get("metadata") if isinstance(each, dict) else None
        if not isinstance(metadata, dict) or "kind" not in each or "name" not in metadata:
            raise statement.place.at(first).error(f"an object needs kind and metadata.name: {each!r:.80}")
    return found


def seconds(statement: Statement) -> float:
    """How long to `wait`."""
    try:
        return float(statement.args[0].removesuffix("s"))
    except ValueError:
        raise statement.place.error(f"{statement.args[0]!r} is no number of seconds") from None


def _question(statement: Statement, names: Names) -> Question:
    place, args = statement.place, list(statement.args)
    if not args:
        raise place.error(f"{statement.word!r} needs what to ask")
    name = args.pop(0)
    types: list[str] = []
    options: dict[str, str] = {}
    if statement.word == "raw":
        try:
            options["raw"] = bytes.fromhex(name).hex()
        except ValueError:
            raise place.error(f"{name!r} is not hexadecimal") from None
        types, name = ["RAW"], "."
    for word in args:
        key, _, value = word.partition("=")
        if word in _FLAGS or (value and key in _VALUES):
            options[key] = value
        elif word.isupper() and "raw" not in options and _is_type(word):
            types.append(word)
        else:
            raise place.error(f"{word!r} is neither a type nor an option of a question")
    if not types:
        raise place.error("which type?")
    asked = _name(name, names.origin, place).to_text()
    main, others = _split(statement)
    wanted = _expected(main, asked, names, place)
    differs = {
        server: _expected(lines, asked, names, place.at(at.number), reason) for at, server, reason, lines in others
    }
    return Question(place, asked, tuple(types), options, wanted, differs)


Other = tuple[Line, str, str, list[Line]]


def _split(statement: Statement) -> tuple[list[Line], list[Other]]:
    """What is expected of all servers, and of some: the deeper block under `differs SERVER: REASON`."""
    main: list[Line] = []
    others: list[Other] = []
    for line in statement.body:
        words = line.text.split(maxsplit=1)
        if others and (not words or line.depth > others[-1][0].depth):
            others[-1][3].append(line)
        elif words and words[0] == "differs":
            server, colon, reason = words[-1].partition(":")
            if not colon or not reason.strip():
                raise statement.place.at(line.number).error("differs SERVER: REASON")
            others.append((line, server.strip(), reason.strip(), []))
        else:
            main.append(line)
    return main, others


def _expected(lines: list[Line], asked: str, names: Names, place: Place, reason: str = "") -> Expected:
    written = [(line.number, line.text.partition(" #")[0].split()) for line in lines]
    at = place.line
    expected = Expected(reason)
    try:
        for number, words in written:
            at = number
            if words and not words[0].startswith("#"):
                read_expected(expected, words, asked, names)
    except (ValueError, dns.exception.DNSException) as error:
        raise place.at(at).error(str(error) or type(error).__name__) from None
    if not expected.rcode:
        raise place.error("which reply is expected? (NOERROR aa, ..., or: no reply)")
    return expected


def _asked(statement: Statement, names: Names) -> Asked:
    args, place = list(statement.args), statement.place
    upstream = args.pop(0) if len(args) == 4 else "UPSTREAM"
    if len(args) != 3:
        raise place.error("asked [UPSTREAM] NAME TYPE TIMES")
    return Asked(place, upstream, _name(args[0], names.origin, place).to_text(), args[1], _number(args[2], place))


def _one(statement: Statement) -> str:
    if len(statement.args) != 1:
        raise statement.place.error(f"{statement.word!r} takes one word")
    return statement.args[0]


def _number(text: str, place: Place) -> int:
    if not text.isdecimal():
        raise place.error(f"{text!r} is no number")
    return int(text)


def _name(text: str, origin: dns.name.Name, place: Place) -> dns.name.Name:
    try:
        return dns.name.from_text(text, origin)
    except dns.exception.DNSException as error:
        raise place.error(f"{text!r} is no name: {error}") from None


def _is_type(word: str) -> bool:
    try:
        return bool(dns.rdatatype.from_text(word))
    except dns.exception.DNSException:
        return False
