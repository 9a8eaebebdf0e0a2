"""Which certificate a handshake gets: by the name that the client asks for, from what there is at that moment.

A domain's own certificate comes before that of a wildcard; a client that names nothing, as one that dials an address,
gets the first domain's. Other names, and domains that have no certificate yet, end the handshake (CoreDNS's README of
`tls`): to show a certificate that no client can trust would help nobody.
"""

import ssl
from collections.abc import Callable, Sequence

from kdns.net.tls import choosing_context, server_context
from kdns.plugins.tls.files import ALPN

Contexts = dict[str, ssl.SSLContext]
"""A context for each transport, all of one certificate."""


def contexts(certificate: str, key: str) -> Contexts:
    """The contexts of a certificate that lies in files; blocks. Raises ValueError."""
    return {transport: server_context(certificate, key, alpn=alpn) for transport, alpn in ALPN.items()}


class Shown:
    """The certificates of some domains: `front` has the contexts to listen with, whatever there is to show."""

    def __init__(self, domains: Sequence[str], changed: Callable[[str], None] = lambda domain: None) -> None:
        """`changed` is told of domains that have another certificate now."""
        self._changed = changed
        self._first = domains[0]
        self._managed = frozenset(domains)
        self._contexts: dict[str, Contexts] = {}
        self.front: Contexts = {transport: self._front(transport) for transport in ALPN}

    def show(self, domain: str, contexts: Contexts) -> None:
        """Show a domain's certificate from the next handshake on; connections that stand keep theirs."""
        self._contexts[domain] = contexts
        self._changed(domain)

    def _front(self, transport: str) -> ssl.SSLContext:
        return choosing_context(lambda asked: self._chosen(transport, asked))

    def _chosen(self, transport: str, asked: str | None) -> ssl.SSLContext | ssl.AlertDescription:
        wanted = self._first if not asked else asked.lower().removesuffix(".")
        candidates = self._managed & {wanted, f"*.{wanted.partition('.')[2]}"}
        for domain in sorted(candidates, reverse=True):  # an asterisk sorts before every letter
            if domain in self._contexts:
                return self._contexts[domain][transport]
        if candidates:
            return ssl.AlertDescription.ALERT_DESCRIPTION_INTERNAL_ERROR
        return ssl.AlertDescription.ALERT_DESCRIPTION_UNRECOGNIZED_NAME
