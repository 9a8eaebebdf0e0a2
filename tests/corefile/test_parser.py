"""Server blocks, keys and directives (spec corefile.md §4.1 to §4.3)."""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from kdns.corefile.errors import ConfigError
from kdns.corefile.parser import parse
from kdns.corefile.tree import Corefile
from tests.corefile.folder import Folder

Blocks = list[tuple[list[str], dict[str, str]]]


def shape(corefile: Corefile) -> Blocks:
    """Keys, and each directive's tokens joined by blanks."""
    return [
        (
            [key.text for key in block.keys],
            {directive.name: " ".join(token.text for token in directive.tokens) for directive in block.directives},
        )
        for block in corefile.blocks
    ]


def read(text: str, **environ: str) -> Blocks:
    return shape(parse(text, "Corefile", environ=environ))


def failure(text: str, **options: Any) -> ConfigError:
    with pytest.raises(ConfigError) as raised:
        parse(text, "Corefile", **options)
    return raised.value


@pytest.mark.parametrize(
    ("text", "blocks"),
    [
        ("", []),
        ("# only a comment\n", []),
        (".", [(["."], {})]),
        (".:53 {\n}\n", [([".:53"], {})]),
        (". { }", [(["."], {})]),
        (".\n{\nerrors\n}\n", [(["."], {"errors": "errors"})]),
        (". { errors\n}", [(["."], {"errors": "errors"})]),
        ("a.org b.org {\n}", [(["a.org", "b.org"], {})]),
        ("a.org, b.org {\n}", [(["a.org", "b.org"], {})]),
        ("a.org,\nb.org,\n\nc.org {\n}", [(["a.org", "b.org", "c.org"], {})]),
        ("a.org,b.org {\n}", [(["a.org,b.org"], {})]),
        ('"" a.org "" {\n}', [(["a.org"], {})]),
        ('"a b" {\n}', [(["a b"], {})]),
        (", a.org {\n}", [(["", "a.org"], {})]),
        ("{}", [(["{}"], {})]),
        ("a.org\nerrors\nlog\n", [(["a.org"], {"errors": "errors", "log": "log"})]),
        ("a.org {\n}\nb.org\nerrors", [(["a.org"], {}), (["b.org"], {"errors": "errors"})]),
        ("a.org {\n} b.org {\n}", [(["a.org"], {}), (["b.org"], {})]),
        (". {\nlog a {\nclass error\n}\nerrors\n}", [(["."], {"log": "log a { class error }", "errors": "errors"})]),
        (". {\nx {\ny {\nz\n}\n}\n}", [(["."], {"x": "x { y { z } }"})]),
        (". {\nlog a\nerrors\nlog b\n}", [(["."], {"log": "log a log b", "errors": "errors"})]),
        ('. {\nlog "a\nb" c\n}', [(["."], {"log": "log a\nb c"})]),
        ('. {\n"errors"\n}', [(["."], {"errors": "errors"})]),
        ('. "{"\nerrors\n}', [(["."], {"errors": "errors"})]),
        (". {\nerrors {}\n}", [(["."], {"errors": "errors {}"})]),
        (". {\nx\n{\ny\n}\n}", [(["."], {"x": "x { y }"})]),
        (". {\nx import y\n}", [(["."], {"x": "x import y"})]),
        ("a import {\n}", [(["a", "import"], {})]),
        ("(a b) {\n}", [(["(a", "b)"], {})]),
        ("\ufeff. {\r\nerrors\r\n}\r\n", [(["."], {"errors": "errors"})]),
    ],
)
def test_blocks(text: str, blocks: Blocks) -> None:
    assert read(text) == blocks


@pytest.mark.parametrize(
    ("text", "environ", "blocks"),
    [
        ("{$Z}:{$P} {\n}", {"Z": "a.org", "P": "53"}, [(["a.org:53"], {})]),
        ("{$K} b.org {\n}", {"K": "a.org,"}, [(["a.org", "b.org"], {})]),
        ("{$K} {\n}", {"K": ""}, []),
        (". {\n{$D} {%A%}\n}", {"D": "errors", "A": "x"}, [(["."], {"errors": "errors x"})]),
        (". {\nx {\n{$O} {$V}\n}\n}", {"O": "ttl", "V": "5"}, [(["."], {"x": "x { ttl 5 }"})]),
        ('. {\nx "{$V} b"\n}', {"V": "a c"}, [(["."], {"x": "x a c b"})]),
        (". {\nx {$V} y\n}", {"V": "{"}, [(["."], {"x": "x { y"})]),
        (". {\nx {$V} y\nz\n}", {"V": "a\nb"}, [(["."], {"x": "x a\nb y", "z": "z"})]),
    ],
)
def test_environment(text: str, environ: dict[str, str], blocks: Blocks) -> None:
    assert read(text, **environ) == blocks


