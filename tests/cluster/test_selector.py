from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kdns.cluster import kinds
from kdns.cluster.selector import EVERYTHING, Selection, Selector, SelectorError

LABELS = {"app": "web", "tier": "front", "empty": ""}


@pytest.mark.parametrize(
    ("text", "selected"),
    [
        ("", True),
        (" ", True),
        ("app", True),
        ("gone", False),
        ("!app", False),
        ("!gone", True),
        ("! gone", True),
        ("app=web", True),
        ("app = web", True),
        ("app==web", True),
        ("app=db", False),
        ("app!=db", True),
        ("app!=web", False),
        ("gone!=web", True),
        ("gone=", False),
        ("empty=", True),
        ("empty=,app=web", True),
        ("app in (db,web)", True),
        ("app in (db)", False),
        ("app notin (db, web)", False),
        ("gone notin (web)", True),
        ("app in(web)", True),
        ("empty in (,x)", True),
        ("empty in ()", True),
        ("app in ()", False),
        ("app=web,tier in (front,back),!canary", True),
        ("app=web,tier=back", False),
    ],
)
def test_what_is_selected(text: str, selected: bool) -> None:
    assert Selector.parse(text).matches(LABELS) is selected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("=a", "found '=', expected: !, identifier, or 'end of string'"),
        ("a b", "unable to parse requirement: found 'b', expected: in, notin, =, ==, !=, gt, lt"),
        ("a,", "found '', expected: identifier after ','"),
        ("a,,b", "found ',', expected: identifier after ','"),
        ("a=b c", "found 'c', expected: ',' or 'end of string'"),
        ("!a=b", "found '=', expected: ',' or 'end of string'"),
        ("!", "unable to parse requirement: found '', expected: identifier"),
        ("a=(", "unable to parse requirement: found '(', expected: identifier"),
        ("a===b", "unable to parse requirement: found '=', expected: identifier"),
        ("a in b", "unable to parse requirement: found 'b' expected: '('"),
        ("a in (b c)", "unable to parse requirement: found 'c', expected: ',' or ')'"),
        ("a in (b", "unable to parse requirement: found '', expected: ',' or ')'"),
        ("a>1", 'unable to parse requirement: "gt" isn\'t supported in label selectors'),
        ("a<1", 'unable to parse requirement: "lt" isn\'t supported in label selectors'),
        ("-a", 'unable to parse requirement: Invalid value: "-a": name part must be'),
        ("a/b/c", 'unable to parse requirement: Invalid value: "a/b/c": prefix part must be'),
        ("A.b/c", 'unable to parse requirement: Invalid value: "A.b/c": prefix part must be'),
        ("/c", 'unable to parse requirement: Invalid value: "/c": prefix part must be'),
        ("a=-b", 'unable to parse requirement: Invalid value: "-b": a valid label must be'),
        ("a=" + "b" * 64, "unable to parse requirement: Invalid value: "),
    ],
)
def test_what_is_no_selector(text: str, message: str) -> None:
    with pytest.raises(SelectorError) as caught:
        Selector.parse(text)
    assert str(caught.value).startswith(message)


def test_in_and_notin_can_be_keys_and_values() -> None:
    assert Selector.parse("in in (in,notin)").matches({"in": "notin"})
    assert Selector.parse("in=notin").matches({"in": "notin"})


names = st.sampled_from(["app", "tier", "example.com/x", "in", "a.b_c"])
values = st.sampled_from(["web", "", "in", "1.2"])
requirements = st.one_of(
    st.builds("{}{}{}".format, names, st.sampled_from(["=", "==", "!="]), values),
    st.builds("{} {} ({})".format, names, st.sampled_from(["in", "notin"]), st.lists(values, min_size=1).map(",".join)),
    names,
    names.map("!{}".format),
)


@given(st.lists(requirements, min_size=1, max_size=4), st.dictionaries(names, values))
def test_the_text_of_a_selector_is_the_same_selector(terms: list[str], labels: dict[str, str]) -> None:
    selector = Selector.parse(",".join(terms))
    again = Selector.parse(str(selector))
    assert again == selector
    assert again.matches(labels) is all(Selector.parse(term).matches(labels) for term in terms)


@given(st.text(alphabet="a=!(),<> in", max_size=20))
def test_any_text_is_a_selector_or_an_error(text: str) -> None:
    with suppress(SelectorError):
        Selector.parse(text)


def test_each_kind_has_its_selector() -> None:
    selection = Selection(labels=Selector.parse("a=b"), namespace_labels=Selector.parse("team"))
    assert str(selection.of(kinds.NAMESPACES)) == "team"
    for kind in (kinds.SERVICES, kinds.ENDPOINT_SLICES, kinds.PODS, kinds.SERVICE_IMPORTS):
        assert str(selection.of(kind)) == "a=b"
    assert str(selection.of(kinds.IMPORTED_SLICES)) == "multicluster.kubernetes.io/service-name,a=b"
    assert str(EVERYTHING.of(kinds.SERVICES)) == ""
