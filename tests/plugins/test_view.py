"""Which queries a block takes (`plugins.md`, view); which block a query goes to is `tests/server/test_views.py`."""

import pytest

from kdns.chain.answer import refuse
from kdns.chain.roles import Filter
from kdns.corefile import ConfigError
from kdns.wire import codes
from tests.kit.chain import Chain, root_chain
from tests.kit.query import query
from tests.plugins.conftest import Printed


def admits(chain: Chain, *args: str, **how: str) -> bool:
    (view,) = chain.site.find(Filter)  # type: ignore[type-abstract]
    return view.admits(query(*args, **how))  # type: ignore[arg-type]


def test_no_expression_is_always_true() -> None:
    assert admits(root_chain("view all"), "example.org")


def test_one_expression() -> None:
    chain = root_chain("view office {\nexpr incidr(client_ip(), '10.0.0.0/8')\n}")
    assert admits(chain, "example.org", client="10.1.2.3")
    assert not admits(chain, "example.org", client="192.0.2.1")


def test_all_expressions_have_to_be_true() -> None:
    chain = root_chain("view a {\nexpr type() in ['A', 'AAAA']\nexpr name() endsWith 'example.org.'\n}")
    assert admits(chain, "www.example.org", "AAAA")
    assert not admits(chain, "www.example.org", "TXT")
    assert not admits(chain, "www.example.com", "A")


def test_a_pattern_has_its_backslashes_doubled() -> None:
    chain = root_chain("view a {\nexpr name() matches '^abc\\\\..*\\\\.example\\\\.com\\\\.$'\n}")
    assert admits(chain, "abc.x.y.example.com")
    assert not admits(chain, "abcd.example.com")


@pytest.mark.parametrize(
    "text", ["1", "name()", "nil", "incidr('bad', '10.0.0.0/8')", "incidr('10.0.0.1', 'bad')", "1 % opcode() == 0"]
)
def test_what_is_not_true_is_false(text: str) -> None:
    assert not admits(root_chain(f"view a {{\nexpr {text}\n}}"), "example.org")


def test_a_quoted_expression_may_have_several_lines() -> None:
    assert admits(root_chain("view a {\nexpr \"type() ==\n'A'\"\n}"), "example.org")


def test_its_name_is_a_label(printed: Printed) -> None:
    chain = root_chain('metadata\nlog . "{/view/name} {/view/other}"\nview office')
    chain.ask("example.org")
    assert printed()[-1] == "[INFO] office -"


def test_labels_may_be_asked_for() -> None:
    chain = root_chain(
        "metadata\nview office {\nexpr metadata('view/name') == 'office' and metadata('no/body') == ''\n}"
    )
    labelled = chain.links["metadata"].labelled(query("example.org"))  # type: ignore[attr-defined]
    (view,) = chain.site.find(Filter)  # type: ignore[type-abstract]
    assert view.admits(labelled)
    assert not view.admits(query("example.org"))


def test_in_the_chain_it_does_nothing() -> None:
    chain = root_chain("view office {\nexpr false\n}")
    assert chain.ask("example.org") == refuse(codes.REFUSED)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("view", "Wrong argument count or unexpected line ending after 'view'"),
        ("view a b", "Wrong argument count or unexpected line ending after 'b'"),
        ("view a\nview b", "this plugin can only be used once per Server Block"),
        ("view a {\nfoo bar\n}", "unknown property 'foo'"),
        ("view a {\nexpr\n}", "unexpected token EOF"),
        ("view a {\nexpr unknown\n}", "unknown name unknown (1:1)\n | unknown\n | ^"),
        (
            "view a {\nexpr name == 'x'\n}",
            "invalid operation: == (mismatched types func() string and string) (1:6)\n | name == 'x'\n | .....^",
        ),
        ("view a {\nexpr name() matches '('\n}", "error parsing regexp: missing closing ): `(` (1:8)"),
        ("view a {\nexpr name() == 'a\\.b'\n}", "invalid char escape (1:14)"),
        ("view a {\nexpr incidr(client_ip())\n}", "not enough arguments to call incidr (1:1)"),
        ("view a {\nexpr true\nexpr (\n}", "unexpected token EOF (1:1)\n | (\n | ^"),
        ("view a {\nexpr group(1)\n}", "unknown name group (1:1)"),
    ],
)
def test_setup_errors(text: str, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        root_chain(text)
    assert str(caught.value).startswith("plugin/view: Corefile:")
    assert message in str(caught.value)
