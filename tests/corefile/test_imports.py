"""Snippets and `import` (spec corefile.md §4.4 and §4.5)."""

import time
from collections.abc import Mapping

import pytest

from kdns.corefile import imports
from kdns.corefile.errors import ConfigError
from kdns.corefile.imports import NoFiles
from kdns.corefile.parser import parse
from kdns.corefile.tree import Corefile
from tests.corefile.folder import Content, Folder
from tests.corefile.test_parser import Blocks, shape

TOO_DEEP = "maximum snippet import depth (10000) exceeded"
GLOB = "Glob pattern may only contain one wildcard (*), but has others: "


def load(files: Mapping[str, Content], **environ: str) -> Corefile:
    text = files["Corefile"]
    assert isinstance(text, str)
    return parse(text, "Corefile", reader=Folder(files), environ=environ)


def failure(files: Mapping[str, Content], **environ: str) -> ConfigError:
    with pytest.raises(ConfigError) as raised:
        load(files, **environ)
    return raised.value


@pytest.mark.parametrize(
    ("text", "blocks"),
    [
        ("(s) {\nerrors\n}\n. {\nimport s\n}", [(["."], {"errors": "errors"})]),
        ("(s) { errors\n}\n. {\nimport s\n}", [(["."], {"errors": "errors"})]),
        ("(s)\n{\nerrors\n}\n. { import s\n}", [(["."], {"errors": "errors"})]),
        ("(s) {\n}\n. {\nimport s\nlog\n}", [(["."], {"log": "log"})]),
        ("(s) {\nlog . {\nclass error\n}\n}\n. {\nimport s\n}", [(["."], {"log": "log . { class error }"})]),
        ("(s) {\nmax_fails 3\n}\n. {\nx {\nimport s\n}\n}", [(["."], {"x": "x { max_fails 3 }"})]),
        ("(s) {\n. {\nerrors\n}\n}\nimport s\nimport s", [(["."], {"errors": "errors"})] * 2),
        ("(a) {\nlog\n}\n(b) {\nimport a\nerrors\n}\n. {\nimport b\n}", [(["."], {"log": "log", "errors": "errors"})]),
        ("(s) {\na.org\n}\nimport s\n{\nlog\n}", [(["a.org"], {"log": "log"})]),
        ("(s) {\nb.org\n}\na.org,\nimport s\n{\n}", [(["a.org", "b.org"], {})]),
        ("(s) {\nlog {$V}\n}\n. {\nimport {$N}\n}", [(["."], {"log": "log x"})]),
        ('(s) {\nlog\n}\n. {\n"import" "s"\n}', [(["."], {"log": "log"})]),
        ("(s) {\nx import s\n}\n. {\nimport s\n}", [(["."], {"x": "x import s"})]),
        ("() {\nlog\n}\n. {\n}", [(["."], {})]),
    ],
)
def test_snippets(text: str, blocks: Blocks) -> None:
    assert shape(parse(text, "Corefile", environ={"V": "x", "N": "s"})) == blocks


def test_a_snippet_imported_twice_is_two_occurrences() -> None:
    """CoreDNS takes the second copy for arguments of the first."""
    corefile = parse("(s) {\nlog a\n}\n. {\nimport s\nimport s\n}", "Corefile")
    first, word, second, _ = corefile.blocks[0].directives[0].tokens
    assert word.continues(first)
    assert (second.text, second.line) == (first.text, first.line)
    assert not second.continues(word)


def test_options_imported_twice_are_two_lines() -> None:
    corefile = parse("(s) {\nttl 5\n}\n. {\nx {\nimport s\nimport s\n}\n}", "Corefile")
    tokens = corefile.blocks[0].directives[0].tokens
    assert [token.text for token in tokens] == ["x", "{", "ttl", "5", "ttl", "5", "}"]
    assert not tokens[4].continues(tokens[3])


