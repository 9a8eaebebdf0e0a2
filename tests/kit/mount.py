"""A folder as the kubelet mounts a ConfigMap: links into another folder, which a change swaps whole.

Corefile -> ..data/Corefile
..data   -> ..2026_11_20_10_11_12.123456789
"""

import os
from collections.abc import Mapping
from pathlib import Path

DATA = "..data"


def mount(folder: Path, keys: Mapping[str, str]) -> str:
    """Mount a ConfigMap, or another state of it where one is mounted; the folder's name."""
    folder.mkdir(parents=True, exist_ok=True)
    before = [path for path in folder.iterdir() if path.name.startswith("..")]
    state = folder / f"..2026_{len(before)}"
    state.mkdir()
    for key, text in keys.items():
        (state / key).write_text(text)
    (folder / "..data_tmp").symlink_to(state.name)
    os.replace(folder / "..data_tmp", folder / DATA)
    for path in folder.iterdir():
        if path.is_symlink() and not path.exists():
            path.unlink()
    for key in keys:
        if not (folder / key).is_symlink():
            (folder / key).symlink_to(f"{DATA}/{key}")
    return str(folder)


def mounted(folder: Path) -> dict[str, str]:
    """The keys of a mounted ConfigMap and their texts."""
    return {path.name: path.read_text() for path in (folder / DATA).iterdir()}
