"""Roles that plugins play for each other: offered with `site.offer`, found with `site.find`.

A plugin asks for what it needs by one of these protocols and so never knows another plugin's name or insides.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple, Protocol, runtime_checkable

from kdns.chain.answer import Records
from kdns.chain.basis import Key
from kdns.chain.places import Found
from kdns.chain.query import Query
from kdns.metrics import Counter
from kdns.wire.record import Record
from kdns.wire.signing import Secrets


@runtime_checkable
class MetadataProvider(Protocol):
    """A plugin that knows something about queries."""

    def metadata_of(self, query: Query, label: str) -> str | None:
        """The value of a label for a query as it came in, `None` if it has none; asked only for labels in use."""
        ...


@runtime_checkable
class Loading(Protocol):
    """A plugin that loads at the start what others read."""

    def ready(self) -> bool:
        """Whether everything was loaded once."""
        ...

    async def settled(self) -> None:
        """Wait until the first load is done, or has had its time."""
        ...


@runtime_checkable
class Labeller(Protocol):
    """A plugin that gives queries their labels, also before it is known whose they are."""

    def labelled(self, query: Query) -> Query:
        """The query with what the plugins of this block know about it."""
        ...


@runtime_checkable
class Filter(Protocol):
    """A plugin that knows which queries its block is for, so that several blocks may serve the same zone."""

    def admits(self, query: Query) -> bool:
        """Whether the block takes a query. What is read is noted on the query's basis. Raises nothing."""
        ...


@runtime_checkable
class ExternalServices(Protocol):
    """A plugin that knows by which addresses Services are reached from outside the cluster. All names are folded."""

    @property
    def serial(self) -> int:
        """Unix time of the last change of any of it, 32 bits; `chain.basis.Stamp`."""
        ...

    def synced(self) -> bool:
        """Whether everything was loaded once, so that what is not there does not exist."""
        ...

    def has_namespace(self, reads: list[Key], namespace: str) -> bool:
        """Whether a namespace exists and may be seen."""
        ...

    def reached_at(
        self,
        reads: list[Key],
        namespace: str,
        service: str,
        *,
        endpoint: str = "",
        port: tuple[str, str] | None = None,
        headless: bool = False,
    ) -> list[Found] | None:
        """Where a Service is reached, or one endpoint or port (name and protocol) of it; `None` if it is not.

        With `headless` the endpoints of Services without external addresses count.
        """
        ...

    def reached_by(self, reads: list[Key], address: bytes) -> list[tuple[str, str]]:
        """Name and namespace of the Services with this external address."""
        ...

    def own_addresses(self, reads: list[Key], *, headless: bool = False) -> list[bytes]:
        """Where this server itself is reached from outside."""
        ...

    def every_service(self) -> Iterable[tuple[str, str, tuple[tuple[str, str], ...]]]:
        """Name, namespace and named ports of all Services that may be seen, by name."""
        ...

    def every_address(self) -> Iterable[bytes]:
        """All external addresses."""
        ...


@runtime_checkable
class AutoPather(Protocol):
    """A plugin that knows where clients search for names."""

    @property
    def name(self) -> str:
        """Name of the plugin, as `autopath @NAME` has it."""
        ...

    def search_path(self, query: Query) -> tuple[bytes, ...]:
        """Folded names, in wire form, that the client's resolver tries first; none if it is not known."""
        ...


class Transfer(NamedTuple):
    """A whole zone: `records` has everything but the SOA, in batches that are made when they are asked for.

    Without `soa` it is a zone of ours that cannot be had now.
    """

    soa: Record | None
    records: Iterator[Records]


@runtime_checkable
class Transferer(Protocol):
    """A plugin that gives away whole zones."""

    def transfer(self, zone: bytes) -> Transfer | None:
        """A zone by its folded name in wire form, every owner in full; `None` if it is not one of ours."""
        ...


@runtime_checkable
class Informant(Protocol):
    """A plugin that follows something for all processes of the server.

    In a further process it begins with what the same plugin of `Site.twin` has, and is then told every change.
    """

    def inform(self, listener: Callable[[bytes], None]) -> Callable[[], None]:
        """In the first process: tell a listener of every change from now on; returns how to stop that."""
        ...

    def learn(self, change: bytes) -> None:
        """In a further process: take over a change, and forget what it touched, now, in this tick."""
        ...


@runtime_checkable
class Announcer(Protocol):
    """A plugin that tells other name servers of changes (NOTIFY, RFC 1996)."""

    def announce(self, zone: bytes) -> None:
        """Tell who may have a zone, by its folded name in wire form, that it is another now. Returns at once."""
        ...


@runtime_checkable
class ZoneCounter(Protocol):
    """A plugin that counts queries by zone."""

    def count_zones(self, zones: Iterable[str]) -> None:
        """Count these zones apart as well as those of the block; they take the place of the ones given before."""
        ...


@runtime_checkable
class Shedder(Protocol):
    """A plugin that has sockets send the newest replies first where there is no room for all."""

    def lost(self, server: str) -> Counter:
        """What counts the replies of a listener, named as in metrics, that do not reach the network."""
        ...


@runtime_checkable
class Keyholder(Protocol):
    """A plugin that has TSIG keys; they count for all blocks of its listeners."""

    @property
    def tsig_secrets(self) -> Secrets:
        """The secrets by the folded name of their key, in wire form."""
        ...


class Forwarded(NamedTuple):
    """A question to an upstream and what came of it, both whole messages; `reply` is `None` if none came.

    `source` is the local end, if it is known, and `proto` udp or tcp; times are Unix times in seconds.
    """

    proto: str
    source: tuple[str, int] | None
    upstream: tuple[str, int]
    asked: float
    question: bytes
    replied: float
    reply: bytes | None


@runtime_checkable
class Tap(Protocol):
    """A plugin that is shown messages: replies by `Basis.witness`, and what goes to upstreams and comes from them."""

    def forwarded(self, query: Query, exchange: Forwarded) -> None:
        """Take notice of an exchange with an upstream in the course of a query. Returns at once."""
        ...
