"""What an answer rests on: recorded while it is made, and the only thing that decides how long it is kept.

No plugin declares itself cacheable. Whoever reads something notes it here, found or not, so a plugin written
tomorrow is right too: see `memo` for the laws that follow from these notes.
"""

from collections.abc import Callable
from typing import Protocol

from msgspec import Struct

Key = tuple[object, ...]
"""Names one place that was read: `("service", "shop", "web")`. Whoever changes it forgets the same key."""


class Stamp(Protocol):
    """Where the SOA serial of a zone stands at this moment (RFC 1035 section 3.3.13)."""

    @property
    def serial(self) -> int:
        """The serial, 32 bits."""
        ...


class Basis(Struct, eq=False):
    """Notes on one query, taken by all who answer it.

    `reads`     keys that were looked up, whether or not something stood there (law 1)
    `epoch`     the memo's count of forgettings when the answer was begun (law 4)
    `private`   the client's address was read (law 5)
    `fleeting`  rests on something nobody will announce a change of: an upstream, a clock, chance
    `expires`   monotonic time in seconds when the answer ends; its TTLs fade towards it if `fades`
    `stamp`     the zone whose serial the SOA in the answer carries (law 6)
    `shuffled`  the order of address records is chance
    `tallies`   called with the number of times the kept answer was sent
    `witness`   called with the octets of each message of the reply, where `chain.roles.Tap` is offered
    `uncased`   letter case and cookie show nowhere but in the question
    `absent`    tells of another first label, folded, whether the name with it is missing for the same reasons
    """

    epoch: int = 0
    private: bool = False
    fleeting: bool = False
    expires: float | None = None
    fades: bool = False
    stamp: Stamp | None = None
    shuffled: bool = False
    reads: list[Key] = []
    tallies: list[Callable[[int], None]] = []
    witness: Callable[[bytes], None] | None = None
    uncased: bool = False
    absent: Callable[[bytes], bool] | None = None
