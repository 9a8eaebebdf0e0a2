import pytest

from kdns.corefile.arguments import Arguments
from kdns.corefile.errors import ConfigError
from kdns.corefile.parser import parse


def arguments(text: str) -> Arguments:
    (block,) = parse(text, "Corefile").blocks
    return Arguments(block.directives[0], ("example.org.",))


def test_occurrences_come_in_order() -> None:
    log = arguments(". {\nlog a\nerrors\nlog b {\nclass error\n}\n}")
    assert (log.name, log.zones) == ("log", ("example.org.",))
    assert [line.rest() for line in log] == [("a",), ("b",)]


def test_once() -> None:
    assert arguments(". {\ncache 30\n}").once().rest() == ("30",)
    with pytest.raises(ConfigError) as raised:
        arguments(". {\ncache 30\n  cache 60\n}").once()
    assert str(raised.value) == (
        "plugin/cache: Corefile:3 - Error during parsing: this plugin can only be used once per Server Block"
    )
    assert (raised.value.column, raised.value.word) == (3, "cache")


def test_a_snippet_imported_twice_is_used_twice() -> None:
    twice = arguments("(s) {\nerrors\n}\n. {\nimport s\nimport s\n}")
    assert [line.rest() for line in twice] == [(), ()]
    with pytest.raises(ConfigError, match="only be used once"):
        twice.once()


def test_braces_out_of_place_are_an_error_of_the_plugin() -> None:
    with pytest.raises(ConfigError, match=r"^plugin/cache: Corefile:2 - "):
        arguments(". {\ncache { success 10 }\n}")


def test_finish_looks_at_every_occurrence() -> None:
    log = arguments(". {\nlog\nlog x\n}")
    with pytest.raises(ConfigError, match="unexpected line ending after 'x'"):
        log.finish()
    for line in log:
        line.rest()
    log.finish()
