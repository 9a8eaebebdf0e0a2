"""The disk: globs as Go's, ConfigMap mounts, and files that are no text."""

import os
import threading
from pathlib import Path

import pytest

from kdns.corefile import files
from kdns.corefile.digest import digest
from kdns.corefile.errors import ConfigError
from kdns.corefile.files import Disk, decode
from kdns.corefile.parser import parse


@pytest.fixture
def disk() -> Disk:
    return Disk()


def mount(folder: Path, revision: str, contents: dict[str, str]) -> None:
    """Write a ConfigMap as kubelet does: files in a dated folder, `..data` swapped to it, links for the names."""
    data = folder / f"..{revision}"
    data.mkdir(parents=True)
    for name, text in contents.items():
        (data / name).write_text(text)
    fresh = folder / "..data_tmp"
    fresh.symlink_to(data.name)
    fresh.replace(folder / "..data")
    for name in contents:
        if not (folder / name).is_symlink():
            (folder / name).symlink_to(f"..data/{name}")
    for link in folder.iterdir():
        if link.is_symlink() and not link.exists():
            link.unlink()


def directives(corefile: Path) -> dict[str, str]:
    parsed = parse(Disk().read(str(corefile)), str(corefile), reader=Disk())
    return {directive.name: directive.tokens[-1].text for block in parsed.blocks for directive in block.directives}


def test_a_config_map_is_read_and_read_again(tmp_path: Path) -> None:
    corefile = tmp_path / "Corefile"
    mount(tmp_path, "1", {"Corefile": ". {\nimport custom/*.override\nimport custom/*\n}"})
    mount(tmp_path / "custom", "1", {"a.override": "log one\n"})
    assert directives(corefile) == {"log": "one"}
    before = digest(parse(corefile.read_text(), str(corefile), reader=Disk()))
    mount(tmp_path / "custom", "2", {"a.override": "log two\n", "b.override": "errors\n"})
    assert directives(corefile) == {"log": "two", "errors": "errors"}
    assert digest(parse(corefile.read_text(), str(corefile), reader=Disk())) != before
    mount(tmp_path / "custom", "3", {"b.override": "errors\n"})
    assert directives(corefile) == {"errors": "errors"}
    mount(tmp_path, "4", {"Corefile": ". {\nwhoami\n}"})
    assert directives(corefile) == {"whoami": "whoami"}


def test_globs(disk: Disk, tmp_path: Path) -> None:
    for name in ("a.conf", "b.conf", ".c.conf", "ab", "..data", "x/a.conf", "x-y/a.conf", "y"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "dangling").symlink_to("nowhere")

    def found(pattern: str) -> list[str]:
        return [os.path.relpath(path, tmp_path) for path in disk.glob(f"{tmp_path}/{pattern}")]

    assert found("*.conf") == [".c.conf", "a.conf", "b.conf"]
    assert found("*") == [".c.conf", "a.conf", "ab", "b.conf", "dangling", "x", "x-y", "y"]
    assert found("?") == ["x", "y"]
    assert found("?.con*") == ["a.conf", "b.conf"]
    assert found("x*/a.conf") == ["x/a.conf", "x-y/a.conf"]
    assert found("a.conf") == ["a.conf"]
    assert found("dangling") == ["dangling"]
    assert found("A.conf") == []
    assert found("missing/*") == []
    assert found("y/*") == []
    assert found("nul\0") == found("*\0") == found("nul\0*/x") == []
    assert disk.glob("/") == ["/"]


def test_paths(disk: Disk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert disk.absolute("a/../b") == str(tmp_path / "b")
    assert disk.is_directory(str(tmp_path))
    assert not disk.is_directory(str(tmp_path / "missing"))


def test_a_file_that_is_not_utf8_is_an_error_with_its_place(disk: Disk, tmp_path: Path) -> None:
    path = tmp_path / "Corefile"
    path.write_bytes(b"\xef\xbb\xbf.\n\xc3\xa4 \xff\n")
    with pytest.raises(ConfigError) as raised:
        disk.read(str(path))
    assert str(raised.value) == f"{path}:2 - Error during parsing: not UTF-8: octet \\xff"
    assert (raised.value.column, raised.value.word) == (3, "\\xff")


def test_a_file_is_bounded(disk: Disk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "MAX_FILE", 10)
    path = tmp_path / "Corefile"
    path.write_bytes(b"x" * 10)
    assert disk.read(str(path)) == "x" * 10
    path.write_bytes(b"x" * 11)
    with pytest.raises(ConfigError, match=r"Corefile:1 - Error during parsing: file is larger than 10 octets"):
        disk.read(str(path))
    with pytest.raises(ConfigError, match="larger"):
        decode(b"x" * 11, "/dev/stdin")


@pytest.mark.parametrize("path", ["/dev/zero", "/dev/null"])
def test_a_device_is_no_file(disk: Disk, path: str) -> None:
    with pytest.raises(OSError, match="not a regular file"):
        disk.read(path)


def test_a_pipe_is_read_to_its_end(disk: Disk, tmp_path: Path) -> None:
    path = str(tmp_path / "pipe")
    os.mkfifo(path)
    assert disk.read(path) == ""  # nobody writes: it does not wait
    reader, writer = os.pipe()
    with os.fdopen(reader):

        def write() -> None:
            with os.fdopen(writer, "wb", buffering=0) as pipe:
                pipe.write(b". {\n")
                pipe.write(b"}")

        thread = threading.Thread(target=write)
        thread.start()
        assert disk.read(f"/dev/fd/{reader}") == ". {\n}"
        thread.join()


@pytest.mark.parametrize("name", [".", "dangling", "missing"])
def test_what_cannot_be_read_is_an_os_error(disk: Disk, tmp_path: Path, name: str) -> None:
    (tmp_path / "dangling").symlink_to("nowhere")
    with pytest.raises(OSError, match="directory"):
        disk.read(str(tmp_path / name))


def test_a_dangling_import_is_an_error_at_its_place(disk: Disk, tmp_path: Path) -> None:
    (tmp_path / "a.conf").symlink_to("nowhere")
    with pytest.raises(ConfigError) as raised:
        parse("import *.conf", str(tmp_path / "Corefile"), reader=disk)
    path = tmp_path / "a.conf"
    assert raised.value.message == f"Could not import {path}: open {path}: no such file or directory"
