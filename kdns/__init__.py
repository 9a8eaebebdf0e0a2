"""kdns: a cluster DNS server that takes CoreDNS's place with nothing else changed.

The rooms, from the bottom up: `wire`, `corefile` and `metrics` know nothing of kdns; `chain` (answering), `cluster`
(Kubernetes) and `net` (sockets) are strangers to each other; `plugins` has one module for each Corefile word; `server`
assembles them; `cli` is the door. import-linter holds these borders (see pyproject.toml).

The version stands here as a plain constant, as looking it up in package metadata costs time at every start.
"""

from typing import Final

__version__: Final = "0.1.0"
"""pyproject.toml reads it from here."""
