"""The words of errors, which are Go's on every C library."""

import errno

import pytest

from kdns.net.failures import host_port, reason


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (ConnectionRefusedError(errno.ECONNREFUSED, "x"), "connection refused"),
        (OSError(errno.EADDRINUSE, "Address in use"), "address already in use"),
        (OSError(errno.ENETUNREACH, "Network unreachable"), "network is unreachable"),
        (OSError(errno.EACCES, "Permission denied"), "permission denied"),
        (ConnectionAbortedError("handshake is taking too long"), "handshake is taking too long"),
        (ConnectionResetError(), "ConnectionResetError"),
    ],
)
def test_reasons(error: OSError, words: str) -> None:
    assert reason(error) == words


def test_addresses_with_ports() -> None:
    assert host_port("192.0.2.1", 53) == "192.0.2.1:53"
    assert host_port("::1", 53) == "[::1]:53"
    assert host_port("", 8080) == ":8080"
