"""What a zone says about a name and a type, aliases not followed (RFC 1034 section 4.3.2, RFC 4592, RFC 6672).

The walk goes from the apex towards the name, so the highest zone cut or DNAME decides. What is below a cut is glue.
"""

from enum import Enum
from typing import NamedTuple

from kdns.chain.answer import Records
from kdns.chain.zone.data import Node, Zone
from kdns.wire import codes, name
from kdns.wire.record import Record

WILDCARD = b"\x01*"
_ABOUT = frozenset((codes.CNAME, codes.RRSIG, codes.NSEC))
_OF_THE_ZONE = frozenset((codes.SOA, codes.NS))
_ADDRESSES = (codes.A, codes.AAAA)
_TARGETS = {codes.NS: 0, codes.MX: 2, codes.SRV: 6, codes.SVCB: 2, codes.HTTPS: 2}
"""Where the name begins in the data of types whose targets' addresses are added."""


class Kind(Enum):
    """How a lookup ended. `LOOPS` is a DNAME that leads to its own name, `EMPTY` a name that has no data of its own.

    Those are empty non-terminals, and the apex if it has nothing but SOA and NS, which CoreDNS keeps elsewhere: so the
    addresses of a zone's own name fall through where a file has only a few names below it.
    """

    DATA, ALIAS, NODATA, EMPTY, MISSING, REFERRAL, LOOPS, TOO_LONG = range(8)


class Finding(NamedTuple):
    """The sections, and where an alias leads; `wildcard` is the name that stood in for the one asked."""

    kind: Kind
    answer: Records = ()
    authority: Records = ()
    additional: Records = ()
    target: bytes = b""
    wildcard: bytes = b""


def find(zone: Zone, folded: bytes, rtype: int, do: bool) -> Finding:
    """What the zone says about a folded name in it; with `do` also what proves it, if the zone is signed."""
    path = name.suffixes(folded)
    path = path[: len(path) - len(name.labels(zone.origin))][::-1]
    encloser = zone.origin
    for each in path:
        node = zone.nodes.get(each)
        if node is None:
            return _without(zone, folded, encloser, rtype, do)
        encloser = each
        if codes.DNAME in node and each != folded:
            return _substituted(zone, folded, each, node, rtype, do)
        if codes.NS in node and each != zone.origin and not (rtype == codes.DS and each == folded):
            return _referral(zone, each, node, do)
    return _at(zone, folded, zone.nodes[folded], rtype, do)


def _at(zone: Zone, folded: bytes, node: Node, rtype: int, do: bool) -> Finding:
    if codes.CNAME in node and rtype not in _ABOUT:
        return Finding(Kind.ALIAS, _signed(node, codes.CNAME, do), target=node[codes.CNAME][0].data.lower())
    if rtype not in node:
        own = node.keys() - _OF_THE_ZONE if folded == zone.origin else node
        kind = Kind.NODATA if own else Kind.EMPTY
        proof = _signed(node, codes.NSEC, do) if do and node else _denial(zone, folded, do)
        return Finding(kind, authority=[*soa(zone, do), *proof])
    answer = _signed(node, rtype, do)
    at_apex = folded == zone.origin
    authority = () if at_apex and rtype == codes.NS else apex_ns(zone, do)
    return Finding(Kind.DATA, answer, authority, addresses(zone, node[rtype], do))


def _without(zone: Zone, folded: bytes, encloser: bytes, rtype: int, do: bool) -> Finding:
    """A wildcard at the closest encloser stands in (RFC 4592 section 3.3.1), or the name does not exist."""
    wildcard = WILDCARD + encloser
    node = zone.nodes.get(wildcard)
    if node is None:
        proof = [*_denial(zone, folded, do), *_denial(zone, wildcard, do)]
        return Finding(Kind.MISSING, authority=[*soa(zone, do), *dict.fromkeys(proof)])
    found = _at(zone, wildcard, node, rtype, do)
    answer = [record._replace(owner=folded) for record in found.answer]
    authority = [*found.authority, *(_denial(zone, folded, do) if answer else ())]
    return found._replace(answer=answer, authority=authority, wildcard=wildcard)


def _substituted(zone: Zone, folded: bytes, owner: bytes, node: Node, rtype: int, do: bool) -> Finding:
    """The name with another end, as a CNAME made for it (RFC 6672 section 3.1)."""
    dname = node[codes.DNAME][0]
    target = folded[: -len(owner)] + dname.data.lower()
    answer = _signed(node, codes.DNAME, do)
    if len(target) > name.MAX_NAME:
        return Finding(Kind.TOO_LONG, answer, apex_ns(zone, do))
    if target == folded:
        return Finding(Kind.LOOPS)
    answer = [*answer, Record(folded, codes.CNAME, target, dname.ttl)]
    if rtype == codes.CNAME:
        return Finding(Kind.DATA, answer, apex_ns(zone, do))
    return Finding(Kind.ALIAS, answer, target=target)


def _referral(zone: Zone, cut: bytes, node: Node, do: bool) -> Finding:
    """The name servers of the zone below, and what says that it is signed or not (RFC 4035 section 3.1.4)."""
    authority: list[Record] = list(node[codes.NS])
    if do:
        authority += _signed(node, codes.DS, do) or _signed(node, codes.NSEC, do)
    below = [record for record in node[codes.NS] if name.is_below(record.data, cut)]
    return Finding(Kind.REFERRAL, authority=authority, additional=addresses(zone, below, do))


def soa(zone: Zone, do: bool) -> list[Record]:
    """The SOA, for negative answers; its TTL is as it stands in the zone."""
    return _signed(zone.apex, codes.SOA, do)


def apex_ns(zone: Zone, do: bool) -> list[Record]:
    """The zone's own name servers."""
    return _signed(zone.apex, codes.NS, do)


def _signed(node: Node, rtype: int, do: bool) -> list[Record]:
    """The records of a type, with `do` also their signatures."""
    records = node.get(rtype, [])
    if do and records and codes.RRSIG in node and rtype != codes.RRSIG:
        return records + [each for each in node[codes.RRSIG] if int.from_bytes(each.data[:2], "big") == rtype]
    return records


def _denial(zone: Zone, folded: bytes, do: bool) -> list[Record]:
    covering = zone.covering(folded) if do else None
    return [] if covering is None else _signed(zone.nodes[covering], codes.NSEC, do)


def addresses(zone: Zone, records: Records, do: bool) -> list[Record]:
    """Addresses in the zone of the names that records point at, each once."""
    targets: dict[bytes, None] = {}
    for record in records:
        at = _TARGETS.get(record.type)
        if at is None:
            continue
        target = _name_at(record.data, at).lower()
        if target == name.ROOT and record.type in (codes.SVCB, codes.HTTPS):
            target = (record.owner or name.ROOT).lower()  # RFC 9460 section 2.5.2
        targets[target] = None
    out: list[Record] = []
    for target in targets:
        node = zone.nodes.get(target) if name.is_below(target, zone.origin) else None
        for rtype in _ADDRESSES if node else ():
            out += _signed(node or {}, rtype, do)
    return out


def _name_at(data: bytes, at: int) -> bytes:
    end = at
    while length := data[end]:
        end += length + 1
    return data[at : end + 1]
