"""view: a server block is only for queries that an expression is true of.

::

    view NAME {
        expr EXPRESSION
    }

Several blocks may then serve the same zone and port. They are tried in the order of the Corefile, and the first that
takes a query answers it; a block without a view takes every query, so it belongs behind the others. A query that no
block of a zone takes goes to the next shorter zone, and is REFUSED if there is none.

- `expr EXPRESSION` may be repeated; all of them have to be true. Without one, every query is taken. An expression that
  has no value, or another one than true, is not true.

Expressions are those of expr-lang/expr 1.17 (`kdns.corefile.expression` says what they may cost, and what is left
out). In them may be called: `bufsize() class() client_ip() do() id() name() opcode() port() proto() server_ip()
server_port() size() type()`, of which `bufsize`, `id`, `opcode` and `size` are numbers, `do` is true or false and the
rest are strings; `incidr(IP, CIDR)`; and `metadata(LABEL)`, which needs the plugin of that name in the block. Strings
stand in single quotes, as double quotes are the Corefile's, and a backslash in them is written twice. An expression
with a `#` in it stands in double quotes as a whole, for the Corefile takes it for a comment.

An answer that rests on an expression which asked for the client, its port, the server's address or the id is made anew
for every query; other expressions cost nothing once the answer is kept.

Metadata: `view/name`. NAME is the label `view` of the metrics of a block.

Errors: no NAME or more than one, an unknown property, a second `view` in a block, and whatever expr refuses: unknown
names, operands that do not go together, a regular expression that is none. Metrics: none.

Example::

    example.org:1053 {
        view office {
            expr incidr(client_ip(), '10.0.0.0/8') and type() in ['A', 'AAAA']
        }
        hosts {
            10.1.0.80 www.example.org
        }
    }
    example.org:1053 {
        hosts {
            192.0.2.80 www.example.org
        }
    }
"""

from collections.abc import Sequence

from kdns.chain.answer import Answer
from kdns.chain.facts import FACTS
from kdns.chain.handler import Handler
from kdns.chain.query import Query
from kdns.chain.site import Site
from kdns.corefile import Arguments, Line
from kdns.corefile.expression import Expression, Fault

_LABEL = "view/name"


def setup(args: Arguments, site: Site) -> None:
    """Read the directive. Raises `ConfigError`."""
    line = args.once()
    name = line.text()
    line.end()
    site.view = name
    site.offer(View(name, [_expression(option) for option in line.block()]))
    site.chain("view", Passing)


def _expression(option: Line) -> Expression:
    if option.name != "expr":
        raise option.unknown_property()
    text = " ".join(option.rest())
    try:
        return Expression(text, FACTS)
    except ValueError as error:
        raise option.error(str(error)) from error


class View:
    """Which queries the block is for (`chain.roles.Filter`), and its name (`chain.roles.MetadataProvider`)."""

    def __init__(self, name: str, expressions: Sequence[Expression]) -> None:
        self._name = name
        self._expressions = expressions

    def admits(self, query: Query) -> bool:
        """Whether all expressions are true of a query."""
        try:
            return all(expression.evaluate(query) is True for expression in self._expressions)
        except Fault:
            return False

    def metadata_of(self, query: Query, label: str) -> str | None:
        """The name of the view."""
        return self._name if label == _LABEL else None


class Passing:
    """The link of the chain, which does nothing (`corefile.md` section 9)."""

    def __init__(self, next_: Handler) -> None:
        self._next = next_

    async def answer(self, query: Query) -> Answer:
        """The next handler's answer."""
        return await self._next.answer(query)
