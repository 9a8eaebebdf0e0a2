"""A reader over a mapping of paths to texts; a text of None is a directory, an exception is raised when read."""

import fnmatch
import posixpath
from collections.abc import Mapping, Sequence

Content = str | OSError | None


class Folder:
    """Relative paths are from `base`, as if it were the working directory. `reads` counts what was read."""

    def __init__(self, files: Mapping[str, Content], base: str = "/etc/coredns") -> None:
        self._base = base
        self._files = {self.absolute(path): content for path, content in files.items()}
        self.reads: list[str] = []

    def absolute(self, path: str) -> str:
        return posixpath.normpath(posixpath.join(self._base, path))

    def glob(self, pattern: str) -> Sequence[str]:
        depth = pattern.count("/")
        return sorted(path for path in self._files if path.count("/") == depth and fnmatch.fnmatchcase(path, pattern))

    def is_directory(self, path: str) -> bool:
        return self._files[path] is None

    def read(self, path: str) -> str:
        self.reads.append(path)
        content = self._files[path]
        if isinstance(content, OSError):
            raise content
        assert content is not None
        return content
