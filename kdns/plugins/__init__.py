"""One module for each word of the Corefile; this is their table of contents, and the order of the chain.

A plugin module has its manual page as docstring, `setup(args, site)`, and one handler class at most. Plugins are
strangers to each other. The order of words in a Corefile means nothing: chains are built in the order below, which is
CoreDNS's (`corefile.md` section 9).
"""

from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from kdns.chain.site import Site
from kdns.corefile import Arguments

ORDER = (
    "root", "metadata", "geoip", "cancel", "proxyproto", "quic", "grpc_server", "https", "https3", "timeouts",
    "multisocket", "reload", "nsid", "bufsize", "bind", "debug", "trace", "ready", "health", "pprof", "shed",
    "prometheus", "errors", "log", "dnstap", "local", "dns64", "any", "chaos", "loadbalance", "tsig",
    "rewrite", "autopath", "acl", "cache", "header", "dnssec", "tls", "minimal", "template", "transfer",
    "hosts", "route53", "azure", "clouddns", "k8s_external", "kubernetes", "file", "auto", "secondary",
    "etcd", "loop", "forward", "grpc", "erratic", "whoami", "on", "sign", "view", "nomad",
)  # fmt: skip
"""Every word that CoreDNS has, outermost link first."""

ABSENT = {
    "on": "it runs programs of the host",
    "trace": "kdns has metrics, dnstap and pprof to be watched by",
    "dnssec": "its keys and its time for each answer are not for names that no stub resolver validates",
    "sign": "zones are signed by the tools that keep their keys; file and auto serve them signed",
    **dict.fromkeys(("etcd", "route53", "azure", "clouddns", "nomad"), "its data are not a cluster's"),
    **dict.fromkeys(("grpc", "grpc_server", "quic", "https3"), "DNS over UDP, TCP, TLS and HTTPS are there"),
}
"""Words that kdns does not have, and why."""

Setup = Callable[[Arguments, Site], Any]


def available() -> frozenset[str]:
    """The words of `ORDER` that kdns has."""
    return frozenset(word for word in ORDER if find_spec(f"{__name__}.{word}") is not None)


def setup_of(word: str) -> Setup:
    """The setup function of a plugin; its module is imported now."""
    setup: Setup = import_module(f"{__name__}.{word}").setup
    return setup
