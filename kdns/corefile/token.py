"""A word of the Corefile, and where it stands.

"On the same line" is what makes arguments belong to a directive. Two tokens are on one line when they come from the
same file, the line of the first plus the line breaks inside it is the line of the second (spec corefile.md §2), and
both came with the same `import`: each expansion is a copy with a number of its own, so a snippet imported twice in a
block gives two occurrences. CoreDNS, which has no such number, takes the second copy for arguments of the first (§4.2,
quirk).
"""

from typing import NamedTuple

from kdns.corefile.errors import ConfigError, ConfigWarning, Kind


class Token(NamedTuple):
    """One word. `line` and `column` count from 1, the column in characters, an opening quote included."""

    text: str
    file: str
    line: int
    column: int
    newlines: int = 0
    """Line breaks inside the token as written (only a quoted one has any)."""
    quoted: bool = False
    copy: int = 0
    """Which expansion of an `import` brought it; 0 is the text itself."""
    expanded: bool = False
    """True once an environment variable was put in: such a text is never a brace (§3)."""

    @property
    def opens(self) -> bool:
        """True for the brace that opens a block; a quoted one does too."""
        return self.text == "{" and not self.expanded

    @property
    def closes(self) -> bool:
        """True for the brace that closes a block."""
        return self.text == "}" and not self.expanded

    def continues(self, previous: "Token") -> bool:
        """True if this token stands on the line on which `previous` ends."""
        return (
            previous.copy == self.copy and previous.line + previous.newlines == self.line and previous.file == self.file
        )

    def error(self, message: str, kind: Kind = Kind.PARSE, plugin: str = "") -> ConfigError:
        """The error that this token is, for the caller to raise."""
        return ConfigError(self.file, self.line, self.column, message, word=self.text, kind=kind, plugin=plugin)

    def unexpected(self, expecting: str, plugin: str = "") -> ConfigError:
        """The syntax error of finding this token where another was due."""
        return self.error(f"Unexpected token '{self.text}', expecting '{expecting}'", Kind.SYNTAX, plugin)

    def wrong_count(self, plugin: str = "") -> ConfigError:
        """The generic argument error: too few or too many, noticed at this token."""
        return self.error(f"Wrong argument count or unexpected line ending after '{self.text}'", plugin=plugin)

    def no_argument(self, plugin: str = "") -> ConfigError:
        """The argument error of a block that opens at this token where an argument was due."""
        return self.error(f"Unexpected token '{self.text}', expecting argument", plugin=plugin)

    def warning(self, message: str) -> ConfigWarning:
        """A warning at this token's place."""
        return ConfigWarning(self.file, self.line, self.column, message)
