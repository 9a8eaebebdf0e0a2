import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
import yaml

from kdns.cluster import folder as module
from kdns.cluster.folder import Folder, FolderError, Reading
from kdns.cluster.kinds import ENDPOINT_SLICES, IMPORTED_SLICES, KINDS, NAMESPACES, PODS, SERVICES, Kind
from kdns.cluster.objects import Namespace, Object, Service
from kdns.cluster.selector import EVERYTHING, Selection, Selector

ROOT = Path(__file__).parents[2]
SHARED = ROOT.parent / "shared/spec/fixture-cluster.yaml"


def manifest(name: str = "web", address: str = "10.96.0.1", namespace: str | None = "shop", **labels: str) -> str:
    meta: dict[str, Any] = {"name": name, "namespace": namespace, "labels": labels}
    if namespace is None:
        del meta["namespace"]
    return yaml.safe_dump({"apiVersion": "v1", "kind": "Service", "metadata": meta, "spec": {"clusterIP": address}})


class Place:
    """A folder and what was last read of it."""

    def __init__(self, path: Path, kinds: Iterable[Kind] = KINDS, selection: Selection = EVERYTHING) -> None:
        self.path = path
        self.folder = Folder(str(path), kinds, selection, settle=0)
        self.last = Reading({}, [])

    def write(self, name: str, *documents: str) -> None:
        (self.path / name).write_text("\n---\n".join(documents))

    def read(self) -> bool:
        """Whether there was something new."""
        reading = self.folder.read()
        self.last = Reading(self.last.objects, []) if reading is None else reading
        return reading is not None

    def services(self) -> dict[str, tuple[str, ...]]:
        found = self.last.objects.get(SERVICES, [])
        return {f"{value.namespace}/{value.name}": value.cluster_ips for value in found if isinstance(value, Service)}


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def test_files_are_read_when_they_change_and_only_then(place: Place) -> None:
    place.write("a.yaml", manifest())
    assert place.read()
    assert place.services() == {"shop/web": ("10.96.0.1",)}
    assert not place.read()
    place.write("a.yaml", manifest(address="10.96.0.22"), manifest("db"))
    place.write("b.yml", manifest("cache"))
    assert place.read()
    assert place.services() == {
        "shop/web": ("10.96.0.22",), "shop/db": ("10.96.0.1",), "shop/cache": ("10.96.0.1",)
    }  # fmt: skip
    (place.path / "a.yaml").unlink()
    assert place.read()
    assert place.services() == {"shop/cache": ("10.96.0.1",)}
    assert not place.read()


def test_an_empty_folder_has_no_objects(place: Place) -> None:
    assert place.read()
    assert place.last == Reading({}, [])


def test_a_change_that_keeps_size_and_modification_time_is_seen(place: Place) -> None:
    place.write("a.yaml", manifest(address="10.96.0.1"))
    place.read()
    times = os.stat(place.path / "a.yaml")
    (place.path / "new").write_text(manifest(address="10.96.0.2"))
    os.utime(place.path / "new", ns=(times.st_atime_ns, times.st_mtime_ns))
    os.rename(place.path / "new", place.path / "a.yaml")
    assert place.read()
    assert place.services() == {"shop/web": ("10.96.0.2",)}


def test_a_change_in_place_that_keeps_size_and_modification_time_is_seen(place: Place) -> None:
    place.write("a.yaml", manifest(address="10.96.0.1"))
    place.read()
    path = place.path / "a.yaml"
    before = path.stat()
    path.write_text(manifest(address="10.96.0.2"))
    while path.stat().st_ctime_ns == before.st_ctime_ns or path.stat().st_mtime_ns != before.st_mtime_ns:
        os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert place.read()
    assert place.services() == {"shop/web": ("10.96.0.2",)}


def test_other_files_are_not_read(place: Place) -> None:
    for name in (".hidden.yaml", "a.yaml~", "a.yaml.swp", "a.json", "README"):
        place.write(name, manifest())
    (place.path / "sub").mkdir()
    (place.path / "sub" / "a.yaml").write_text(manifest())
    place.read()
    assert place.last == Reading({}, [])


