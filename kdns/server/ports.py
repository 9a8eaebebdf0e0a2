"""The listening sockets of the process, kept open across reloads.

A new instance takes over a listener whose address it still wants: the socket stays, only who is asked changes, so no
packet and no connection is lost. Addresses that are new are opened before anything is taken over, so a failure there
leaves the old instance as it was. A listener that nobody wants any more is retired: it takes nothing new and stays
open until what it was asked is answered. Of an address that is to have fewer sockets, those for streams stay: clients
connect to each without asking, and a close would reset whoever has just done so.

A place may be lent to another process, which reads its sockets then, as long as it is there.
"""

import asyncio
import socket
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from functools import partial
from typing import NamedTuple

from kdns.chain.roles import Shedder
from kdns.metrics import Registry
from kdns.net.backlog import AnyBacklog, Backlog, Stack
from kdns.net.errors import ListenError
from kdns.net.exchange import Responder
from kdns.net.failures import host_port
from kdns.net.host import Welcome
from kdns.net.proxied import ByFamily, Unwrapping
from kdns.net.session import Session
from kdns.net.sockets import listen
from kdns.net.stream import StreamListener
from kdns.net.udp import UdpListener
from kdns.server import plan
from kdns.server.instance import Instance
from kdns.server.terms import Terms, terms

Listeners = tuple[UdpListener | StreamListener, ...]


class Place(NamedTuple):
    """An address to listen on; `number` tells several sockets of one address apart (`multisocket`)."""

    transport: str
    proto: str
    host: str
    port: int
    number: int


class Ports:
    """Open listeners by place: one, or one for each address family of a wildcard."""

    def __init__(self) -> None:
        self._open: dict[Place, Listeners] = {}
        self._lent: set[Place] = set()
        self._retired: list[UdpListener | StreamListener] = []

    def serve(self, instance: Instance) -> None:
        """Open what an instance needs, let it answer from now on, and retire what it does not need.

        What was lent is read here again.
        Raises `ListenError` if an address cannot be opened; then nothing has changed.
        """
        wanted = dict(_wanted(instance))
        opened: dict[Place, Listeners] = {}
        with ExitStack() as undo:
            for place, listener in wanted.items():
                if place not in self._open:
                    opened[place] = _listeners(instance, listener, place, _sockets(place))
                    for each in opened[place]:
                        undo.callback(each.close)
            undo.pop_all()
        for place in self._open.keys() & wanted.keys():
            self._hand_over(place, instance, wanted[place])
        for listeners in opened.values():
            for each in listeners:
                each.start()
        self._retire_unwanted(instance, wanted)
        self._open |= opened
        self._give_backlogs(instance, wanted)
        self.take_back(tuple(self._lent))

    def _hand_over(self, place: Place, instance: Instance, listener: plan.Listener) -> None:
        agreed = _terms(instance, listener)
        for each in self._open[place]:
            each.answer_with(_responder(instance, listener, place.proto, each.family, agreed))
            if isinstance(each, StreamListener):
                each.limits, each.tls, each.gate = agreed.limits, agreed.tls, agreed.gate

    def _retire_unwanted(self, instance: Instance, wanted: Mapping[Place, plan.Listener]) -> None:
        """Retire what is not wanted. Where only the number is, what still comes to the socket has to be answered."""
        addresses = {place[:-1]: listener for place, listener in wanted.items()}
        for place in self._open.keys() - wanted.keys():
            listener = addresses.get(place[:-1])
            if listener is None:
                self._retire(place)
                continue
            self.take_back((place,))
            if place.proto == "tcp":
                self._hand_over(place, instance, listener)
                continue
            for each in self._open.pop(place):
                if isinstance(each, UdpListener):
                    each.turn_away()
                self._retired.append(each)

    def adopt(self, instance: Instance, handed: Mapping[Place, Sequence[int]]) -> None:
        """Let an instance answer on sockets that are open, by their descriptors.

        Raises `ListenError` for a place that the instance does not know.
        """
        known = dict(_wanted(instance))
        wanted: dict[Place, plan.Listener] = {}
        for place, descriptors in handed.items():
            if place not in known:
                raise ListenError(f"nobody listens on {host_port(place.host, place.port)} any more")
            wanted[place] = known[place]
            sockets = [socket.socket(fileno=descriptor) for descriptor in descriptors]
            for sock in sockets:
                sock.setblocking(False)
            self._open[place] = _listeners(instance, known[place], place, sockets)
        self._give_backlogs(instance, wanted)
        for listeners in self._open.values():
            for each in listeners:
                each.start()

    def places(self, instance: Instance) -> list[Place]:
        """The places of an instance that is served here, but for those that only this process can answer at."""
        return [
            place
            for place, listener in _wanted(instance)
            if not any(site.listen.alone for site in instance.served_by(listener))
        ]

    def descriptors(self, place: Place) -> tuple[int, ...]:
        """The sockets of a place that is open."""
        return tuple(each.fileno() for each in self._open[place])

    def lend(self, places: Iterable[Place]) -> None:
        """Leave places to another process, which reads them now. What was read here already is answered here."""
        for place in places:
            self._lent.add(place)
            for each in self._open[place]:
                each.pause()

    def take_back(self, places: Iterable[Place]) -> None:
        """Read places here again, as far as they are lent."""
        for place in places:
            if place in self._lent:
                self._lent.discard(place)
                for each in self._open[place]:
                    each.start()

    def _give_backlogs(self, instance: Instance, wanted: Mapping[Place, plan.Listener]) -> None:
        for place, listener in wanted.items():
            for each in self._open[place]:
                if not isinstance(each, StreamListener):
                    each.hold_in(_backlog(instance, listener))

    def retire_all(self) -> None:
        """Let every listener take nothing new."""
        for place in tuple(self._open):
            self._retire(place)

    async def end_retired(self, seconds: float, answered: Callable[[], Awaitable[None]]) -> None:
        """Close the retired listeners when all they were asked is answered, or after so many seconds.

        `answered` waits for the queries that still run; connections end meanwhile, datagram sockets after it.
        """
        retired, self._retired = self._retired, []
        drained = [each.drain(seconds) for each in retired if isinstance(each, StreamListener)]
        await asyncio.gather(answered(), *drained)
        for each in retired:
            each.close()

    def close(self) -> None:
        """Close every listener at once."""
        self.retire_all()
        for each in self._retired:
            each.close()
        self._retired.clear()

    def _retire(self, place: Place) -> None:
        self._lent.discard(place)
        for each in self._open.pop(place):
            each.pause()
            self._retired.append(each)