@pytest.mark.parametrize(
    ("text", "message", "place"),
    [
        ("(s) {\n}\n(s) {\n}", "redeclaration of previously declared snippet s", (3, 1)),
        ("(s) {\nlog\nimport s\n}", TOO_DEEP, (3, 1)),
        ("(s) { import s\n}", TOO_DEEP, (1, 7)),
        ("(a) {\nimport b\n}\n(b) {\nimport a\n}\n. {\nimport a\n}", TOO_DEEP, (5, 8)),
        (". {\nimport s\n}\n(s) {\n}", "File to import not found: s", (2, 8)),
        (". {\nimport\n}", "Wrong argument count or unexpected line ending after 'import'", (2, 1)),
        ("import", "Wrong argument count or unexpected line ending after 'import'", (1, 1)),
        (". {\nimport {\n}\n}", "Unexpected token '{', expecting argument", (2, 8)),
        (". {\nimport a b\n}", "Import takes only one argument (glob pattern or file)", (2, 10)),
        ('. {\nimport ""\n}', "Import requires a non-empty filepath", (2, 8)),
        (". {\nimport {$UNSET}\n}", "Import requires a non-empty filepath", (2, 8)),
        (". {\nimport missing\n}", "File to import not found: missing", (2, 8)),
        (". {\nimport */*.conf\n}", f"{GLOB}/etc/coredns/*/*.conf", (2, 8)),
        (". {\nimport **\n}", f"{GLOB}/etc/coredns/**", (2, 8)),
        (". {\nimport a?b?\n}", f"{GLOB}/etc/coredns/a?b?", (2, 8)),
        (". {\nimport [ab]\n}", f"{GLOB}/etc/coredns/[ab]", (2, 8)),
    ],
)
def test_errors(text: str, message: str, place: tuple[int, int]) -> None:
    error = failure({"Corefile": text})
    assert str(error) == f"Corefile:{place[0]} - Error during parsing: {message}"
    assert (error.line, error.column) == place


def test_a_file_takes_the_place_of_its_import() -> None:
    corefile = load({"Corefile": ". {\nimport a\nlog\n}", "a": "errors\n\ncache 30\n"})
    assert shape(corefile) == [(["."], {"errors": "errors", "cache": "cache 30", "log": "log"})]
    cache = corefile.blocks[0].directives[1].tokens[0]
    assert (cache.file, cache.line, cache.column) == ("/etc/coredns/a", 3, 1)


def test_a_path_is_relative_to_the_file_that_imports() -> None:
    files = {
        "Corefile": "import conf/blocks",
        "conf/blocks": ". {\nimport more/x\nimport ../y\nimport /abs/z\n}",
        "conf/more/x": "errors",
        "y": "log",
        "/abs/z": "whoami",
        "more/x": "wrong",
    }
    assert shape(load(files)) == [(["."], {"errors": "errors", "log": "log", "whoami": "whoami"})]


def test_a_relative_name_of_the_corefile_is_from_the_working_directory() -> None:
    reader = Folder({"/work/conf/a": "errors"}, base="/work")
    assert shape(parse(". {\nimport a\n}", "conf/Corefile", reader=reader)) == [(["."], {"errors": "errors"})]


def test_a_snippet_goes_before_a_file() -> None:
    assert shape(load({"Corefile": "(a) {\nlog\n}\n. {\nimport a\n}", "a": "errors"})) == [(["."], {"log": "log"})]


def test_snippets_are_shared_between_files() -> None:
    files = {"Corefile": "(here) {\nlog\n}\nimport a\n. {\nimport there\n}", "a": "(there) {\nimport here\nerrors\n}"}
    assert shape(load(files)) == [(["."], {"log": "log", "errors": "errors"})]


def test_a_snippet_imports_from_where_it_was_written() -> None:
    files = {"Corefile": "import sub/a\n. {\nimport s\n}", "sub/a": "(s) {\nimport b\n}", "sub/b": "log", "b": "errors"}
    assert shape(load(files)) == [(["."], {"log": "log"})]


def test_globs_are_read_in_lexical_order() -> None:
    files = {"Corefile": ". {\nimport d/*.conf\n}", "d/b.conf": "log b", "d/a.conf": "log a", "d/a.txt": "errors"}
    assert shape(load(files)) == [(["."], {"log": "log a log b"})]


def test_globbed_blocks_at_the_top() -> None:
    files = {
        "Corefile": ". {\n}\nimport custom/*.server\n",
        "custom/1.server": "a.org {\n}",
        "custom/2.server": "b.org {\n}",
    }
    assert [keys for keys, _ in shape(load(files))] == [["."], ["a.org"], ["b.org"]]