def test_a_mount_of_a_config_map_is_swapped_as_a_whole(place: Place) -> None:
    for version, address in (("..1", "10.96.0.1"), ("..2", "10.96.0.2")):
        (place.path / version).mkdir()
        (place.path / version / "a.yaml").write_text(manifest(address=address))
    (place.path / "..data").symlink_to("..1")
    (place.path / "a.yaml").symlink_to("..data/a.yaml")
    place.read()
    assert place.services() == {"shop/web": ("10.96.0.1",)}
    (place.path / "..tmp").symlink_to("..2")
    (place.path / "..tmp").rename(place.path / "..data")
    assert place.read()
    assert place.services() == {"shop/web": ("10.96.0.2",)}


def test_a_broken_file_keeps_what_it_last_had_and_is_told_once(place: Place) -> None:
    place.write("a.yaml", manifest())
    place.write("b.yaml", manifest("db"))
    place.read()
    place.write("a.yaml", manifest("new"), "a: b: c")
    place.write("b.yaml", manifest("db", "10.96.0.9"))
    place.read()
    assert place.services() == {"shop/web": ("10.96.0.1",), "shop/db": ("10.96.0.9",)}
    (problem,) = place.last.problems
    assert problem.startswith(f"{place.path}/a.yaml: document 2, line ")
    assert not place.read()
    place.write("b.yaml", manifest("db"))
    place.read()
    assert place.last.problems == []
    place.write("a.yaml", manifest("new"), "a: b: cd")
    place.read()
    assert len(place.last.problems) == 1
    place.write("a.yaml", manifest("new"))
    place.read()
    assert (place.last.problems, place.services()) == ([], {"shop/new": ("10.96.0.1",), "shop/db": ("10.96.0.1",)})


def test_a_wrong_object_costs_itself_alone_and_keeps_its_last_state(place: Place) -> None:
    place.write("a.yaml", manifest(), manifest("db"))
    place.read()
    place.write("a.yaml", manifest(address="10.96.0"), manifest("db", "10.96.0.9"), manifest("never", "x"), "- 5")
    place.read()
    assert place.services() == {"shop/web": ("10.96.0.1",), "shop/db": ("10.96.0.9",)}
    assert place.last.problems == [
        f"{place.path}/a.yaml: document 1: Service shop/web: spec.clusterIPs: '10.96.0' is not an IP address",
        f"{place.path}/a.yaml: document 3: Service shop/never: spec.clusterIPs: 'x' is not an IP address",
        f"{place.path}/a.yaml: document 4: object without a name: Expected `object`, got `array`",
    ]
    place.write("a.yaml", manifest("db", "10.96.0.9"))
    place.read()
    assert place.services() == {"shop/db": ("10.96.0.9",)}


def test_of_two_objects_with_one_name_the_first_counts(place: Place) -> None:
    place.write("a.yaml", manifest(), manifest(address="10.96.0.2"))
    place.write("b.yaml", manifest(address="10.96.0.3"), manifest("db"))
    place.read()
    assert place.services() == {"shop/web": ("10.96.0.1",), "shop/db": ("10.96.0.1",)}
    assert place.last.problems == [
        f"{place.path}/a.yaml: document 2: Service shop/web: a second one of this name",
        "b.yaml: Service shop/web: ignored, it is in a.yaml too",
    ]
    place.write("c.yaml", manifest("cache"))
    place.read()
    assert place.last.problems == []
    (place.path / "a.yaml").unlink()
    place.read()
    assert place.services()["shop/web"] == ("10.96.0.3",)


def test_many_problems_are_counted(place: Place) -> None:
    place.write("a.yaml", *(manifest(f"x{number}", "no") for number in range(module.MAX_PROBLEMS + 7)))
    place.read()
    assert len(place.last.problems) == module.MAX_PROBLEMS + 1
    assert place.last.problems[-1] == f"{place.path}/a.yaml: 7 more problems"


