"""Set-ups: a Corefile, and what is asked with it. Both servers get the same one; they stand in
`setups.txt` and `plugins.txt`.

Each begins with `=== NAME`. Lines that begin with one of these words belong to the set-up, all others to its Corefile:

    ask all|some cluster ZONE       names of the cluster in a zone, in every way or in a few
    ask all|some few ZONE           some of these
    ask all|some PART               `reverse` names, names `outside`, of the `hosts` file
    ask all|some zone ZONE          names of the zone file
    ask all|some names NAME...      these names
    ask all|some near NAME...       these, those above them, and names with odd octets and of the greatest length
    ask external ZONE               names of `k8s_external`
    ask walks                       what resolvers with search paths ask
    ask NAME [class=CLASS] TYPE...
    from ADDRESS                    where the questions after it come from
    signed NAME SECRET ALGORITHM SECONDS   by which key, with a clock that is off by so much; alone: no longer
    probe NAME TYPE                 what has an answer as soon as a server is ready

In a Corefile ${API}, ${UPSTREAM}, ${HOST} and ${PORT} stand for the URL of the API server, the address of the resolver,
an address of this machine and the server's port, ${DIR} for a folder with `files`, and ${FREE1} to ${FREE4} for ports.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from itertools import chain
from pathlib import Path

from kdns.corefile import parse

HERE = Path(__file__).parent
FILES = ("setups.txt", "plugins.txt")
WORDS = ("ask", "from", "signed", "probe")


@dataclass(eq=False)
class Setup:
    """`asks` are the lines about questions, split into words."""

    name: str
    asks: list[list[str]] = field(default_factory=list)
    probe: tuple[str, str] = ("web.shop.svc.cluster.local.", "A")
    text: str = ""

    @cached_property
    def plugins(self) -> set[str]:
        """The words of its Corefile."""
        blocks = parse(self.corefile({}), "Corefile").blocks
        return {directive.name for block in blocks for directive in block.directives}

    @property
    def thorough(self) -> bool:
        """Whether something is asked in every way."""
        return any(words[:2] == ["ask", "all"] for words in self.asks)

    def corefile(self, values: Mapping[str, object]) -> str:
        """Its Corefile with the values filled in, 1 for what has none."""
        return re.sub(r"\$\{(\w+)\}", lambda match: str(values.get(match[1], 1)), self.text)

    def write(self, place: Path, values: Mapping[str, object], servers: Mapping[str, str]) -> Path:
        """Put its files into a folder; the path of the Corefile. `servers` are addresses of name servers by answer."""
        (place / "Corefile").write_text(self.corefile(values))
        return place / "Corefile"


def read() -> Iterator[Setup]:
    """All set-ups."""
    for section in chain(*[(HERE / file).read_text().split("\n=== ")[1:] for file in FILES]):
        name, *lines = section.splitlines()
        setup = Setup(name)
        for line in lines:
            word, *rest = line.split() or [""]
            if word == "probe":
                setup.probe = (rest[0], rest[1])
            elif word in WORDS:
                setup.asks.append([word, *rest])
            else:
                setup.text += f"{line}\n"
        yield setup
