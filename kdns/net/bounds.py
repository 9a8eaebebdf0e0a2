"""What the TCP connections of a listener may cost, one by one and together."""

from dataclasses import dataclass

QUERIES = 64
"""Queries that are answered in one turn, before the loop serves others."""
OUTPUT = 1 << 14
"""Octets of replies after which a turn ends."""
HIGH_WATER = 1 << 15
"""Octets that may wait to be sent before the client has to take some."""
LINGER = 2.0
"""Seconds that a client has to close its end after we have closed ours."""
LONGEST = 65535
"""Octets in a message (RFC 1035 section 4.2.2)."""
BUFFER = 1 << 14
"""Octets that are read at once from one connection."""
MEMORY = 1 << 24
"""Octets, read or to be sent, that may wait in all connections together."""
ACCEPTS = 64
"""Connections that are accepted before the loop serves others."""
SPARED = 1.0
"""Seconds for which a connection must have been idle to be closed for the sake of a new one."""


@dataclass(frozen=True, slots=True)
class StreamLimits:
    """What one listener's connections may cost: CoreDNS's times (`plugins.md`, timeouts), and counts of our own."""

    first_read: float = 3.0
    """Seconds until the first message has arrived."""
    idle: float = 10.0
    """Seconds between two messages; a part of a message counts for nothing."""
    write: float = 5.0
    """Seconds for which a client may leave its replies untaken."""
    max_queries: int = -1
    """Messages after which a connection is closed; -1: any number."""
    in_flight: int = 128
    """Queries of one connection that may wait for their replies at a time."""
    connections: int = 1024
    """Connections at a time; beyond it the longest idle one makes room, or newcomers wait."""
    connections_per_client: int = 0
    """Connections from one address at a time; 0: as many as there are."""
