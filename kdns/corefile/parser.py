"""Corefile tokens to server blocks (spec corefile.md §4).

    corefile     = { import-line | snippet | server-block }
    snippet      = "(" name ")" "{" ... "}"
    server-block = key { [","] key } [ "{" directives "}" ]
    directive    = name { arg } [ "{" lines "}" ]

Only what this grammar needs is looked at. A directive's tokens are kept as they stand, with its braces counted; several
occurrences of one directive in a block become one list. A block without braces takes everything to the end of the text.

Unlike CoreDNS: a surplus `}` is an error (there it is the key of a server for the zone `}.`), and so is a lone `(name)`
at the end. What CoreDNS lets pass without a word has a warning: a block without a key, which is dropped, and a missing
last `}` when the text ends with the one of a directive.
"""

from collections.abc import Collection, Mapping
from types import MappingProxyType
from typing import Final

from kdns.corefile.environment import Environment
from kdns.corefile.errors import ConfigWarning
from kdns.corefile.imports import Imports, NoFiles, Reader
from kdns.corefile.lexer import tokenize
from kdns.corefile.token import Token
from kdns.corefile.tree import Corefile, Directive, ServerBlock

_NO_FILES: Final = NoFiles()
_NO_VARIABLES: Final[Mapping[str, str]] = MappingProxyType({})


def parse(
    text: str,
    file: str,
    *,
    known: Collection[str] | None = None,
    absent: Mapping[str, str] | None = None,
    reader: Reader = _NO_FILES,
    environ: Mapping[str, str] = _NO_VARIABLES,
) -> Corefile:
    """Read a Corefile.

    `file` is its name as given to the program: errors show it, and its directory is where imports are looked for.
    `known` are the directives that are built in (None: any word will do, as when only a digest is wanted), `absent`
    those of CoreDNS that are not, and why. Raises ConfigError, and nothing else; time and memory are bounded whatever
    the text.
    """
    warnings: list[ConfigWarning] = []
    environment = Environment(environ)
    parser = _Parser(
        _Stream(tokenize(text, file, warnings)),
        environment,
        Imports(reader, environment, warnings),
        known,
        absent or {},
        warnings,
    )
    blocks = tuple(parser.blocks())
    return Corefile(file, blocks, tuple(dict.fromkeys(warnings)))


class _Stream:
    """Tokens, one after the other, into which an import splices others."""

    def __init__(self, tokens: list[Token]) -> None:
        self._rest = tokens[::-1]
        self.previous: Token | None = None

    def peek(self) -> Token | None:
        return self._rest[-1] if self._rest else None

    def take(self) -> Token:
        self.previous = self._rest.pop()
        return self.previous

    def splice(self, tokens: list[Token]) -> None:
        self._rest += reversed(tokens)

    @property
    def at_line_start(self) -> bool:
        """True if the next token is the first of its line."""
        return self.previous is None or not self._rest or not self._rest[-1].continues(self.previous)


