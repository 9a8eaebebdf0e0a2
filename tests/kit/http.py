"""Asking an HTTP endpoint of this process, whole response and all."""

import asyncio
from collections.abc import Mapping
from typing import NamedTuple


class Fetched(NamedTuple):
    """A response; header names are in lower case."""

    status: int
    body: str
    headers: Mapping[str, str]


async def fetch(port: int, path: str, method: str = "GET") -> Fetched:
    """What 127.0.0.1 says at a port; raises OSError if nobody listens."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(f"{method} {path} HTTP/1.1\r\nHost: kdns\r\nConnection: close\r\n\r\n".encode())
    try:
        head, _, body = (await reader.read()).decode().partition("\r\n\r\n")
    finally:
        writer.close()
    first, *lines = head.split("\r\n")
    headers = dict(line.lower().split(": ", 1) for line in lines)
    return Fetched(int(first.split()[1]), body, headers)
