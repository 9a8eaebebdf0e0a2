"""The listening sockets of the process, kept open across reloads.

A new instance takes over a listener whose address it still wants: the socket stays, only who is asked changes, so no
packet and no connection is lost. Addresses that are new are opened before anything is taken over, so a failure there
leaves the old instance as it was. A listener that nobody wants any more is retired: it takes nothing new and stays
open until what it was asked is answered.
"""

import asyncio
import socket
from collections.abc import Awaitable, Callable, Iterator
from contextlib import ExitStack
from typing import NamedTuple

from kdns.chain.site import Listen
from kdns.net.bounds import StreamLimits
from kdns.net.errors import ListenError
from kdns.net.sockets import listen
from kdns.net.stream import StreamListener
from kdns.net.udp import UdpListener
from kdns.server import plan
from kdns.server.instance import Instance

Listeners = tuple[UdpListener | StreamListener, ...]


class Place(NamedTuple):
    """An address to listen on; `number` tells several sockets of one address apart (`multisocket`)."""

    proto: str
    host: str
    port: int
    number: int


class Ports:
    """Open listeners by place: one, or one for each address family of a wildcard."""

    def __init__(self) -> None:
        self._open: dict[Place, Listeners] = {}
        self._retired: list[UdpListener | StreamListener] = []

    def serve(self, instance: Instance) -> None:
        """Open what an instance needs, let it answer from now on, and retire what it does not need.

        Raises `ListenError` if an address cannot be opened; then nothing has changed.
        """
        wanted = dict(_wanted(instance))
        opened: dict[Place, Listeners] = {}
        with ExitStack() as undo:
            for place, listener in wanted.items():
                if place not in self._open:
                    opened[place] = _opened(instance, listener, place)
                    for each in opened[place]:
                        undo.callback(each.close)
            undo.pop_all()
        for place in self._open.keys() & wanted.keys():
            limits = _limits(instance.first_block(wanted[place]).listen)
            for each in self._open[place]:
                each.answer_with(instance.service(wanted[place], place.proto, each.family))
                if isinstance(each, StreamListener):
                    each.limits = limits
        for listeners in opened.values():
            for each in listeners:
                each.start()
        for place in self._open.keys() - wanted.keys():
            self._retire(place)
        self._open |= opened

    def retire_all(self) -> None:
        """Let every listener take nothing new."""
        for place in tuple(self._open):
            self._retire(place)

    async def end_retired(self, seconds: float, answered: Callable[[], Awaitable[None]]) -> None:
        """Close the retired listeners when all they were asked is answered, or after so many seconds.

        `answered` waits for the queries that still run; connections end meanwhile, datagram sockets after it.
        """
        retired, self._retired = self._retired, []
        streams = [each.drain(seconds) for each in retired if isinstance(each, StreamListener)]
        await asyncio.gather(answered(), *streams)
        for each in retired:
            each.close()

    def close(self) -> None:
        """Close every listener at once."""
        self.retire_all()
        while self._retired:
            self._retired.pop().close()

    def _retire(self, place: Place) -> None:
        for each in self._open.pop(place):
            each.pause()
            self._retired.append(each)


def _wanted(instance: Instance) -> Iterator[tuple[Place, plan.Listener]]:
    for listener in instance.listeners:
        for number in range(instance.first_block(listener).listen.sockets):
            for proto in ("tcp", "udp"):  # CoreDNS's order, which decides what an error names
                yield Place(proto, listener.host, listener.port, number), listener


def _opened(instance: Instance, listener: plan.Listener, place: Place) -> Listeners:
    try:
        sockets = listen(place.proto, place.host, place.port)
    except ListenError as error:
        raise ListenError(f"{'Listen' if place.proto == 'tcp' else 'ListenPacket'}: {error}") from None
    made: list[UdpListener | StreamListener] = []
    for sock in sockets:
        service = instance.service(listener, place.proto, 2 if sock.family == socket.AF_INET6 else 1)
        if place.proto == "udp":
            made.append(UdpListener(sock, service))
        else:
            made.append(StreamListener(sock, service, _limits(instance.first_block(listener).listen)))
    return tuple(made)


def _limits(listen: Listen) -> StreamLimits:
    return StreamLimits(listen.first_read, listen.idle, listen.write, listen.max_queries)
