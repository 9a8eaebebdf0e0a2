"""The ConfigMap `kube-dns`, by which kube-dns and GKE are configured.

    stubDomains:          {"corp.example": ["10.20.0.53", "10.20.0.54:5353"]}
    upstreamNameservers:  ["8.8.8.8", "8.8.4.4"]

Servers are addresses, with or without a port, and for stub domains also names (which `forward` looks up when it is set
up, with the node's resolver). kube-dns took at most three upstream servers, later GKE fifteen, as many as `forward`
takes. A domain may end in a dot and have capitals here. Whatever else cannot be served is an error with its key, line
and column, and leaves the rest unread: kube-dns, too, has all of a ConfigMap or nothing.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple

from kdns.corefile.errors import ConfigError, ConfigWarning
from kdns.corefile.jsontext import fault, lists, strings
from kdns.corefile.token import Token
from kdns.corefile.values import parse_server

STUB_DOMAINS: Final = "stubDomains"
UPSTREAMS: Final = "upstreamNameservers"
KEYS: Final = (STUB_DOMAINS, UPSTREAMS)

MAX_DOMAINS: Final = 1000
MAX_SERVERS: Final = 15
"""Servers of one stub domain, and upstream name servers."""

_name: Final = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)(?:\.(?!-)[a-z0-9_-]{1,63}(?<!-))*", re.ASCII)
_MAX_NAME: Final = 253
_MAX_SHOWN: Final = 100


class StubDomain(NamedTuple):
    """A domain, absolute and in lower case, its servers as `forward` takes them, and where it stands."""

    domain: str
    servers: tuple[str, ...]
    place: Token

    def fault(self, message: str) -> ConfigError:
        """The error that this domain is."""
        return _fault(STUB_DOMAINS, self.place, message)


@dataclass(frozen=True, slots=True)
class KubeDns:
    """What the ConfigMap says; without keys it changes nothing. The text of an upstream is an address."""

    stub_domains: tuple[StubDomain, ...] = ()
    upstreams: tuple[Token, ...] = ()
    warnings: tuple[ConfigWarning, ...] = ()


def read(folder: str, texts: Mapping[str, str]) -> KubeDns:
    """The ConfigMap whose keys are mounted in a folder; of those it does not have, the text may be anything.

    Raises ConfigError.
    """
    places = {key: f"{folder.rstrip('/')}/{key}" for key in texts}
    stubs = _stub_domains(texts[STUB_DOMAINS], places[STUB_DOMAINS]) if STUB_DOMAINS in texts else ()
    upstreams = _upstreams(texts[UPSTREAMS], places[UPSTREAMS]) if UPSTREAMS in texts else ()
    odd = [key for key in sorted(texts) if key not in KEYS]
    return KubeDns(stubs, upstreams, tuple(_unused(places[key]) for key in odd[:MAX_SERVERS]))


def _unused(file: str) -> ConfigWarning:
    return ConfigWarning(
        file, 1, 1, f"{ascii(file)[1:-1]} is not used: no such key of the ConfigMap kube-dns is served"
    )


def _stub_domains(text: str, file: str) -> tuple[StubDomain, ...]:
    stubs: dict[str, StubDomain] = {}
    for name, servers in lists(text, file, STUB_DOMAINS):
        stub = _stub_domain(name, servers)
        if stub.domain in stubs:
            raise stub.fault("stands here twice")
        if len(stubs) == MAX_DOMAINS:
            raise stub.fault(f"is one more than {MAX_DOMAINS} domains")
        stubs[stub.domain] = stub
    return tuple(stubs.values())


def _stub_domain(name: Token, servers: list[Token]) -> StubDomain:
    domain = name.text.lower().removesuffix(".")
    if not _is_name(domain):
        raise _fault(STUB_DOMAINS, name, "is not a domain name")
    if not servers:
        raise _fault(STUB_DOMAINS, name, "has no name server")
    if len(servers) > MAX_SERVERS:
        raise _fault(STUB_DOMAINS, servers[MAX_SERVERS], f"is one more than {MAX_SERVERS} name servers")
    given = []
    for each in servers:
        host = each.text if _is_name(each.text) and not each.text.rpartition(".")[2].isdigit() else ""
        if not (address := _address(each.text) or host):
            raise _fault(STUB_DOMAINS, each, "is neither an IP address, with or without a port, nor a host name")
        given.append(address)
    return StubDomain(f"{domain}.", tuple(given), name)


def _upstreams(text: str, file: str) -> tuple[Token, ...]:
    servers = strings(text, file, UPSTREAMS)
    if len(servers) > MAX_SERVERS:
        raise _fault(UPSTREAMS, servers[MAX_SERVERS], f"is one more than {MAX_SERVERS} name servers")
    given = []
    for each in servers:
        if not (address := _address(each.text)):
            raise _fault(UPSTREAMS, each, "is not an IP address, with or without a port")
        given.append(each._replace(text=address))
    return tuple(given)


def _address(text: str) -> str:
    """An address as `forward` takes it, or nothing."""
    try:
        host, port = parse_server(text)
    except ValueError:
        return ""
    if "%" in host:  # a link of the node, which the ConfigMap of a cluster cannot know
        return ""
    return host if port == 53 else f"{f'[{host}]' if ':' in host else host}:{port}"


def _is_name(text: str) -> bool:
    return len(text) <= _MAX_NAME and _name.fullmatch(text) is not None


def _fault(key: str, word: Token, message: str) -> ConfigError:
    shown = word.text if len(word.text) <= _MAX_SHOWN else word.text[:_MAX_SHOWN] + "..."
    return fault(key, word, f"{shown!a} {message}")
