"""chaos: answer the questions of class CH about the server itself.

::

    chaos [VERSION] [AUTHORS...]

Texts for questions of class CH and type TXT; all others go to the next plugin:

    version.bind. version.server.   VERSION, default `kdns-` and the version
    hostname.bind. id.server.       the host name
    authors.bind.                   one for each of AUTHORS, in random order; default "kdns authors"

Texts are cut at 255 octets, their TTL is 0. Listeners take questions of other classes than IN only for this plugin or
`forward`. The first line counts.

Errors: "unknown property 'X'". Metrics: none.

Example::

    .:1053 {
        chaos kdns-next "Ada Lovelace" "Jon Postel"
        whoami
    }
"""

import random

from kdns.chain.answer import Answer
from kdns.chain.handler import Handler
from kdns.chain.query import Query
from kdns.chain.site import Site
from kdns.corefile import Arguments, Line
from kdns.wire import codes, name, rdata
from kdns.wire.record import Record

AUTHORS = ("kdns authors",)

_VERSION = frozenset(map(name.from_text, ("version.bind", "version.server")))
_HOST = frozenset(map(name.from_text, ("hostname.bind", "id.server")))
_AUTHORS = name.from_text("authors.bind")


def setup(args: Arguments, site: Site) -> None:
    """Read the directive. Raises `ConfigError`."""
    process = site.process
    (version, authors), *_ = [_texts(line, f"kdns-{process.version}") for line in args]
    site.listen.any_class = True
    site.chain("chaos", lambda next_: Chaos(next_, version, process.hostname, authors))


def _texts(line: Line, version: str) -> tuple[str, tuple[str, ...]]:
    if line.more:
        version = line.text()
    return version, tuple(sorted(set(line.words()))) or AUTHORS


class Chaos:
    """Tells about the server."""

    def __init__(self, next_: Handler, version: str, host: str, authors: tuple[str, ...]) -> None:
        self._next = next_
        self._answers = {wire: Answer(answer=(_record(version),)) for wire in _VERSION}
        self._answers |= {wire: Answer(answer=(_record(host),)) for wire in _HOST}
        self._authors = [_record(author) for author in authors]

    async def answer(self, query: Query) -> Answer:
        """A text, or the next handler's answer."""
        question = query.question
        if question.cls == codes.CH and question.type == codes.TXT:
            found = self._answers.get(question.folded)
            if found is not None:
                return found
            if question.folded == _AUTHORS:
                query.basis.fleeting = True
                return Answer(answer=tuple(random.sample(self._authors, len(self._authors))))
        return await self._next.answer(query)


def _record(text: str) -> Record:
    return Record(None, codes.TXT, rdata.txt(text.encode()), 0, codes.CH)
