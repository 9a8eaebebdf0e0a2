"""From the `ask` lines of a set-up to questions."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.conformance.beside import names, questions
from tests.conformance.beside.setups import HERE, Setup
from tests.conformance.rows import Row

MANY = "many.vendor.example."
"""A name of the upstream with more addresses than a datagram of 512 octets has room for."""


FEW = 8
"""One name of so many is asked where a few are enough."""


def rows(setup: Setup, objects: Sequence[Mapping[str, Any]]) -> Iterator[Row]:
    """The questions of a set-up; `objects` are those of the cluster."""
    client = questions.CLIENT
    key: tuple[str, ...] = ()
    for word, *rest in setup.asks:
        match [word, *rest]:
            case ["from", client]:
                pass
            case ["signed", *words]:
                key = tuple(words)
            case ["ask", *words]:
                for row in _asked(words, objects, client):
                    yield Row({**row.given, "key": key}) if key else row


def _asked(words: list[str], objects: Sequence[Mapping[str, Any]], client: str) -> Iterator[Row]:
    match words:
        case ["external", zone]:
            yield from questions.some_of(names.external(objects, zone), client=client)
        case ["walks"]:
            yield from questions.some_of(_walks(), ("A", "AAAA", "SRV", "TXT"), client)
        case ["all", *part]:
            yield from questions.all_of(_names(part, objects), client=client)
        case ["some", *part]:
            yield from questions.some_of(_names(part, objects), client=client)
        case [name, *kinds]:
            yield from _given(name, kinds, client)


def _names(part: list[str], objects: Sequence[Mapping[str, Any]]) -> Iterable[str]:
    match part:
        case ["cluster", zone]:
            return names.cluster(objects, zone)
        case ["few", zone]:
            return list(names.cluster(objects, zone))[::FEW]
        case ["reverse"]:
            return names.reverse(objects)
        case ["outside"]:
            return _outside()
        case ["hosts"]:
            return _hosts()
        case ["zone", zone]:
            return _zone(zone)
        case ["names", *given]:
            return given
        case ["near", *given]:
            return dict.fromkeys(name for around in given for name in names.near(around))
    raise ValueError(f"setups.txt: no names of {' '.join(part)}")


def _given(name: str, words: list[str], client: str) -> Iterator[Row]:
    given = {key: value for key, found, value in (word.partition("=") for word in words) if found}
    for kind in words:
        if "=" not in kind:
            yield questions.question(name, kind, "given", client, **given)


def _outside() -> Iterator[str]:
    """Names that the upstream has, and some that it has not."""
    lines = (HERE / "upstream.txt").read_text().splitlines()
    yield from dict.fromkeys(line.split()[0] for line in lines)
    yield from (MANY, "missing.vendor.example.", "a.b.missing.vendor.example.", "vendor.example.", "org.", ".")
    yield from ("x.www.example.org.", "example.test.", "1.2.0.192.in-addr.arpa.", "cluster.local.example.org.")


def _hosts() -> Iterator[str]:
    found = [word for line in Path(HERE / "files/hosts").read_text().splitlines() for word in line.split()[1:]]
    yield from (f"{name.replace('*', 'a')}." for name in found)
    yield from ("a.b.wild.hosts.test.", "wild.hosts.test.", "none.hosts.test.", "hosts.test.", "ONE.hosts.TEST.")
    yield from ("inline.hosts.test.", "test.", "11.2.0.192.in-addr.arpa.", "3.2.1.10.in-addr.arpa.")


def _zone(zone: str) -> Iterator[str]:
    path = HERE / "files" / zone.rstrip(".")
    lines = (path if path.exists() else HERE / "files/zone.test").read_text().splitlines()
    relative = dict.fromkeys(line.split()[0] for line in lines if line[0] not in " $")
    yield zone
    yield from (f"{name.replace('*', 'any')}.{zone}" for name in relative if name != "@")
    yield from (f"{name}.{zone}" for name in ("none", "x.www", "a.b.wild", "wild", "b.empty", "empty", "x.b.empty"))
    yield from (f"{name}.{zone}" for name in ("a.sub", "b.a.sub", "x.dname", "x.host.wild", "*.wild", "_tcp", "WWW"))


def _walks() -> Iterator[str]:
    """What a resolver with the search path of a pod in `shop` asks."""
    for name in ("web", "db", "web.payments", "web.payments.svc", "www.example.org", "missing.vendor.example", "lost"):
        yield from (
            f"{name}.shop.svc.cluster.local.",
            f"{name}.svc.cluster.local.",
            f"{name}.cluster.local.",
            f"{name}.",
        )
    yield from ("shop.svc.cluster.local.", "x.payments.svc.cluster.local.")
