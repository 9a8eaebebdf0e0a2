"""The frames of an HTTP/2 connection as they arrive: their bounds, before anything is done with them. Pure.

h2 waits for all of a frame before it looks at its length, and for all of a header block; either may be megabytes. And
frames that ask for nothing leave no trace in h2 that could be counted. So the boundaries are followed here as well.
"""

from kdns.net.doh import MAX_TARGET

MAX_FRAME = 16384
"""Octets of a frame's payload (RFC 9113 section 6.5.2)."""
MAX_HEADERS = MAX_TARGET + 8192
"""Octets of a request's headers, compressed or not."""
PREFACE = 24
"""Octets that stand in front of the first frame (RFC 9113 section 3.4)."""
_HEAD = 9
_DATA, _HEADERS, _CONTINUATION = 0, 1, 9
_END_HEADERS = 4
_CRUMB = 64
"""Octets of a DATA frame below which it counts as asking for nothing: a query has hardly more, and is sent at once."""


class FrameError(Exception):
    """A frame, or a header block, of more octets than may be."""


class Frames:
    """Follows one connection, whatever pieces it comes in."""

    __slots__ = ("_block", "_head", "_skip")

    def __init__(self) -> None:
        self._skip = PREFACE
        self._head = b""
        self._block = 0

    def idle(self, octets: bytes) -> int:
        """How many frames begin in the next octets that ask for nothing. Raises `FrameError`."""
        at, count = self._skip, 0
        while at < len(octets):
            head = self._head + octets[at : at + _HEAD - len(self._head)]
            if len(head) < _HEAD:
                self._head, self._skip = head, 0
                return count
            at += _HEAD - len(self._head)
            self._head = b""
            size = head[0] << 16 | head[1] << 8 | head[2]
            count += self._judge(head[3], head[4], size)
            at += size
        self._skip = at - len(octets)
        return count

    def _judge(self, kind: int, flags: int, size: int) -> bool:
        """Whether a frame asks for nothing."""
        if size > MAX_FRAME:
            raise FrameError("frame too long")
        if kind == _DATA:
            return size < _CRUMB
        if kind not in (_HEADERS, _CONTINUATION):
            return True
        self._block += size
        if self._block > MAX_HEADERS:
            raise FrameError("headers too long")
        if flags & _END_HEADERS:
            self._block = 0
        return kind == _CONTINUATION
