"""When a zone is due to be looked after, by the numbers of its SOA (RFC 1035 section 4.3.5). Pure; times in seconds.

A zone expires only while its primaries cannot be asked, counted from when they last could.
"""

from kdns.chain.zone import Zone
from kdns.wire.record import Record

MAX_INCREMENT = 0x7FFFFFFF
"""The largest step by which a serial is newer (RFC 1982 section 3.2)."""

_NUMBERS = 20


class Schedule:
    """Begins when the primaries were asked with success: `due` is the next time to ask, `expires` the end."""

    def __init__(self, zone: Zone, now: float) -> None:
        refresh, retry, expire = (max(seconds, 1) for seconds in _times(zone.soa))
        self.failing = False
        self.due = now + refresh
        self.expires = now + expire
        self._retry = retry

    def failed(self, now: float) -> None:
        """Asking failed: it is due again after the retry time."""
        self.failing = True
        self.due = now + self._retry

    def has_expired(self, now: float) -> bool:
        """Whether the zone is not to be trusted any more."""
        return self.failing and now >= self.expires


def _times(soa: Record) -> tuple[int, int, int]:
    """Refresh, retry and expire."""
    numbers = soa.data[-_NUMBERS:]
    refresh, retry, expire = (int.from_bytes(numbers[at : at + 4], "big") for at in (4, 8, 12))
    return refresh, retry, expire


def is_newer(serial: int, than: int) -> bool:
    """Whether a serial comes after another one (RFC 1982 section 3.2)."""
    return serial != than and (serial - than) & 0xFFFFFFFF <= MAX_INCREMENT