def test_without_a_namespace_it_is_the_default_one(place: Place) -> None:
    namespace = "{apiVersion: v1, kind: Namespace, metadata: {name: a}}"
    place.write("a.yaml", manifest(namespace=None), namespace)
    place.read()
    assert place.services() == {"default/web": ("10.96.0.1",)}
    assert place.last.objects[NAMESPACES] == [Namespace("a")]


def test_selectors_and_kinds(tmp_path: Path) -> None:
    selection = Selection(Selector.parse("tier=front"), Selector.parse("team"))
    place = Place(tmp_path, (SERVICES, NAMESPACES), selection)
    namespaces = [
        yaml.safe_dump({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}})
        for name, labels in (("a", {"team": "x"}), ("b", {"tier": "front"}))
    ]
    pod = yaml.safe_dump({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": 5, "labels": {"tier": "front"}}})
    place.write("a.yaml", manifest(tier="front"), manifest("db", tier="back"), manifest("x"), *namespaces, pod)
    place.read()
    assert place.services() == {"shop/web": ("10.96.0.1",)}
    assert place.last.objects[NAMESPACES] == [Namespace("a")]
    assert place.last.problems == []
    assert PODS not in place.last.objects


def test_lists_unknown_kinds_and_unknown_fields(place: Place) -> None:
    items = [yaml.safe_load(manifest("a")), {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": 5}]
    listed = yaml.safe_dump({"apiVersion": "v1", "kind": "List", "items": items})
    odd = yaml.safe_load(manifest("b"))
    odd["spec"]["later"] = {"x": [1]}
    odd["more"] = 5
    place.write("a.yaml", listed, yaml.safe_dump(odd), "")
    place.read()
    assert set(place.services()) == {"shop/a", "shop/b"}
    assert place.last.problems == []


def test_a_file_that_still_changes_is_left_for_the_next_look(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = Place(tmp_path)
    place.write("a.yaml", manifest())
    place.write("b.yaml", manifest("db"))
    place.read()

    def write_on(seconds: float) -> None:
        place.write("a.yaml", manifest(address="10.96.0.222"))
        place.write("b.yaml", manifest("db"))

    monkeypatch.setattr("kdns.cluster.folder.time.sleep", write_on)
    place.write("a.yaml", "")  # an editor has emptied it and not yet written it
    (tmp_path / "b.yaml").unlink()  # and moved this one away
    place.read()
    assert place.services() == {"shop/web": ("10.96.0.1",), "shop/db": ("10.96.0.1",)}
    monkeypatch.setattr("kdns.cluster.folder.time.sleep", lambda seconds: None)
    assert place.read()
    assert place.services() == {"shop/web": ("10.96.0.222",), "shop/db": ("10.96.0.1",)}
    assert not place.read()


def test_a_file_that_goes_away_while_it_is_looked_at_is_no_problem(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    place.write("a.yaml", manifest())
    place.read()
    monkeypatch.setattr("kdns.cluster.folder.time.sleep", lambda seconds: (place.path / "a.yaml").unlink())
    place.write("a.yaml", manifest(address="10.96.0.22"))
    place.read()
    assert (place.services(), place.last.problems) == ({"shop/web": ("10.96.0.1",)}, [])
    monkeypatch.setattr("kdns.cluster.folder.time.sleep", lambda seconds: None)
    place.read()
    assert (place.services(), place.last.problems) == ({}, [])


def test_a_file_that_changes_under_the_reader_is_left_for_the_next_look(place: Place) -> None:
    class Writer(Folder):
        written = False

        def _list(self) -> dict[str, tuple[int, ...]]:
            found = super()._list()
            if not self.written:
                self.written = True
                place.write("a.yaml", manifest(address="10.96.0.222"))
            return found

    place.folder = Writer(str(place.path), KINDS, EVERYTHING, settle=0)
    place.write("a.yaml", manifest())
    place.read()
    assert (place.services(), place.last.problems) == ({}, [])
    place.read()
    assert place.services() == {"shop/web": ("10.96.0.222",)}


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    place = Place(tmp_path / "gone")
    with pytest.raises(FolderError, match="gone: No such file or directory"):
        place.read()
    (tmp_path / "gone").mkdir()
    assert place.read()


def test_what_is_no_regular_file_is_not_waited_for(place: Place) -> None:
    os.mkfifo(place.path / "pipe.yaml")
    (place.path / "folder.yaml").mkdir()
    (place.path / "loop.yaml").symlink_to("loop.yaml")
    (place.path / "nowhere.yaml").symlink_to("gone")
    place.write("z.yaml", manifest())
    place.read()
    assert place.services() == {"shop/web": ("10.96.0.1",)}
    assert place.last.problems == [
        f"{place.path}/folder.yaml: Is a directory",
        f"{place.path}/loop.yaml: Too many levels of symbolic links",
        f"{place.path}/pipe.yaml: not a file",
    ]
    assert not place.read()


def test_bounds(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    place.write("a.yaml", manifest("a"))
    place.read()
    monkeypatch.setattr(module, "MAX_FILE", 200)
    place.write("a.yaml", manifest("a"), "#" * 200)
    place.read()
    assert place.last.problems == [f"{place.path}/a.yaml: more than 200 bytes"]
    assert set(place.services()) == {"shop/a"}
    monkeypatch.setattr(module, "MAX_OBJECTS", 1)
    place.write("a.yaml", "x", "y")
    place.read()
    assert place.last.problems == [f"{place.path}/a.yaml: more than 1 objects or 1000000 endpoints"]
    monkeypatch.setattr(module, "MAX_FILES", 1)
    place.write("b.yaml", manifest("b"))
    with pytest.raises(FolderError, match="more than 1 files"):
        place.read()
    monkeypatch.setattr(module, "MAX_FILES", 9)
    monkeypatch.setattr(module, "MAX_FOLDER", 9)
    with pytest.raises(FolderError, match="more than 9 bytes"):
        place.read()


def test_a_small_file_that_says_many_endpoints(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_ENDPOINTS", 20_000)
    head = (
        "{apiVersion: discovery.k8s.io/v1, kind: EndpointSlice, addressType: IPv4, metadata: {name: s%d, namespace: a}"
    )
    endpoints = f"[&e {{addresses: [{', '.join(['10.0.0.1'] * 100)}]}}{', *e' * 99}]"
    first = f"{head % 0}, endpoints: &all {endpoints}}}"
    others = "".join(f"- {head % number}, endpoints: *all}}\n" for number in range(1, 50))
    place.write("a.yaml", f"kind: List\napiVersion: v1\nitems:\n- {first}\n{others}")
    place.read()
    assert place.last.problems == [f"{place.path}/a.yaml: more than 200000 objects or 20000 endpoints"]


def read_all(paths: Iterable[Path], tmp_path: Path) -> Reading:
    for path in paths:
        (tmp_path / path.name).symlink_to(path)
    reading = Folder(str(tmp_path), KINDS, EVERYTHING, settle=0).read()
    assert reading is not None
    return reading


def test_the_demo_has_no_problem(tmp_path: Path) -> None:
    reading = read_all((ROOT / "deploy/demo/cluster").glob("*.yaml"), tmp_path)
    assert reading.problems == []
    assert reading.objects[SERVICES]
    assert reading.objects[NAMESPACES]


def test_every_object_of_the_fixture_cluster_loads(tmp_path: Path) -> None:
    if not SHARED.exists():
        pytest.skip("the shared specification is not here")
    reading = read_all([SHARED], tmp_path)
    documents = [document for document in yaml.safe_load_all(SHARED.read_bytes()) if document]
    assert reading.problems == []

    def loaded(kind: Kind) -> list[Object]:
        return reading.objects[kind]

    for kind in KINDS:
        expected = [one for one in documents if one["kind"] == kind.name]
        if kind is IMPORTED_SLICES:
            expected = [one for one in expected if kind.label in one["metadata"]["labels"]]
        assert {(value.namespace, value.name) for value in loaded(kind)} == {
            (one["metadata"].get("namespace", ""), one["metadata"]["name"]) for one in expected
        }
    assert len(loaded(ENDPOINT_SLICES)) > len(loaded(IMPORTED_SLICES)) == 2
