"""`var` and `expr`; expectations are those of CoreDNS after 1.14.7, which does not have them yet."""

import pytest

from kdns.chain.answer import refuse
from kdns.plugins.template.conditions import Environment
from kdns.wire import codes
from tests.kit.chain import Chain, Next, root_chain

MATCH = "match ^(?P<n>[0-9]+)-(?P<w>[a-z]*)[.]"
SERVFAIL, PASSED = refuse(codes.SERVFAIL), refuse(codes.REFUSED)


def chain_with(*options: str, shown: str = "{{ .Var }}") -> Chain:
    lines = "\n".join(["template IN A {", MATCH, *options, f'answer "o. TXT \\"{shown}\\""', "fallthrough", "}"])
    return root_chain(lines, behind=Next(PASSED))


def text_of(*options: str, shown: str = "{{ .Var }}", name: str = "5-ab.example") -> str:
    (record,) = chain_with(*options, shown=shown).ask(name).answer
    return record.data[1:].decode()


@pytest.mark.parametrize(
    ("options", "shown", "expected"),
    [
        (("var a 1", "var b a + 1", "var c b * 10"), "{{ .Var }}", "map[a:1 b:2 c:20]"),
        (("var a group('n')", "var b group(2) + group(9) + group('x')"), "{{ .Var }}", "map[a:5 b:ab]"),
        (("var t type() + ' ' + name()",), "{{ .Var.t }}", "A 5-ab.example."),
        (("var l [1, 'two', nil]",), "{{ .Var.l }} {{ len .Var.l }} {{ index .Var.l 1 }}", "[1 two <nil>] 3 two"),
        (("var m {'k': 1}",), "{{ .Var.m.k }} {{ .Var.m.x }} {{ index .Var.m `x` }}", "1 <no value> <no value>"),
        (("var b group('n') in ['5']",), "{{ if .Var.b }}yes{{ end }}", "yes"),
        (("var x 1/0", "var e 'é'"), "{{ .Var.x }} {{ len .Var.e }} {{ .Var.e }}", "+Inf 2 é"),
        (("var r 1..3",), "{{ range .Var.r }}{{ . }}{{ end }}", "123"),
        ((), "{{ len .Var }} {{ .Var.x }}", "0 <no value>"),
    ],
)  # fmt: skip
def test_variables(options: tuple[str, ...], shown: str, expected: str) -> None:
    assert text_of(*options, shown=shown) == expected


@pytest.mark.parametrize(
    ("options", "matches"),
    [
        (("expr group('n') == '5'", "expr type() == 'A'"), True),
        (("var n int(group('n'))", "expr n > 4"), True),
        (("expr group('n') == '5'", "expr type() == 'MX'"), False),
        (("expr 1",), False),
        (("expr nil",), False),
    ],
)
def test_a_match_counts_if_all_expressions_are_true(options: tuple[str, ...], matches: bool) -> None:
    answer = chain_with(*options).ask("5-ab.example")
    assert answer.written if matches else answer is PASSED


@pytest.mark.parametrize(
    "option",
    [
        "expr incidr('x', '10.0.0.0/8')",
        "var a int(group('w'))",
        "var a 1..20000",
        "var a name",
        "var a [1..9000, 1..9000]",
    ],
)
def test_no_value_is_servfail_whatever_falls_through(option: str) -> None:
    assert chain_with(option).ask("5-ab.example") == SERVFAIL


def test_without_a_match_nothing_is_evaluated() -> None:
    assert chain_with("expr incidr('x', '10.0.0.0/8')").ask("other.example") is PASSED


def test_a_false_expression_without_fallthrough() -> None:
    chain = root_chain("template IN A {\nexpr false\nfallthrough b.example\n}", behind=Next(PASSED))
    assert chain.ask("a.example") == SERVFAIL
    assert chain.ask("a.b.example") is PASSED


@pytest.mark.parametrize(
    ("option", "private"), [("expr type() == 'A'", False), ("expr client_ip() != ''", True), ("var i id()", True)]
)
def test_answers_rest_on_what_was_asked(option: str, private: bool) -> None:
    assert chain_with(option).basis_of("5-ab.example").private is private


@pytest.mark.parametrize("name", ["name", "group", "len", "toJSON", "map", "true", "nil", "let", "not", "matches", "a"])
def test_names_that_are_taken(name: str) -> None:
    environment = Environment()
    environment.variable("a", "1")
    with pytest.raises(ValueError, match=f'variable name "{name}" is reserved'):
        environment.variable(name, "1")