def test_an_empty_glob_is_a_warning_and_nothing_else() -> None:
    corefile = load({"Corefile": ". {\nerrors\nimport custom/*.override\n}\nimport custom/*.server\na.org {\n}"})
    assert [keys for keys, _ in shape(corefile)] == [["."], ["a.org"]]
    assert [str(warning) for warning in corefile.warnings] == [
        "No files matching import glob pattern: custom/*.override",
        "No files matching import glob pattern: custom/*.server",
    ]
    assert (corefile.warnings[0].line, corefile.warnings[0].column) == (3, 8)


def test_a_warning_is_given_once() -> None:
    corefile = load({"Corefile": "(s) {\nimport x*\n}\n. {\nimport s\nimport s\n}"})
    assert len(corefile.warnings) == 1


@pytest.mark.parametrize("pattern", ["d", "d*"])
def test_a_directory_is_an_error(pattern: str) -> None:
    error = failure({"Corefile": f"import {pattern}", "d": None})
    assert error.message == "Could not import /etc/coredns/d: is a directory"


def test_a_file_that_cannot_be_read_is_an_error_at_its_import() -> None:
    error = failure({"Corefile": "\nimport a", "a": PermissionError(13, "Permission denied")})
    assert str(error) == (
        "Corefile:2 - Error during parsing: Could not import /etc/coredns/a: open /etc/coredns/a: permission denied"
    )


def test_the_working_directory_may_be_gone() -> None:
    class Nowhere(NoFiles):
        def absolute(self, path: str) -> str:
            raise FileNotFoundError(2, "No such file or directory")

    with pytest.raises(ConfigError, match="Failed to use import pattern a: no such file or directory"):
        parse("import a", "Corefile", reader=Nowhere())


def test_an_error_in_an_imported_file_names_it() -> None:
    error = failure({"Corefile": "import a", "a": ". {\nlog {\n"})
    assert str(error) == "/etc/coredns/a:2 - Error during parsing: Unexpected EOF"


def test_a_text_alone_has_no_files() -> None:
    with pytest.raises(ConfigError, match="File to import not found: a"):
        parse("import a", "Corefile")
    with pytest.raises(FileNotFoundError):
        NoFiles().read("a")
    assert not NoFiles().is_directory("a")


def test_a_file_is_read_once() -> None:
    reader = Folder({"a": "log"})
    parse(". {\nimport a\nimport a\nimport a*\n}", "Corefile", reader=reader)
    assert reader.reads == ["/etc/coredns/a"]


@pytest.mark.parametrize(
    "files",
    [
        {"Corefile": "import Corefile"},
        {"Corefile": ". {\nimport a\n}", "a": "import b", "b": "log\nimport a"},
        {"Corefile": ". {\nimport *\n}", "a": "log"},
    ],
)
def test_files_that_import_each_other_are_an_error(files: dict[str, Content]) -> None:
    assert failure(files).message == "maximum file import depth (10000) exceeded"


def doubling(levels: int) -> str:
    """Snippets of which each imports the next one twice."""
    return "".join(f"(s{i}) {{\nimport s{i + 1}\nimport s{i + 1}\n}}\n" for i in range(levels)) + "import s0"


def test_what_grows_without_bound_is_stopped_in_bounded_time() -> None:
    started = time.monotonic()
    assert failure({"Corefile": f"(s30) {{\nlog\n}}\n{doubling(30)}"}).message.startswith(
        "maximum snippet import depth"
    )
    nested = "(s0) {\nlog\n}\n" + "".join(f"(s{i}) {{\nimport s{i - 1}\n}}\n" for i in range(1, 9000))
    assert failure({"Corefile": f"{nested}import s8999"}).message == TOO_DEEP
    assert time.monotonic() - started < 10


def test_the_numbers_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    twice = {"Corefile": "(s) {\nlog x\n}\n. {\nimport s\nimport s\nimport a\nimport a\n}", "a": "log x"}
    load(twice)
    for name, bound, message in [
        ("MAX_SNIPPETS", 1, TOO_DEEP),
        ("MAX_FILES", 1, "maximum file import depth (10000) exceeded"),
        ("MAX_TOKENS", 7, "more than 7 words in a configuration"),
        ("MAX_TEXT", 4, "Could not import /etc/coredns/a: more than 4 characters in imported files"),
    ]:
        with monkeypatch.context() as patch:
            patch.setattr(imports, name, bound)
            assert failure(twice).message == message
