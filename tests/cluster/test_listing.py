import json
import random

import msgspec
import pytest

from kdns.cluster import listing
from kdns.cluster.listing import Cutter, ListError


def typed_list(count: int, size: int = 200) -> bytes:
    items = [
        {"metadata": {"name": f"s{n}", "labels": {"odd": '},{"metadata":{'}}, "x": "y" * size} for n in range(count)
    ]
    body = {"kind": "ServiceList", "metadata": {"resourceVersion": "7", "continue": "c"}, "items": items}
    return msgspec.json.encode(body)


def cut(data: bytes, piece: int) -> list[dict[str, object]]:
    cutter = Cutter()
    documents = [d for at in range(0, len(data), piece) for d in cutter.feed(data[at : at + piece])]
    return [json.loads(document) for document in (*documents, cutter.finish())]


def names(documents: list[dict[str, object]]) -> list[str]:
    return [item["metadata"]["name"] for document in documents for item in document["items"] or []]  # type: ignore[attr-defined]


@pytest.mark.parametrize("piece", [1000, 65_536, 300_001, 1 << 30])
def test_a_long_list_comes_in_small_documents_and_the_last_has_the_metadata(piece: int) -> None:
    documents = cut(typed_list(5000), piece)
    assert names(documents) == [f"s{n}" for n in range(5000)]
    assert documents[-1]["metadata"] == {"resourceVersion": "7", "continue": "c"}
    assert all(set(document) == {"items"} for document in documents[:-1])
    if piece < 1 << 20:
        assert len(documents) >= 3


def test_a_custom_resource_list_with_its_metadata_behind_the_items() -> None:
    items = [{"apiVersion": "g/v1", "kind": "X", "metadata": {"name": f"s{n}"}, "pad": "p" * 500} for n in range(2000)]
    body = {"apiVersion": "g/v1", "items": items, "kind": "XList", "metadata": {"resourceVersion": "9"}}
    documents = cut(msgspec.json.encode(body), 65_536)
    assert len(documents) > 3
    assert names(documents) == [f"s{n}" for n in range(2000)]
    assert documents[-1]["metadata"] == {"resourceVersion": "9"}


@pytest.mark.parametrize("body", [b'{"metadata":{},"items":null}', b'{"metadata":{},"items":[]}', b"{}"])
def test_a_list_without_items_is_one_document(body: bytes) -> None:
    assert cut(body, 1 << 20) == [json.loads(body)]


def test_a_list_with_spaces_is_one_document() -> None:
    body = json.dumps(json.loads(typed_list(2000)), indent=1).encode()
    assert len(cut(body, 65_536)) == 1


def test_nested_arrays_that_look_like_the_list_are_not_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listing, "CHUNK", 100)
    chance = random.Random(1)
    nested = [{"metadata": {"n": n}} for n in range(6)]
    items = [
        {"metadata": {"name": f"s{n}"}, "deep": nested[: chance.randrange(7)], "pad": "p" * chance.randrange(90)}
        for n in range(300)
    ]
    data = msgspec.json.encode({"metadata": {"resourceVersion": "1"}, "items": items})
    documents = cut(data, 37)
    assert len(documents) > 20
    assert [item for document in documents for item in document["items"]] == items  # type: ignore[attr-defined]


def test_an_object_without_end_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listing, "MAX_DOCUMENT", 1 << 20)
    cutter = Cutter()
    list(cutter.feed(b'{"items":[{"metadata":{"name":"'))
    list(cutter.feed(b"x" * 1_000_000))
    with pytest.raises(ListError, match="1048576"):
        list(cutter.feed(b"x" * 65_536))
