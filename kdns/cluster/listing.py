"""Cuts a list response into small list documents while it arrives, so that no decode and no buffer is ever big.

Theory: asked with `resourceVersion=0`, most API servers send the whole collection whatever `limit` says (12 MB for
10 000 Services), which as one document blocks the loop for tens of milliseconds and doubles the memory. Objects of one
kind begin alike (`{"metadata":{`), and inside a JSON string a quote is always escaped; so `},` followed by that
beginning is where one object ends and the next begins. A nested array could look the same, hence each cut is proved by
parsing what it cut off: of JSON values none is a proper prefix of another, so items that parse as a whole array are
whole items.

Every document is `{"items":[...]}`; the last one has also what stood before and after the items (resourceVersion,
continue). A response that is not compact JSON comes out uncut, in one document.
"""

from collections.abc import Iterator
from typing import Final

import msgspec

CHUNK: Final = 256 << 10
"""Bytes of items from which on a cut is looked for; a decode of this size takes about a millisecond."""

MAX_DOCUMENT: Final = 64 << 20
"""Bytes of the longest document, which is one object unless the server writes its JSON in an unusual way."""

_ITEMS: Final = b'"items":['
_array: Final = msgspec.json.Decoder(list[msgspec.Raw])


class ListError(Exception):
    """The response holds an object, or a head, of more than `MAX_DOCUMENT` bytes."""


class Cutter:
    """Takes the bytes of one list response and gives list documents."""

    __slots__ = ("_begin", "_buffer", "_head", "_wanted")

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._head: bytes | None = None
        self._begin = b""
        self._wanted = CHUNK

    def feed(self, data: bytes) -> Iterator[bytes]:
        """The documents that are complete now that `data` has come. Raises `ListError`."""
        self._buffer += data
        if self._head is None:
            self._read_head()
        while self._begin and len(self._buffer) >= self._wanted:
            if (document := self._cut()) is None:
                break
            yield document
        if len(self._buffer) > MAX_DOCUMENT:
            raise ListError(f"more than {MAX_DOCUMENT} bytes without an end of an object")

    def finish(self) -> bytes:
        """The last document: head, items left, tail."""
        return (self._head or b"") + bytes(self._buffer)

    def _read_head(self) -> None:
        at = self._buffer.find(_ITEMS)
        if at < 0:
            return
        begin = at + len(_ITEMS)
        quote = self._buffer.find(b'"', begin + 2)
        # Only an object whose first key stands right after its brace can be told from what is nested in it.
        if quote > 0 and self._buffer[begin : begin + 2] == b'{"':
            self._begin = b"}," + bytes(self._buffer[begin : quote + 1])
            self._head = bytes(self._buffer[:begin])
            del self._buffer[:begin]

    def _cut(self) -> bytes | None:
        at = self._buffer.rfind(self._begin)
        if at >= 0:
            items = b"[" + self._buffer[: at + 1] + b"]"
            try:
                _array.decode(items)
            except msgspec.DecodeError:
                at = -1
        if at < 0:
            self._wanted = 2 * len(self._buffer)
            return None
        del self._buffer[: at + 2]
        self._wanted = CHUNK
        return b'{"items":' + items + b"}"
