"""The error of the wire room: it knows the response code it is to be answered with."""

from kdns.wire import codes


class WireError(Exception):
    """A message or name that cannot be read or written.

    `rcode` is what the sender of a malformed message is told (RFC 1035 section 4.1.1).
    """

    def __init__(self, message: str, rcode: int = codes.FORMERR) -> None:
        super().__init__(message)
        self.rcode = rcode


class EdnsError(WireError):
    """An OPT record that cannot be read, or that should not be there; the reply has one (RFC 6891 section 7)."""
