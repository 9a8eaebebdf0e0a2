"""The listening sockets of the process, kept open across reloads.

A new instance takes over a listener whose address it still wants: the socket stays, only who is asked changes, so no
packet and no connection is lost. Addresses that are new are opened before anything is taken over, so a failure there
leaves the old instance as it was.
"""

from collections.abc import Iterator
from contextlib import ExitStack
from typing import NamedTuple

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

    def serve(self, instance: Instance) -> None:
        """Open what an instance needs, let it answer from now on, and close what it does not need.

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
            for each in self._open[place]:
                each.answer_with(instance.service(wanted[place], place.proto, each.family))
        for listeners in opened.values():
            for each in listeners:
                each.start()
        for place in self._open.keys() - wanted.keys():
            self._close(place)
        self._open |= opened

    def close(self) -> None:
        """Close every listener."""
        for place in tuple(self._open):
            self._close(place)

    def _close(self, place: Place) -> None:
        for each in self._open.pop(place):
            each.close()


def _wanted(instance: Instance) -> Iterator[tuple[Place, plan.Listener]]:
    for listener in instance.listeners:
        for number in range(instance.first_block(listener).listen.sockets):
            for proto in ("udp", "tcp"):
                yield Place(proto, listener.host, listener.port, number), listener


def _opened(instance: Instance, listener: plan.Listener, place: Place) -> Listeners:
    made: list[UdpListener | StreamListener] = []
    for sock in listen(place.proto, place.host, place.port):
        kind = UdpListener if place.proto == "udp" else StreamListener
        family = 2 if ":" in sock.getsockname()[0] else 1
        made.append(kind(sock, instance.service(listener, place.proto, family)))
    return tuple(made)