@pytest.mark.parametrize(
    ("text", "message", "place", "word"),
    [
        ("a.org, {\n}", "Expected another address but had '{' - check for extra comma", (1, 8), "{"),
        ("a.org,", "Unexpected EOF", (1, 1), "a.org"),
        ("a.org,\n# b.org\n", "Unexpected EOF", (1, 1), "a.org"),
        (". { whoami }", "Unexpected '}' because no matching opening brace", (1, 12), "}"),
        (". {\nwhoami }\n}", "Unexpected '}' because no matching opening brace", (2, 8), "}"),
        (". {\n}\n}", "Unexpected '}' because no matching opening brace", (3, 1), "}"),
        ("}", "Unexpected '}' because no matching opening brace", (1, 1), "}"),
        ("a.org }", "Unexpected '}' because no matching opening brace", (1, 7), "}"),
        ("a.org\nwhoami\n}\nb.org {\n}", "Unexpected '}' because no matching opening brace", (3, 1), "}"),
        ("a.org{\nwhoami\n}", "Unexpected '}' because no matching opening brace", (3, 1), "}"),
        (". {\nx {\n  y 1", "Unexpected EOF", (3, 5), "1"),
        (". {\ncache { success 10\n", "Unexpected EOF", (2, 17), "10"),
    ],
)
def test_parse_errors(text: str, message: str, place: tuple[int, int], word: str) -> None:
    error = failure(text)
    assert str(error) == f"Corefile:{place[0]} - Error during parsing: {message}"
    assert (error.line, error.column, error.word) == (*place, word)


@pytest.mark.parametrize(
    ("text", "found", "expected", "place"),
    [
        (". {", "{", "}", (1, 3)),
        (". {\nerrors\n  log x", "x", "}", (3, 7)),
        (". {\n{$A}\n", "", "}", (2, 1)),
        ("(s)", "(s)", "{", (1, 1)),
        ("(s)\nerrors", "errors", "{", (2, 1)),
        ("(s) {\nerrors {\n}\n", "}", "}", (3, 1)),
        ("(s) {", "{", "}", (1, 5)),
    ],
)
def test_syntax_errors(text: str, found: str, expected: str, place: tuple[int, int]) -> None:
    error = failure(text)
    assert str(error) == f"Corefile:{place[0]} - Syntax error: Unexpected token '{found}', expecting '{expected}'"
    assert (error.line, error.column) == place


@pytest.mark.parametrize(
    ("text", "message", "word"),
    [
        (". {\n  cahce 30\n}", "Unknown directive 'cahce'", "cahce"),
        (". {\nerrors\n}\na.org {\n proxy . 1.1.1.1\n}", "Unknown directive 'proxy'", "proxy"),
        ('. {\n""\n}', "Unknown directive ''", ""),
        (". {\n(x) {\n}\n}", "Unknown directive '(x)'", "(x)"),
        (". {\n{\n}\n}", "Unknown directive '{'", "{"),
        (". {\n{$D}\n}", "Unknown directive 'nope'", "nope"),
        (". {\n etcd\n}", "the plugin 'etcd' is absent on purpose: other data", "etcd"),
    ],
)
def test_unknown_directives(text: str, message: str, word: str) -> None:
    error = failure(text, known=["errors", "cache"], absent={"etcd": "other data"}, environ={"D": "nope"})
    assert error.message == message
    assert error.word == word
    assert str(error).startswith(f"Corefile:{error.line} - Error during parsing: ")


def test_without_a_list_any_directive_will_do() -> None:
    assert read(". {\nnope\n}") == [(["."], {"nope": "nope"})]


@pytest.mark.parametrize("text", ["{\nerrors\n}\n", '"" {\nerrors\n}'])
def test_a_block_without_a_key_is_dropped_with_a_warning(text: str) -> None:
    corefile = parse(text, "Corefile", known=["errors"])
    assert corefile.blocks == ()
    assert [str(warning) for warning in corefile.warnings] == ["Corefile:1 - server block without a key ignored"]


def test_a_last_brace_may_be_missing_behind_that_of_a_directive() -> None:
    corefile = parse(". {\nlog . {\nclass error\n}\n", "Corefile")
    assert shape(corefile) == [(["."], {"log": "log . { class error }"})]
    assert [str(warning) for warning in corefile.warnings] == ["Corefile:4 - '}' missing at the end of a server block"]


def test_a_forgotten_quote_gives_a_short_error() -> None:
    error = failure('. {\nlog "' + "x\n" * 100_000)
    assert len(str(error)) < 2000
    assert (error.line, error.column) == (2, 5)


def recorded() -> list[Mapping[str, Any]]:
    """Texts, the files beside them, and what coredns/caddy (15135a9, that of CoreDNS 1.14.7) made of them."""
    lines = (Path(__file__).parent / "caddy.jsonl").read_text().splitlines()
    return [json.loads(line) for line in lines]


@pytest.mark.parametrize("row", recorded())
def test_as_recorded_from_coredns(row: Mapping[str, Any]) -> None:
    environ = {"A": "va", "B": "v b", "C": "{$A}c", "N": "", "S": "s", "I": "import"}
    reader = Folder(row["files"])
    if "error" in row:
        with pytest.raises(ConfigError, match=f"^{re.escape(row['error'])}$"):
            parse(row["text"], "/etc/coredns/Corefile", reader=reader, environ=environ)
        return
    corefile = parse(row["text"], "/etc/coredns/Corefile", reader=reader, environ=environ)
    assert [
        {
            "keys": [key.text for key in block.keys],
            "directives": {
                directive.name: [[token.file, token.line, token.text] for token in directive.tokens]
                for directive in block.directives
            },
        }
        for block in corefile.blocks
    ] == row["blocks"]
    texts = [str(warning) for warning in corefile.warnings if str(warning).startswith("No files")]
    assert set(texts) == set(row["warnings"])
