"""The ConfigMap `kube-dns` as a part of the Corefile: stub domains are server blocks, upstreams the node's resolv.conf.

A stub domain becomes a block, as kubeadm and node-cache translate it, beside every block that serves the root zone: on
its ports and addresses, with its access rules, its log and its metrics. Upstream name servers stand wherever `forward`
names a file.

A name belongs to the longest domain that it is in, as in kube-dns. So a stub domain may be inside the cluster's, and a
block whose `kubernetes` has a zone inside a stub domain gets this zone for a key, or the stub domain would take it. A
stub domain that *is* a zone of `kubernetes` is an error: one of the two would never be asked.
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from kdns.corefile.address import block_addresses, key_addresses, split_scheme, split_zone
from kdns.corefile.arguments import Arguments
from kdns.corefile.kubedns import KubeDns, StubDomain
from kdns.corefile.occurrence import occurrences
from kdns.corefile.parser import parse
from kdns.corefile.token import Token
from kdns.corefile.tree import Corefile, ServerBlock

CLUSTER: Final = """\
. {
    errors
    health {
       lameduck 5s
    }
    ready
    kubernetes cluster.local in-addr.arpa ip6.arpa {
       pods insecure
       fallthrough in-addr.arpa ip6.arpa
       ttl 30
    }
    prometheus :9153
    forward . /etc/resolv.conf {
       max_concurrent 1000
    }
    cache 30 {
       disable success cluster.local
       disable denial cluster.local
    }
    loop
    reload
    loadbalance
}
"""
"""What the ConfigMap is a part of where there is no Corefile: kubeadm's default."""

_STUB: Final = """\
stub {{
    errors
    cache 30
    loop
    forward . {servers} {{
       max_concurrent 1000
    }}
}}
"""
_SHARED: Final = ("tls", "bind", "acl", "prometheus", "errors", "log")
"""Directives that the block of a stub domain has from the block beside it."""


def overlay(corefile: Corefile, kube_dns: KubeDns) -> Corefile:
    """The Corefile with the ConfigMap in force.

    Raises ConfigError for a stub domain that is a zone of `kubernetes`, and for keys and braces that cannot be read.
    """
    warnings = [*corefile.warnings, *kube_dns.warnings]
    blocks = [_with_upstreams(block, kube_dns.upstreams) for block in corefile.blocks]
    if kube_dns.upstreams and blocks == list(corefile.blocks):
        place = kube_dns.upstreams[0]
        warnings.append(place.warning(f"{place.file} is not used: no 'forward' reads the node's resolv.conf"))
    if kube_dns.stub_domains:
        blocks = _with_cluster_keys(blocks, kube_dns.stub_domains)
        blocks += _stub_blocks(blocks, kube_dns.stub_domains)
    return replace(corefile, blocks=tuple(blocks), warnings=tuple(warnings))


def _with_upstreams(block: ServerBlock, upstreams: tuple[Token, ...]) -> ServerBlock:
    """The block with these servers in place of the files that a `forward` names."""
    if not upstreams:
        return block
    directives = [
        replace(each, tokens=tuple(_forwarded(each.tokens, upstreams))) if each.name == "forward" else each
        for each in block.directives
    ]
    return replace(block, directives=tuple(directives))


def _forwarded(tokens: tuple[Token, ...], upstreams: tuple[Token, ...]) -> Iterator[Token]:
    files = {word for each in occurrences(tokens, "forward") for word in each.words[2:] if word.text.startswith("/")}
    first: Token | None = None  # of several files on a line, its place is taken
    for token in tokens:
        if token not in files:
            yield token
        elif first is None or not token.continues(first):
            yield from (token._replace(text=each.text) for each in upstreams)
            first = token


def _with_cluster_keys(blocks: list[ServerBlock], stubs: tuple[StubDomain, ...]) -> list[ServerBlock]:
    """The blocks, with the zones of `kubernetes` for keys where a stub domain would take them away."""
    domains = {stub.domain: stub for stub in stubs}
    taken = {zone for block in blocks for key in block.keys for zone in _served(key)[0]}
    made = []
    for block in blocks:
        keys = dict.fromkeys(block.keys)
        for zone, place in _cluster_zones(block):
            if zone in domains:
                raise domains[zone].fault("is a zone of 'kubernetes'")
            if zone not in taken and not domains.keys().isdisjoint(_parents(zone)):
                keys |= dict.fromkeys(_key(key, zone, place) for key in block.keys)
        made.append(replace(block, keys=tuple(keys)))
    return made


def _cluster_zones(block: ServerBlock) -> Iterator[tuple[str, Token]]:
    """The zones of a block's `kubernetes`, each with the word to blame."""
    zones = tuple(address.zone for address in block_addresses(block.keys))
    for directive in block.directives:
        if directive.name == "kubernetes":
            for line in Arguments(directive, zones):
                for zone in line.zones(zones):
                    yield zone, line.token


def _parents(zone: str) -> Iterator[str]:
    while zone:
        _, _, zone = zone.partition(".")
        yield zone


def _stub_blocks(blocks: list[ServerBlock], stubs: tuple[StubDomain, ...]) -> list[ServerBlock]:
    """A block for each stub domain and each place where the root is served; once where views share a place."""
    roots = [block for block in blocks if any("." in _served(key)[0] for key in block.keys)] or blocks[:1]
    made: dict[tuple[str, ...], ServerBlock] = {}
    for stub in stubs:
        for root in roots:
            block = _stub_block(stub, root)
            hosts = [token.text for each in block.directives if each.name == "bind" for token in each.tokens]
            made.setdefault((*(key.text for key in block.keys), *hosts), block)
    return list(made.values())


def _stub_block(stub: StubDomain, root: ServerBlock) -> ServerBlock:
    (own,) = parse(_STUB.format(servers=" ".join(stub.servers)), stub.place.file).blocks
    directives = {each.name: each for each in own.directives}
    directives |= {each.name: each for each in root.directives if each.name in _SHARED}
    keys = dict.fromkeys(_key(key, stub.domain, stub.place) for key in root.keys)
    return ServerBlock(tuple(keys), tuple(directives.values()))


def _key(key: Token, zone: str, place: Token) -> Token:
    """A key for a zone, served as another key is."""
    scheme, port = split_scheme(key.text)[0], _served(key)[1]
    return place._replace(text=f"{'' if scheme == 'dns' else f'{scheme}://'}{zone}{'' if port is None else f':{port}'}")


def _served(key: Token) -> tuple[tuple[str, ...], int | None]:
    """The zones of a key, and its port if it names one. Raises ConfigError."""
    key_addresses(key)
    return split_zone(split_scheme(key.text)[1])
