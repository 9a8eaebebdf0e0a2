"""What a Corefile is once it is read: server blocks of keys and directives.

Nothing is understood yet: a key is not an address (see `address`), a directive's tokens are not occurrences (see
`arguments`). What `import` names has been put in its place, and environment variables have their values.
"""

from dataclasses import dataclass

from kdns.corefile.errors import ConfigWarning
from kdns.corefile.token import Token


@dataclass(frozen=True, slots=True)
class Directive:
    """Every occurrence of one directive in a server block, one after the other, each with its name and its braces."""

    name: str
    tokens: tuple[Token, ...]


@dataclass(frozen=True, slots=True)
class ServerBlock:
    """At least one key, without its comma, and the directives in the order in which they first appear."""

    keys: tuple[Token, ...]
    directives: tuple[Directive, ...]


@dataclass(frozen=True, slots=True)
class Corefile:
    """A parsed configuration. `file` is the name it was parsed under."""

    file: str
    blocks: tuple[ServerBlock, ...]
    warnings: tuple[ConfigWarning, ...]
