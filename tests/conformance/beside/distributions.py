"""The Corefiles of distributions as set-ups; those that need more than a Corefile (GKE's ConfigMap) are left out."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from kdns.plugins import ORDER
from tests.conformance.beside.setups import Setup
from tests.distributions.answering import FILES
from tests.distributions.stage import DISTRIBUTIONS, Stage
from tests.distributions.table import EVERYWHERE, TABLE, Distribution

RESOLVER = "/etc/resolv.conf"
ASKED = [["ask", "some", "few", "cluster.local."], ["ask", "some", "outside"]]


@dataclass(eq=False)
class Distributed(Setup):
    """A distribution's files, staged as its own test does."""

    distribution: Distribution = TABLE[0]

    @cached_property
    def plugins(self) -> set[str]:
        """The words of its Corefile, and of what that imports."""
        return {line.split()[0] for line in self.text.splitlines() if line.strip()} & set(ORDER)

    def write(self, place: Path, values: Mapping[str, object], servers: Mapping[str, str]) -> Path:
        """Put its files into a folder."""
        own = self.distribution
        real = {server: servers[answer] for server, answer in own.servers.items()}
        real[RESOLVER] = str(values["UPSTREAM"])
        ports = {own.dns: int(str(values["PORT"]))}
        Stage(own.name, place, str(values["API"]), own.hosts, real, FILES, ports)
        return place / own.conf


def answers() -> set[str]:
    """What the name servers of all distributions answer."""
    return {answer for distribution in TABLE for answer in distribution.servers.values()}


def read() -> Iterator[Setup]:
    """All of them."""
    for own in TABLE:
        if not own.kube_dns:
            paths = [path for path in (DISTRIBUTIONS / own.name).rglob("*") if path.is_file()]
            text = "\n".join(path.read_text() for path in sorted(paths))
            asks = [["ask", *_words(name, kind)] for name, kind, _, at in own.asks if at == EVERYWHERE]
            yield Distributed(f"distribution {own.name}", [*ASKED, *asks], text=text, distribution=own)


def _words(name: str, kind: str) -> list[str]:
    cls, _, rtype = kind.rpartition(" ")
    return [f"{name}.", f"class={cls}", rtype] if cls else ["all", "near", f"{name}."]
