"""YAML as people write manifests: documents, Lists, and which kind an object is.

PyYAML's C parser does the reading, but its C composer recurses without a limit (a hundred kilobytes of `[` end the
process), so nodes are composed by PyYAML's Python composer, which fails with an error. Merge keys (`<<`) are refused:
they can double a document at every level. Texts that look like dates stay texts, as in the API; tags are ignored.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple, TypeVar

import msgspec
import yaml
from yaml import MappingNode, MarkedYAMLError, ScalarNode, SequenceNode, YAMLError
from yaml.composer import Composer
from yaml.constructor import ConstructorError, SafeConstructor

from kdns.cluster.kinds import KINDS, Kind
from kdns.cluster.objects import FOREIGN, object_error

S = TypeVar("S", bound=msgspec.Struct)
_MERGE: Final = "tag:yaml.org,2002:merge"


class DocumentError(Exception):
    """A file that is no YAML; the message has document, line and column, counted from 1."""


class _Loader(Composer, yaml.CSafeLoader):
    def __init__(self, data: bytes) -> None:
        Composer.__init__(self)
        yaml.CSafeLoader.__init__(self, data)

    def flatten_mapping(self, node: MappingNode) -> None:
        for key, _ in node.value:
            if key.tag == _MERGE:
                raise ConstructorError(None, None, "merge keys (<<) are not supported", key.start_mark)

    def construct_plain(self, node: ScalarNode | SequenceNode | MappingNode) -> Any:
        if isinstance(node, MappingNode):
            return self.construct_yaml_map(node)
        if isinstance(node, SequenceNode):
            return self.construct_yaml_seq(node)
        return self.construct_scalar(node)


_KEPT: Final = tuple(f"tag:yaml.org,2002:{tag}" for tag in ("null", "bool", "int", "float", "str", "seq", "map"))
_Loader.yaml_constructors = {
    **{tag: SafeConstructor.yaml_constructors[tag] for tag in _KEPT},
    None: _Loader.construct_plain,
}


class Head(NamedTuple):
    """What an object is. `kinds` are those it is watched as: none for a resource that DNS does not need."""

    kinds: tuple[Kind, ...]
    labels: Mapping[str, str]


class _Type(msgspec.Struct, rename="camel"):
    kind: str | None = None
    api_version: str | None = None


class _Meta(msgspec.Struct):
    labels: dict[str, str] | None = None


class _Labelled(msgspec.Struct):
    metadata: _Meta | None = None


def read_documents(data: bytes) -> Iterator[tuple[int, object]]:
    """The documents of a file that are not empty, with their numbers from 1. Raises `DocumentError`."""
    number = 1
    try:
        for document in yaml.load_all(data, _Loader):
            if document is not None:
                yield number, document
            number += 1
    except MarkedYAMLError as error:
        mark = error.problem_mark
        place = f", line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        raise DocumentError(f"document {number}{place}: {error.problem}") from error
    except RecursionError as error:
        raise DocumentError(f"document {number}: nested too deeply") from error
    except (YAMLError, ValueError, KeyError) as error:  # a value that is not what its tag says
        raise DocumentError(f"document {number}: {' '.join(str(error).split())[:200]}") from error


def expand(document: object) -> Iterator[object]:
    """The objects in a document: itself, or the items of a List, which take kind and version from a typed one."""
    kind = document.get("kind") if isinstance(document, Mapping) else None
    if not isinstance(document, Mapping) or not isinstance(kind, str) or not kind.endswith("List"):
        yield document
        return
    items = document.get("items")
    typed = {"kind": kind.removesuffix("List"), "apiVersion": document.get("apiVersion")} if kind != "List" else {}
    for item in items if isinstance(items, list) else ():
        yield {**typed, **item} if isinstance(item, Mapping) else item


def head_of(document: object) -> Head:
    """Raises `ObjectError` where kind or version are missing, or the version is not the one that kdns reads."""
    given = _convert("object", document, _Type)
    if not given.kind or not given.api_version:
        raise object_error(given.kind or "object", document, f"{'apiVersion' if given.kind else 'kind'} is missing")
    if given.kind.removesuffix("List") in {"", *(kind.name for kind in KINDS)} and given.kind.endswith("List"):
        raise object_error(given.kind, document, "a List in a List")
    group, _, version = given.api_version.rpartition("/")
    found = [kind for kind in KINDS if (kind.name, kind.group) == (given.kind, group)]
    if not found:
        return Head((), {})
    if found[0].version != version:
        raise object_error(given.kind, document, f"apiVersion {given.api_version!r}: expected {found[0].api_version}")
    meta = _convert(given.kind, document, _Labelled).metadata
    labels = (meta.labels if meta else None) or {}
    return Head(tuple(kind for kind in found if not kind.label or kind.label in labels), labels)


def _convert(name: str, document: object, shape: type[S]) -> S:
    try:
        return msgspec.convert(document, shape)
    except FOREIGN as error:
        raise object_error(name, document, error) from error
