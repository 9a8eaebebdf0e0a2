"""`Arguments`: what every plugin's setup reads its directive from.

    def setup(arguments, ...):
        line = arguments.once()                     # or: for line in arguments
        zones = line.zones(arguments.zones)
        for option in line.block():
            match option.name:
                case "ttl":
                    ttl = option.integer(0, 3600)
                case "keepttl":
                    option.end()
                case _:
                    raise option.unknown_property()

Afterwards `finish` turns whatever was left unread into an error, so no word of a configuration is lost in silence.
"""

from collections.abc import Iterator

from kdns.corefile.line import Line
from kdns.corefile.occurrence import occurrences
from kdns.corefile.tree import Directive


class Arguments:
    """Every occurrence of one directive in one server block, as lines to be read."""

    __slots__ = ("_lines", "name", "zones")

    def __init__(self, directive: Directive, zones: tuple[str, ...] = ()) -> None:
        """`zones` are those of the server block. Raises ConfigError for braces where they cannot be."""
        self.name = directive.name
        self.zones = zones
        self._lines = [Line(each.words, each.block, self.name) for each in occurrences(directive.tokens, self.name)]

    def __iter__(self) -> Iterator[Line]:
        return iter(self._lines)

    def once(self) -> Line:
        """The only occurrence. Raises ConfigError at a second one."""
        if len(self._lines) > 1:
            raise self._lines[1].error("this plugin can only be used once per Server Block")
        return self._lines[0]

    def finish(self) -> None:
        """Raise ConfigError for whatever the setup did not read; the server calls it after every setup."""
        for line in self._lines:
            line.finish()