class _Parser:
    def __init__(
        self,
        stream: _Stream,
        environment: Environment,
        imports: Imports,
        known: Collection[str] | None,
        absent: Mapping[str, str],
        warnings: list[ConfigWarning],
    ) -> None:
        self._stream = stream
        self._environment = environment
        self._imports = imports
        self._known = known
        self._absent = absent
        self._warnings = warnings

    def blocks(self) -> list[ServerBlock]:
        blocks = []
        while (first := self._stream.peek()) is not None:
            keys = self._keys()
            if len(keys) == 1 and keys[0].text.startswith("(") and keys[0].text.endswith(")"):
                self._snippet(keys[0])
                continue
            directives = self._directives()
            if keys:
                blocks.append(ServerBlock(tuple(keys), directives))
            elif directives:
                self._warnings.append(first.warning(f"{first.file}:{first.line} - server block without a key ignored"))
        return blocks

    def _keys(self) -> list[Token]:
        """The keys up to an opening brace, which stays, or the end of their line."""
        keys: list[Token] = []
        comma = False  # the last key ended in one: the next may stand on another line
        anywhere = True
        while (token := self._stream.peek()) is not None:
            at_line_start = self._stream.at_line_start
            if at_line_start and not anywhere:
                return keys
            key = self._environment.expand(token)
            if at_line_start and key.text == "import":
                self._import()
                anywhere = True
                continue
            if token.opens:
                if comma:
                    raise token.error("Expected another address but had '{' - check for extra comma")
                return keys
            if token.closes:
                raise _surplus(token)
            self._stream.take()
            if key.text:
                comma = key.text.endswith(",")
                keys.append(key._replace(text=key.text.removesuffix(",")))
            anywhere = comma
        if comma:
            raise keys[-1].error("Unexpected EOF")
        return keys

    def _snippet(self, key: Token) -> None:
        opening = self._stream.peek()
        if opening is None or not opening.opens:
            raise (opening or key).unexpected("{")
        self._stream.take()
        body: list[Token] = []
        depth = 1
        while (token := self._stream.peek()) is not None:
            self._stream.take()
            depth += token.opens - token.closes
            if depth == 0:
                self._imports.define(key, body)
                return
            body.append(token)
        raise (body[-1] if body else opening).unexpected("}")

    def _directives(self) -> tuple[Directive, ...]:
        """The directives of one block with its braces, or, without an opening one, to the end of the text."""
        opening = self._stream.peek()
        braced = opening is not None and opening.opens
        if braced:
            self._stream.take()
        found: dict[str, list[Token]] = {}
        while (token := self._stream.peek()) is not None:
            if token.closes:
                if not braced:
                    raise _surplus(token)
                self._stream.take()
                return _grouped(found)
            if token.text == "import":
                self._import()
            else:
                tokens = self._directive()
                found.setdefault(tokens[0].text, []).extend(tokens)
        last = self._stream.previous
        if braced and last is not None:
            if not last.closes:
                raise self._environment.expand(last).unexpected("}")
            self._warnings.append(last.warning(f"{last.file}:{last.line} - '}}' missing at the end of a server block"))
        return _grouped(found)

    def _directive(self) -> list[Token]:
        """The tokens of one occurrence: its line and, if a brace opens on it, all up to the matching one."""
        tokens = [self._name()]
        depth = 0
        while (token := self._stream.peek()) is not None:
            at_line_start = self._stream.at_line_start
            if token.opens:
                depth += 1
            elif depth == 0 and at_line_start:
                break
            elif token.closes:
                if depth == 0:
                    raise _surplus(token)
                depth -= 1
            elif token.text == "import" and at_line_start:
                self._import()
                continue
            tokens.append(self._environment.expand(self._stream.take()))
        if depth:
            raise tokens[-1].error("Unexpected EOF")
        return tokens

    def _name(self) -> Token:
        name = self._environment.expand(self._stream.take())
        if name.text in self._absent:
            raise name.error(f"the plugin '{name.text}' is absent on purpose: {self._absent[name.text]}")
        if self._known is not None and name.text not in self._known:
            raise name.error(f"Unknown directive '{name.text}'")
        return name

    def _import(self) -> None:
        """Put what the `import` at the stream's head names in its place."""
        word = self._stream.take()
        pattern = self._stream.peek()
        if pattern is None or self._stream.at_line_start:
            raise word.wrong_count()
        if pattern.opens:
            raise pattern.no_argument()
        self._stream.take()
        surplus = self._stream.peek()
        if surplus is not None and not self._stream.at_line_start:
            raise surplus.error("Import takes only one argument (glob pattern or file)")
        self._stream.splice(self._imports.expand(pattern))


def _grouped(directives: Mapping[str, list[Token]]) -> tuple[Directive, ...]:
    return tuple(Directive(name, tuple(tokens)) for name, tokens in directives.items())


def _surplus(token: Token) -> Exception:
    return token.error("Unexpected '}' because no matching opening brace")
