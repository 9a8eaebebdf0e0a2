"""kdns: a cluster DNS server that takes CoreDNS's place with nothing else changed.

The rooms, from the bottom up: `wire`, `corefile` and `metrics` know nothing of kdns; `chain` (answering), `cluster`
(Kubernetes) and `net` (sockets) are strangers to each other; `plugins` has one module for each Corefile word; `server`
assembles them; `cli` is the door. import-linter holds these borders (see pyproject.toml).

The versions stand here as plain constants: the image carries no package metadata to look them up in, and a look-up
costs more at start than everything else this module could do.
"""

from typing import Final

__version__: Final = "0.1.0"
"""kdns's own version; pyproject.toml reads it from here."""

COREDNS_VERSION: Final = "1.14.7"
"""The CoreDNS release whose answers, metrics, log lines and configuration kdns gives."""
