"""HTTP/2 on one DNS over HTTPS connection (RFC 9113), by h2; imported only where there is an `https://` listener.

Theory. h2 keeps the protocol's state and says nothing of costs; they are bounded here. Input is read in small pieces,
and not at all while the responder owes too many replies or the client does not take what is sent, so a flood costs
its sender what it costs us. What a reset stream asked for still counts until the responder has answered (rapid reset,
CVE-2023-44487). The window of the connection bounds what all unfinished bodies together may hold: it opens again only
when a request is complete. Frames and header blocks are measured before h2 gets them, and those that ask for nothing
are counted against requests that were answered; a client that only sends such is told to calm down.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from email.utils import formatdate
from typing import TYPE_CHECKING, cast

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.errors import ErrorCodes
from h2.events import (
    ConnectionTerminated,
    DataReceived,
    Event,
    RemoteSettingsChanged,
    RequestReceived,
    StreamEnded,
    StreamReset,
    WindowUpdated,
)
from h2.exceptions import ProtocolError
from h2.settings import SettingCodes, Settings

from kdns.net import doh
from kdns.net.bounds import HIGH_WATER
from kdns.net.doh import Response
from kdns.net.frames import MAX_FRAME, MAX_HEADERS, FrameError, Frames

if TYPE_CHECKING:
    from kdns.net.https import HttpsSession

READ = 2048
"""Octets that are read in one turn; some twenty requests, or two hundred of the smallest frames."""
WINDOW = 1 << 17
"""Octets of bodies that a connection, and each stream of it, may have on the way."""
CALM = 400
"""Frames that ask for nothing, for which a connection has credit at most."""
EARNED = 20
"""Credit that comes with each request that was answered."""
_TABLE = 4096
"""Octets of the table that our headers are compressed with, whatever more a client offers."""
_CONFIG = H2Configuration(client_side=False, validate_outbound_headers=False, normalize_outbound_headers=False)


class _Connection(H2Connection):
    DEFAULT_MAX_HEADER_LIST_SIZE = MAX_HEADERS
    MAX_CLOSED_STREAMS = 4096


class _Request:
    """A request that is not complete. `owed` are the octets of it that the windows are still narrower by."""

    __slots__ = ("body", "method", "owed", "since", "target")

    def __init__(self, method: bytes, target: bytes, since: float) -> None:
        self.method = method
        self.target = target
        self.since = since
        self.body = bytearray()
        self.owed = 0


class Http2(asyncio.BufferedProtocol):
    """Speaks for a session."""

    _transport: asyncio.Transport

    def __init__(self, session: "HttpsSession") -> None:
        self._session = session
        self._host = session.host
        self._h2 = _Connection(_CONFIG)
        self._h2.local_settings = Settings(
            client=False,
            initial_values={
                SettingCodes.MAX_CONCURRENT_STREAMS: self._host.limits.in_flight,
                SettingCodes.MAX_HEADER_LIST_SIZE: MAX_HEADERS,
                SettingCodes.INITIAL_WINDOW_SIZE: WINDOW,
            },
        )
        self._requests: dict[int, _Request] = {}
        self._asked: set[int] = set()
        """Streams whose request waits for its reply."""
        self._frames = Frames()
        self._unsent: dict[int, bytes] = {}
        """What flow control keeps of responses."""
        self._credit = CALM
        self._full = False
        self._ending = False
        self._turning = False

    @property
    def is_busy(self) -> bool:
        """See `_Speaker`."""
        return bool(self._requests or self._asked or self._unsent)

    # What the transport tells

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The connection stands."""
        self._transport = cast(asyncio.Transport, transport)
        self._transport.set_write_buffer_limits(HIGH_WATER)
        self._h2.initiate_connection()
        self._h2.increment_flow_control_window(WINDOW - 65535)
        self._session.advanced()
        self._flush()

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection has ended."""
        self._ending = True
        self._requests.clear()
        self._give_up()
        self._session.ended()

    def get_buffer(self, sizehint: int) -> memoryview:
        """All sessions read into the same place: `buffer_updated` follows at once."""
        return self._host.buffer[:READ]

    def buffer_updated(self, nbytes: int) -> None:
        """So much was read."""
        if self._ending and not self.is_busy:
            return
        octets = bytes(self._host.buffer[:nbytes])
        self._turning = True
        try:
            self._credit -= self._frames.idle(octets)
            if self._credit < 0:
                raise FrameError("nothing but frames that ask for nothing")
            for event in self._h2.receive_data(octets):
                self._take(event)
        except FrameError:
            self._end(ErrorCodes.ENHANCE_YOUR_CALM)
            return
        except ProtocolError:  # h2 has its farewell ready, with the reason
            self._end()
            return
        finally:
            self._turning = False
        self._settle()

    def eof_received(self) -> None:
        """The client sends no more; over TLS that is the end."""

    def pause_writing(self) -> None:
        """The client does not take what is sent."""
        self._full = True
        self._settle()

    def resume_writing(self) -> None:
        """It does again."""
        self._full = False
        self._settle()

    # Frames

    def _take(self, event: Event) -> None:
        stream = getattr(event, "stream_id", None) or 0
        match event:
            case RequestReceived():
                self._begin(stream, event)
            case DataReceived():
                self._collect(stream, event)
            case StreamEnded():
                request = self._requests.get(stream)
                if request is not None:
                    self._complete(stream, request)
            case StreamReset():
                self._drop(stream)
            case WindowUpdated():
                self._send_on()
            case RemoteSettingsChanged():
                self._h2.encoder.header_table_size = min(_TABLE, self._h2.remote_settings.header_table_size)
                self._send_on()
            case ConnectionTerminated():
                self._ending = True
                self._give_up()

    def _begin(self, stream: int, event: RequestReceived) -> None:
        method = target = b""
        for name, value in event.headers:
            if name == b":method":
                method = bytes(value)
            elif name == b":path":
                target = bytes(value)
        if self._ending or len(self._requests) + len(self._asked) >= self._host.limits.in_flight:
            self._reset(stream, ErrorCodes.REFUSED_STREAM)
            return
        self._requests[stream] = _Request(method, target, self._host.ticker.now)

    def _collect(self, stream: int, event: DataReceived) -> None:
        size, request = event.flow_controlled_length or 0, self._requests.get(stream)
        if request is None:
            self._h2.acknowledge_received_data(size, stream)
            return
        request.owed += size
        request.body += event.data
        if len(request.body) > doh.MAX_BODY:
            self._complete(stream, request)
            self._reset(stream, ErrorCodes.NO_ERROR)

    def _complete(self, stream: int, request: _Request) -> None:
        self._drop(stream)
        self._asked.add(stream)
        body = bytes(request.body) if len(request.body) <= doh.MAX_BODY else b""
        response = self._session.ask(request.method, request.target, body, self._done(stream))
        if response is not None:
            self._respond(stream, response, bodiless=request.method == b"HEAD")

    def _done(self, stream: int) -> Callable[[Response], None]:
        def done(response: Response) -> None:
            self._respond(stream, response)
            if not self._turning:
                self._settle()

        return done

    def _drop(self, stream: int) -> None:
        """Let go of what a stream holds here, and of its part of the windows."""
        self._asked.discard(stream)
        self._unsent.pop(stream, None)
        request = self._requests.pop(stream, None)
        if request is not None and request.owed:
            self._h2.acknowledge_received_data(request.owed, stream)

    def _reset(self, stream: int, code: ErrorCodes) -> None:
        with suppress(ProtocolError):  # it has ended by itself
            self._h2.reset_stream(stream, code)

    def _give_up(self) -> None:
        """Forget what was to be sent: nobody is there to take it."""
        self._asked.clear()
        self._unsent.clear()

    # Responses

    def _respond(self, stream: int, response: Response, *, bodiless: bool = False) -> None:
        """Send a response, unless its stream was reset meanwhile."""
        if stream not in self._asked:
            return
        self._asked.discard(stream)
        self._credit = min(CALM, self._credit + EARNED)
        self._session.advanced()
        headers = [
            (":status", str(response.status)),
            *response.headers,
            ("content-length", str(len(response.body))),
            ("date", formatdate(usegmt=True)),
        ]
        with suppress(ProtocolError):  # the client ended stream or connection
            self._h2.send_headers(stream, headers, end_stream=bodiless)
            if not bodiless:
                self._send(stream, response.body)
        self._flush()  # a TLS record for each response: some clients (dnsperf) look for one in each

    def _send(self, stream: int, body: bytes) -> None:
        """Send as much of a body as the windows let pass, and keep the rest."""
        while body:
            room = min(self._h2.local_flow_control_window(stream), self._h2.max_outbound_frame_size, MAX_FRAME)
            if room <= 0:
                self._unsent[stream] = body
                return
            part, body = body[:room], body[room:]
            self._h2.send_data(stream, part, end_stream=not body)

    def _send_on(self) -> None:
        unsent, self._unsent = self._unsent, {}
        for stream, body in unsent.items():
            with suppress(ProtocolError):
                self._send(stream, body)
        if self._unsent != unsent:
            self._session.moved()

    # Turns and ends

    def _settle(self) -> None:
        """Send what is ready, and see what comes next: read on, wait, or take leave."""
        self._flush()
        session = self._session
        session.blocked(self._full or bool(self._unsent))
        session.weigh(
            sum([len(request.body) for request in self._requests.values()])
            + sum([len(body) for body in self._unsent.values()])
            + (self._transport.get_write_buffer_size() if self._full else 0)
        )
        if self._transport.is_closing():
            return
        if self._ending and not self._asked and not self._unsent:
            self._end(ErrorCodes.NO_ERROR)
        elif self._full or session.waiting >= self._host.limits.in_flight or (self._ending and not self._unsent):
            self._transport.pause_reading()
        else:
            self._transport.resume_reading()

    def _flush(self) -> None:
        octets = self._h2.data_to_send()
        if octets and not self._transport.is_closing():
            self._transport.write(octets)

    def _end(self, code: ErrorCodes | None = None) -> None:
        """Say goodbye, with a reason if h2 has not said it, and close."""
        self._ending = True
        if code is not None:
            with suppress(ProtocolError):  # it has been closed
                self._h2.close_connection(code)
        self._flush()
        self._transport.close()

    def tick(self, oldest: float) -> None:
        """Reset streams whose request was begun before and is not complete; give credit for the time that passed."""
        self._credit = CALM
        late = [stream for stream, request in self._requests.items() if request.since < oldest]
        for stream in late:
            self._drop(stream)
            self._reset(stream, ErrorCodes.CANCEL)
        if late:
            self._settle()

    def leave(self) -> None:
        """Answer what was asked, and close; what was only begun is for another connection."""
        self._ending = True
        self._settle()
