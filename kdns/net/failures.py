"""What can go wrong between kdns and another machine, in the words operators search logs for.

Those words are Go's (`read udp 10.0.0.7:4711->10.0.0.1:53: i/o timeout`), because alerts and runbooks written for
CoreDNS contain them. An error's text is complete: who logs it adds nothing.
"""

import errno
import os

_WORDS = {
    errno.EADDRINUSE: "address already in use",
    errno.EADDRNOTAVAIL: "cannot assign requested address",
    errno.EAGAIN: "resource temporarily unavailable",
    errno.ECONNREFUSED: "connection refused",
    errno.ECONNRESET: "connection reset by peer",
    errno.EHOSTUNREACH: "no route to host",
    errno.EMFILE: "too many open files",
    errno.EMSGSIZE: "message too long",
    errno.ENETUNREACH: "network is unreachable",
    errno.ENOBUFS: "no buffer space available",
    errno.EPERM: "operation not permitted",
    errno.EPIPE: "broken pipe",
    errno.ETIMEDOUT: "connection timed out",
}
"""Go's table for the errors seen in practice: the C library's words differ between glibc and musl."""


class UpstreamError(Exception):
    """One question was not answered by one upstream; the text says which, and why."""


class UpstreamTimeout(UpstreamError):
    """The upstream was silent for as long as the caller was willing to wait."""


class UpstreamBusy(UpstreamError):
    """Nothing was sent: as many questions as are allowed are already waiting. Says nothing about the upstream."""


class UpstreamClosed(UpstreamError):
    """kdns itself gave up waiting: the upstream was closed by a reload or by shutdown."""


class MalformedQuestion(ValueError):
    """A message that cannot be sent as a question: not one question, or no readable one. Trying again is useless."""


def reason(error: OSError) -> str:
    """Go's words for an operating system's error; the C library's for those that Go's table above leaves out."""
    if error.errno is None:
        return str(error) or type(error).__name__
    return _WORDS.get(error.errno) or os.strerror(error.errno).lower()


def host_port(address: str, port: int) -> str:
    """`10.0.0.1:53`, `[::1]:53`: as Go joins them."""
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"
