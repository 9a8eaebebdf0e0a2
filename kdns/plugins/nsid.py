"""nsid: tell clients that ask which server answered them (RFC 5001).

::

    nsid [DATA...]

A reply to a query with the EDNS option NSID carries the option with DATA, several words joined by a space; the host
name if there is none. An NSID that an upstream or another plugin gave is replaced. At most 255 octets; a reply for
which the client has little room leaves it out. Once in a block.

Errors: "this plugin can only be used once per Server Block", "unknown property 'X'", more than 255 octets. Metrics:
none.

Example::

    .:1053 {
        nsid dns-1 rack 7
        whoami
    }
"""

from kdns.chain.answer import DROP, Answer
from kdns.chain.handler import Handler
from kdns.chain.query import Query
from kdns.chain.site import Site
from kdns.corefile import Arguments
from kdns.wire import codes
from kdns.wire.edns import Option

MAX_DATA = 255
"""Octets of DATA; the protocol would take more than any reply has room for."""


def setup(args: Arguments, site: Site) -> None:
    """Read the directive. Raises `ConfigError`."""
    line = args.once()
    data = " ".join(line.rest()).encode() or site.process.hostname.encode()
    if len(data) > MAX_DATA:
        raise line.error(f"NSID of {len(data)} octets, more than {MAX_DATA}")
    site.chain("nsid", lambda next_: Nsid(next_, Option(codes.NSID, data)))


class Nsid:
    """Adds the option to replies."""

    def __init__(self, next_: Handler, option: Option) -> None:
        self._next = next_
        self._option = option

    async def answer(self, query: Query) -> Answer:
        """The next handler's answer, with the option if it was asked for; nothing is added to no reply."""
        answer = await self._next.answer(query)
        edns = query.edns
        if edns is None or answer is DROP or all(option.code != codes.NSID for option in edns.options):
            return answer
        others = tuple(option for option in answer.options if option.code != codes.NSID)
        # Where no upstream has made an OPT, CoreDNS makes one with DO.
        return answer.replace(options=(*others, self._option), do=answer.do or answer.relay is None)
