"""timeouts: how long connections of clients may be silent.

::

    timeouts {
        read DURATION         until the first message has arrived; default 3s
        write DURATION        until the client takes its replies; default 5s; CoreDNS has it for HTTPS alone
        idle DURATION         between two messages; default 10s
        maxtcpqueries N       queries after which a connection is closed; default -1: any number
    }

For the TCP, TLS and HTTPS connections of the block's listeners; UDP has none. `read` has the TLS handshake in it, and
for HTTPS it is the time for a whole request; `maxtcpqueries` is not for HTTPS. DURATION is from 1s to 24h, a number
alone is seconds. Where several blocks share a listener, the last one that sets a value decides on it.

Errors: an argument, "timeouts block with no timeouts specified", "timeout provided 'X' needs to be between 1 second and
24 hours", "failed to parse duration 'X'", "unknown option: 'X'", "invalid value for maxtcpqueries 'X': ...",
"maxtcpqueries provided 'N' needs to be -1 (unlimited) or a positive integer". Metrics: none.

Example::

    .:1053 {
        timeouts {
            read 5s
            idle 1m
            maxtcpqueries 1000
        }
        whoami
    }
"""

from kdns.chain.listen import Listen
from kdns.chain.site import Site
from kdns.corefile import Arguments, Line, format_duration, parse_duration, parse_integer

MIN, MAX = 1.0, 86400.0
"""Seconds."""


def setup(args: Arguments, site: Site) -> None:
    """Read the directive. Raises `ConfigError`."""
    for line in args:
        line.end()
        options = list(line.block())
        for option in options:
            if option.more != 1:
                option.rest()
                raise option.wrong_count()
            _apply(option, site.listen)
        if not options:
            raise line.error("timeouts block with no timeouts specified")


def _apply(option: Line, listen: Listen) -> None:
    if option.name == "maxtcpqueries":
        listen.max_queries = _count(option)
        return
    seconds = _seconds(option)
    match option.name:
        case "read":
            listen.first_read = seconds
        case "write":
            listen.write = seconds
        case "idle":
            listen.idle = seconds
        case _:
            raise option.error(f"unknown option: '{option.name}'")


def _count(option: Line) -> int:
    number = option.integer(wrong="invalid value for maxtcpqueries '{word}': {error}")
    if number == 0 or number < -1:
        raise option.error(f"maxtcpqueries provided '{number}' needs to be -1 (unlimited) or a positive integer")
    return number


def _seconds(option: Line) -> float:
    text = option.text()
    try:
        seconds = parse_duration(f"{text}s" if _is_integer(text) else text)
    except ValueError:
        raise option.error(f"failed to parse duration '{text}'") from None
    if not MIN <= seconds <= MAX:
        shown = format_duration(seconds)
        raise option.error(f"timeout provided '{shown}' needs to be between 1 second and 24 hours")
    return seconds


def _is_integer(text: str) -> bool:
    try:
        parse_integer(text)
    except ValueError:
        return False
    return True
