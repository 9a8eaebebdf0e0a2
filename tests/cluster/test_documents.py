from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from kdns.cluster.documents import DocumentError, expand, head_of, read_documents
from kdns.cluster.kinds import ENDPOINT_SLICES, IMPORTED_SLICES, NAMESPACES, PODS, SERVICE_IMPORTS, SERVICES, Kind
from kdns.cluster.objects import ObjectError

ROOT = Path(__file__).parents[2]


def test_documents_have_their_numbers() -> None:
    text = b"---\n# nothing\n---\na: 1\n---\n---\nb: [x]\n...\n"
    assert list(read_documents(text)) == [(2, {"a": 1}), (4, {"b": ["x"]})]
    assert list(read_documents(b"")) == []


def test_what_looks_like_a_date_is_a_text_and_tags_are_ignored() -> None:
    text = b"a: 2026-01-15T10:00:00Z\nb: 2026-99-99\nc: !!timestamp x\nd: !other {e: !!binary '%'}\nf: !x [1]"
    expected = {"a": "2026-01-15T10:00:00Z", "b": "2026-99-99", "c": "x", "d": {"e": "%"}, "f": [1]}
    assert list(read_documents(text)) == [(1, expected)]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"a: 1\n---\nb: c: d", "document 2, line 3, column 5: mapping values are not allowed in this context"),
        (b"a: [1", "document 1, line 2, column 1: did not find expected ',' or ']'"),
        (b"a: *b", "document 1, line 1, column 4: found undefined alias 'b'"),
        (b"a: 1\n<<: {b: 2}", "document 1, line 2, column 1: merge keys (<<) are not supported"),
        (b"? [a]\n: b", "document 1, line 1, column 3: found unhashable key"),
        (b"a: " + b"9" * 5000, "document 1: Exceeds the limit"),
        (b"a: !!float x", "document 1: could not convert string to float"),
        (b"a: !!bool x", "document 1: 'x'"),
        (b"a: \x00", "document 1: unacceptable character"),
        (b"a: \xff", "document 1: unacceptable character"),
        (b"\xff\xfea", "document 1: unacceptable character"),
        (b"%YAML 9.9\n---\na", "document 1, line 1, column 1: found incompatible YAML document"),
        (b"[" * 200_000, "document 1: nested too deeply"),
        (b"{a: " * 200_000, "document 1: nested too deeply"),
        (b"- " * 200_000, "document 1: nested too deeply"),
        (b"? " * 200_000, "document 1: nested too deeply"),
    ],
)
def test_what_is_no_yaml(data: bytes, message: str) -> None:
    with pytest.raises(DocumentError) as caught:
        list(read_documents(data))
    assert str(caught.value).startswith(message)


def test_aliases_cost_no_memory_and_may_go_in_circles() -> None:
    text = "a: &a [x, x]\n" + "".join(
        f"{b}: &{b} [*{a}, *{a}]\n" for a, b in zip("abcdefghi", "bcdefghij", strict=True)
    )
    ((_, document),) = read_documents(text.encode())
    assert isinstance(document, dict)
    assert document["c"][0] is document["c"][1] is document["b"]
    ((_, circle),) = read_documents(b"&a {metadata: *a, kind: Service, apiVersion: v1}")
    assert head_of(circle).kinds == (SERVICES,)


def test_the_demo_reads_as_it_does_with_the_plain_loader() -> None:
    files = sorted((ROOT / "deploy/demo").rglob("*.yaml"))
    assert files
    for path in files:
        data = path.read_bytes()
        plain = [document for document in yaml.safe_load_all(data) if document is not None]
        assert [document for _, document in read_documents(data)] == plain


@given(st.text(alphabet="a:-[]{}&*!<>?|#'\" \n\t01", max_size=60))
def test_any_text_is_documents_or_an_error(text: str) -> None:
    with suppress(DocumentError):
        for _, document in read_documents(text.encode()):
            for item in expand(document):
                with suppress(ObjectError):
                    head_of(item)


def test_lists_are_expanded() -> None:
    one: dict[str, object] = {"kind": "Service", "apiVersion": "v1"}
    two: dict[str, object] = {"metadata": {}}
    assert list(expand({"kind": "List", "apiVersion": "v1", "items": [one, two, 5]})) == [one, two, 5]
    typed = {"kind": "ServiceList", "apiVersion": "v1", "items": [one, two]}
    assert list(expand(typed)) == [one, {**one, **two}]
    assert list(expand({"kind": "List", "items": None})) == []
    for other in (one, 5, [one], None):
        assert list(expand(other)) == [other]


@pytest.mark.parametrize(
    ("document", "kinds"),
    [
        ({"apiVersion": "v1", "kind": "Service"}, (SERVICES,)),
        ({"apiVersion": "v1", "kind": "Pod", "metadata": None}, (PODS,)),
        ({"apiVersion": "v1", "kind": "Namespace", "metadata": {"labels": None}}, (NAMESPACES,)),
        ({"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice"}, (ENDPOINT_SLICES,)),
        (
            {
                "apiVersion": "discovery.k8s.io/v1",
                "kind": "EndpointSlice",
                "metadata": {"labels": {"multicluster.kubernetes.io/service-name": "x"}},
            },
            (ENDPOINT_SLICES, IMPORTED_SLICES),
        ),
        ({"apiVersion": "multicluster.x-k8s.io/v1alpha1", "kind": "ServiceImport"}, (SERVICE_IMPORTS,)),
        ({"apiVersion": "serving.knative.dev/v1", "kind": "Service"}, ()),
        ({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"labels": {"a": 1}}}, ()),
        ({"apiVersion": "x/v1", "kind": "AllowList"}, ()),
        ({"apiVersion": "v1", "kind": "Endpoints"}, ()),
    ],
)
def test_which_kind_an_object_is(document: Any, kinds: tuple[Kind, ...]) -> None:
    assert head_of(document).kinds == kinds


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ({}, "object without a name: kind is missing"),
        ({"kind": "Service", "metadata": {"name": "web"}}, "Service web: apiVersion is missing"),
        ({"kind": 5, "apiVersion": "v1"}, "object without a name: Expected `str | null`, got `int` - at `$.kind`"),
        (5, "object without a name: Expected `object`, got `int`"),
        ("text", "object without a name: Expected `object`, got `str`"),
        (
            {
                "kind": "EndpointSlice",
                "apiVersion": "discovery.k8s.io/v1beta1",
                "metadata": {"name": "x", "namespace": "a"},
            },
            "EndpointSlice a/x: apiVersion 'discovery.k8s.io/v1beta1': expected discovery.k8s.io/v1",
        ),
        ({"kind": "List", "apiVersion": "v1"}, "List without a name: a List in a List"),
        ({"kind": "PodList", "apiVersion": "v1"}, "PodList without a name: a List in a List"),
        (
            {"kind": "Pod", "apiVersion": "v1", "metadata": {"labels": {"a": 1}}},
            "Pod without a name: Expected `str`, got `int` - at `$.metadata.labels[...]`",
        ),
    ],
)
def test_what_is_no_object(document: Any, message: str) -> None:
    with pytest.raises(ObjectError) as caught:
        head_of(document)
    assert str(caught.value) == message
