"""whoami: tell clients who they are.

::

    whoami

Takes no argument, and answers everything: NOERROR without an answer, and in the additional section an A or AAAA record
with the client's address and an SRV record `_udp.NAME` or `_tcp.NAME` with its port, all with TTL 0. Useful to see
which address queries arrive from.

Metrics: none.

Example::

    .:1053 {
        whoami
    }
"""

from ipaddress import ip_address

from kdns.chain.answer import Answer
from kdns.chain.handler import Handler
from kdns.chain.query import Query
from kdns.chain.site import Site
from kdns.corefile import Arguments
from kdns.wire import codes, name, rdata
from kdns.wire.record import Record


def setup(args: Arguments, site: Site) -> None:
    """Read the directive. Raises `ConfigError`."""
    for line in args:
        line.end()
    site.chain("whoami", WhoAmI)


class WhoAmI:
    """Answers every query; nothing behind it is ever asked."""

    def __init__(self, next_: Handler) -> None:
        """`next_` is what has no part in it."""

    async def answer(self, query: Query) -> Answer:
        """The client, in the additional section."""
        question = query.question
        host, port = query.client
        address = ip_address(host.partition("%")[0])
        rtype = codes.A if address.version == 4 else codes.AAAA
        records = [Record(None, rtype, address.packed, 0, question.cls)]
        proto = f"_{query.transport.proto}".encode()
        if len(question.name) + 1 + len(proto) <= name.MAX_NAME:
            owner = name.from_labels([proto], question.name)
            records.append(Record(owner, codes.SRV, rdata.srv(0, 0, port, name.ROOT), 0, question.cls))
        return Answer(flags=codes.AA, additional=tuple(records))