def _backlog(instance: Instance, listener: plan.Listener) -> AnyBacklog:
    """Where replies wait that a datagram socket has no room for; any block of the listener can have them shed."""
    shedders = instance.offered(listener, Shedder)  # type: ignore[type-abstract]
    return Stack(shedders[-1].lost(listener.label)) if shedders else Backlog()


def _wanted(instance: Instance) -> Iterator[tuple[Place, plan.Listener]]:
    for listener in instance.listeners:
        for number in range(instance.served_by(listener)[0].listen.sockets):
            for proto in plan.PROTOS[listener.transport]:
                yield Place(listener.transport, proto, listener.host, listener.port, number), listener


def _sockets(place: Place) -> Sequence[socket.socket]:
    try:
        return listen(place.proto, place.host, place.port)
    except ListenError as error:
        raise ListenError(f"{'Listen' if place.proto == 'tcp' else 'ListenPacket'}: {error}") from None


def _listeners(
    instance: Instance, listener: plan.Listener, place: Place, sockets: Sequence[socket.socket]
) -> Listeners:
    agreed = _terms(instance, listener)
    session = _session(instance, listener)
    made: list[UdpListener | StreamListener] = []
    for sock in sockets:
        family = 2 if sock.family == socket.AF_INET6 else 1
        responder = _responder(instance, listener, place.proto, family, agreed)
        if place.proto == "udp":
            made.append(UdpListener(sock, responder))
        else:
            made.append(
                StreamListener(sock, responder, agreed.limits, tls=agreed.tls, gate=agreed.gate, session=session)
            )
    return tuple(made)


def _terms(instance: Instance, listener: plan.Listener) -> Terms:
    return terms(listener, [site.listen for site in instance.served_by(listener)])


def _responder(instance: Instance, listener: plan.Listener, proto: str, family: int, agreed: Terms) -> Responder:
    """Who answers on a socket; where proxies speak for clients, whoever answers the client's family."""
    if agreed.gate is None:
        return instance.service(listener, proto, family)
    service = partial(instance.service, listener, proto)
    return Unwrapping(agreed.gate, service, instance.clock) if proto == "udp" else ByFamily(service)


def _session(instance: Instance, listener: plan.Listener) -> Welcome:
    """Who speaks on the connections of a listener."""
    if listener.transport != "https":
        return Session
    from kdns.net.https import Https

    return Https(_count(instance.served_by(listener)[0].process.registry, listener.label))


def _count(registry: Registry, server: str) -> Callable[[int], None]:
    """Counts the responses of a listener by their status."""
    text = "Counter of DoH responses per server and http status code."
    responses = registry.counter("coredns_dns_https_responses_total", text, "server", "status")
    return lambda status: responses.child(server, str(status)).add()
