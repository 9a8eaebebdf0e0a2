"""Frame Streams, which dnstap messages travel in: the side that sends, over a connection that goes both ways.

A data frame is its length and its octets. Control frames stand behind a length of 0. We say READY and what we send, the
collector ACCEPTs that, and START begins the data; STOP ends it, and FINISH says that all of it has arrived
(https://farsightsec.github.io/fstrm). Each step is bounded in time and size, and whatever else comes is an error.
"""

import asyncio
from struct import Struct

from kdns.net.failures import reason

CONTENT_TYPE = b"protobuf:dnstap.Dnstap"
ACCEPT, START, STOP, READY, FINISH = 1, 2, 3, 4, 5
MAX_CONTROL = 512
"""Octets of a control frame."""
TIMEOUT = 4.0
"""Seconds for each step of a handshake, and until a collector must have taken some of what is sent."""

_CONTENT = 1
_LENGTH = Struct(">I")
_PAIR = Struct(">II")


class FrameError(Exception):
    """A peer that does not speak Frame Streams, or not with us; or that has gone away."""


def data(payload: bytes) -> bytes:
    """A data frame."""
    return _LENGTH.pack(len(payload)) + payload


def control(kind: int, content: bytes | None = None) -> bytes:
    """A control frame."""
    field = b"" if content is None else _PAIR.pack(_CONTENT, len(content)) + content
    return _PAIR.pack(0, 4 + len(field)) + _LENGTH.pack(kind) + field


async def begin(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Agree with the collector on what is sent. Raises `FrameError`."""
    await _send(writer, control(READY, CONTENT_TYPE))
    fields = await _receive(reader, ACCEPT)
    if fields and CONTENT_TYPE not in fields:
        raise FrameError("content type mismatch")
    await _send(writer, control(START, CONTENT_TYPE))


async def end(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Say that this was all, and wait for the collector to have it. Raises `FrameError`."""
    await _send(writer, control(STOP))
    await _receive(reader, FINISH)


async def drain(writer: asyncio.StreamWriter) -> None:
    """Wait until the collector has taken enough of what was sent. Raises `FrameError`."""
    try:
        async with asyncio.timeout(TIMEOUT):
            await writer.drain()
    except TimeoutError as error:
        raise FrameError("write: i/o timeout") from error
    except OSError as error:
        raise FrameError(f"write: {reason(error)}") from error


async def _send(writer: asyncio.StreamWriter, frame: bytes) -> None:
    writer.write(frame)
    await drain(writer)


async def _receive(reader: asyncio.StreamReader, expected: int) -> list[bytes]:
    """The content types in the control frame that is due."""
    try:
        async with asyncio.timeout(TIMEOUT):
            escape, size = _PAIR.unpack(await reader.readexactly(_PAIR.size))
            if escape or not 4 <= size <= MAX_CONTROL:
                raise FrameError("decoding error")
            frame = await reader.readexactly(size)
    except TimeoutError as error:
        raise FrameError("read: i/o timeout") from error
    except asyncio.IncompleteReadError as error:
        raise FrameError("unexpected EOF" if error.partial else "EOF") from error
    except OSError as error:
        raise FrameError(f"read: {reason(error)}") from error
    if _LENGTH.unpack_from(frame)[0] != expected:
        raise FrameError("decoding error")
    return _content_types(frame[4:])


def _content_types(fields: bytes) -> list[bytes]:
    found: list[bytes] = []
    while fields:
        if len(fields) < _PAIR.size:
            raise FrameError("decoding error")
        kind, size = _PAIR.unpack_from(fields)
        value, fields = fields[_PAIR.size : _PAIR.size + size], fields[_PAIR.size + size :]
        if kind != _CONTENT or len(value) < size:
            raise FrameError("decoding error")
        found.append(value)
    return found
