"""Whatever is in a Corefile, reading it gives blocks or a ConfigError, and ends."""

from contextlib import suppress

from hypothesis import example, given
from hypothesis import strategies as st

from kdns.corefile import (
    Arguments,
    ConfigError,
    Corefile,
    block_addresses,
    digest,
    format_duration,
    normalize_zone,
    parse,
)
from tests.corefile.folder import Folder

ENVIRON = {"A": "x", "B": "{$A} {%C%}", "C": "{$B}", "S": "s", "O": "{", "E": "", "L": "\udc80", "K": "a.org,"}

WORDS = st.sampled_from(
    [
        *(".", "a.org", "b.org:53", "10.0.0.0/12", "tls://c:1", ",", "a,", "", "{", "}", "{}", "(s)", "(t)"),
        *("import", "import s", "import t", "import f", "import d/*", "import *", "import ..", "import /"),
        *("errors", "cache 30", "forward . 1.1.1.1 {", "max_fails 3", "x", "5s", "#", "# note", "x#y z"),
        *('"', '"a b"', '"{"', '""', '"a\nb"', '"\\"', "\\", "{$A}", "{%B%}", "{$C}", "{$L}", "{$", "{$E}", "{$O}"),
        *("\ufeff", "\r", "\0", "\ud800", "\u2028", "\x85", "\N{GRINNING FACE}"),
    ]
)
GLUE = st.sampled_from([" ", " ", "\n", "\n", "", "\t", "\r\n", " {\n", "\n}\n"])
TEXTS = st.lists(st.builds("{}{}".format, WORDS, GLUE), max_size=40).map("".join)


def use(corefile: Corefile) -> None:
    """Everything that a start does with a configuration before a plugin sees it."""
    assert len(digest(corefile)) == 128
    for block in corefile.blocks:
        with suppress(ConfigError):
            assert all(str(address) for address in block_addresses(block.keys))
        for directive in block.directives:
            assert directive.tokens
            with suppress(ConfigError):
                read(Arguments(directive, (".",)))


def read(arguments: Arguments) -> None:
    for line in arguments:
        for option in (line, *line.block()):
            for reader in (option.integer, option.number, option.duration, option.address, option.network):
                if option.more:
                    with suppress(ConfigError):
                        reader()
            with suppress(ConfigError):
                option.regexp()
            option.zones((".",))
    arguments.finish()


def check(text: str, files: dict[str, str]) -> None:
    failure = None
    try:
        corefile = parse(text, "Corefile", reader=Folder({**files, "dir": None}), environ=ENVIRON)
    except ConfigError as error:
        failure = error
    if failure is None:
        use(corefile)
    else:
        assert failure.line >= 1
        assert failure.column >= 1
        assert len(str(failure)) < 3000


@given(TEXTS, TEXTS, TEXTS)
@example("(a) {\nimport b\n}\n(b) {\nimport a\n}\nimport a", "", "")
@example(". {\n" + "x {\n" * 50_000, "", "")
@example("import f", "import d/*", "import ../f")
@example(". {\nx " + "(" * 100_000 + "\n}", "", "")
@example(". {\nx " + "(a*)*" * 1000 + "\n}", "", "")
@example(". {\nx " + "9" * 100_000 + " {\n" + "1h" * 50_000 + "\n}\n}", "", "")
@example("10.0.0.0/17 " * 20_000, "", "")
@example('. {\nx "' + "\\" * 100_000, "", "")
def test_words_of_the_grammar(text: str, first: str, second: str) -> None:
    check(text, {"f": first, "d/1": second})


@given(st.text())
def test_any_text(text: str) -> None:
    check(text, {})
    normalize_zone(text)


@given(st.floats(-1e9, 1e9))
def test_any_duration_has_a_text(seconds: float) -> None:
    assert format_duration(seconds)
