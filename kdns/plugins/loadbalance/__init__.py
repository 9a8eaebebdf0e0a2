"""loadbalance: change the order of address records, so that clients who take the first one spread.

::

    loadbalance [round_robin | weighted WEIGHTFILE] {
        reload DURATION        with weighted: how often WEIGHTFILE is read again (default 30s, 0 = never)
        prefer CIDR [CIDR...]  with round_robin: addresses in the first prefix first, then those in the second, ...
    }

`round_robin` (the default) puts the records of each section in the order CNAME, others, A and AAAA, MX; addresses and
MX records are shuffled, the rest stays as it was. `weighted` does so in the answer and additional sections of A, AAAA
and SRV questions only, and instead of shuffling brings one address to the front, chosen with a probability in
proportion to its weight. `prefer` then puts answer and additional section in the order CNAME, addresses, MX, others.
Only NOERROR answers are touched, and no zone transfers.

WEIGHTFILE, relative to `root`, holds lines of one word, a name, each followed by lines `IP WEIGHT` (1 to 255) for its
addresses; others weigh 1. `#` begins a comment line. It has at most 16 MiB.

Errors: "unknown policy: X", "unknown property for round_robin", "missing weight file argument", "unexpected
argument(s)", "reload duration value is missing", "invalid reload duration 'X'", 'invalid CIDR "X": ...', "weight file
open error" (a warning when it will be read again), "wrong domain name", "wrong IP address", "wrong weight value",
"missing domain name", "could not parse weight line"; what is wrong with the file later is logged. Metrics: none.

Example::

    .:1053 {
        loadbalance round_robin {
            prefer 10.0.0.0/8 2001:db8::/32
        }
        whoami
    }
"""

import random

from kdns.chain.answer import Answer
from kdns.chain.fastpath import Part
from kdns.chain.handler import Handler
from kdns.chain.query import Query
from kdns.chain.site import Site
from kdns.corefile import Arguments, Line, Network
from kdns.plugins.loadbalance.order import Order, Preference, RoundRobin
from kdns.plugins.loadbalance.weights import Weighted
from kdns.wire import codes
from kdns.wire.errors import WireError

DEFAULT_RELOAD = 30.0
"""Seconds between two looks at the weight file."""

TRANSFERS = (codes.AXFR, codes.IXFR)


def setup(args: Arguments, site: Site) -> None:
    """Read the directive. Raises `ConfigError`."""
    order: Order = RoundRobin(random.Random())
    prefixes: list[Network] = []
    for line in args:
        policy = line.text() if line.more else "round_robin"
        if policy == "weighted":
            order = _weighted(line, site)
            continue
        if policy != "round_robin":
            raise line.error(f"unknown policy: {policy}")
        if line.more:
            raise line.error(f"unknown property for {policy}")
        order = RoundRobin(random.Random())
        for option in line.block():
            if option.name != "prefer":
                raise option.unknown_property()
            while option.more:
                prefixes.append(option.network(wrong='invalid CIDR "{word}": {error}'))
    preference = Preference(tuple(prefixes)) if prefixes else None
    site.chain("loadbalance", lambda next_: LoadBalance(next_, order, preference))


def _weighted(line: Line, site: Site) -> Weighted:
    if not line.more:
        raise line.error("missing weight file argument")
    path = site.path(line.text())
    if line.more:
        raise line.error("unexpected argument(s)")
    reload = DEFAULT_RELOAD
    for option in line.block():
        if option.name != "reload":
            raise option.unknown_property()
        if not option.more:
            raise option.error("reload duration value is missing")
        wrong = "invalid reload duration '{word}'"
        reload = option.duration(0, wrong=wrong, outside=wrong)
        if option.more:
            raise option.error("unexpected argument")
    order = Weighted(path, random.Random())

    async def start() -> None:
        await order.begin(line.error, reload)
        if reload:
            site.wiring.spawn(order.follow(reload))

    site.hooks.startup.append(start)
    return order


class LoadBalance:
    """Reorders what the next handler answers."""

    deepest = 0

    def __init__(self, next_: Handler, order: Order, preference: Preference | None = None) -> None:
        self._next = next_
        self._order = order
        self._preference = preference

    def part(self) -> Part | None:
        """See `chain.fastpath`."""
        if self._preference is None and isinstance(self._order, RoundRobin):
            return Part(replied=self._order.turn)
        return None

    async def answer(self, query: Query) -> Answer:
        """The next handler's answer, reordered."""
        answer = await self._next.answer(query)
        if answer.rcode != codes.NOERROR or (answer.relay is not None and len(answer.relay.records) < 2):
            return answer
        if len(answer.answer) < 2 and len(answer.additional) < 2 and len(answer.authority) < 2:
            return answer
        if query.question.type in TRANSFERS:
            return answer
        try:
            return self._reordered(query, answer)
        except WireError:  # a relayed record that cannot be read is passed on as it came
            query.basis.fleeting = True
            return answer

    def _reordered(self, query: Query, answer: Answer) -> Answer:
        changes = self._order(query, answer)
        if changes:
            answer = answer.replace(**changes)
        elif query.basis.shuffled and answer.relay is not None:
            # A kept reply has its records moved about: it must not be one in which others may point at them.
            answer = answer.replace(relay=None)
        if self._preference is not None:
            changes = self._preference(query, answer)
            if changes:
                answer = answer.replace(**changes)
        return answer
