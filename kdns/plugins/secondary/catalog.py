"""Catalog zones (RFC 9432): a zone whose PTR records name other zones, its members. Pure.

A member is known by the label of its node: another label means another zone of the same name, whose state is not that
of the old one (section 5.6). `coo` lets a member move to another catalog.
"""

from collections.abc import Mapping
from typing import NamedTuple

from kdns.chain.zone import Zone
from kdns.wire import codes, name

VERSION = b"2"
MAX_MEMBERS = 10_000
"""Members of one catalog."""


class CatalogError(Exception):
    """A zone that is no catalog; the text says why."""


class Member(NamedTuple):
    """A member: label of its node, and the catalog that it may move to, empty if there is none."""

    ident: bytes
    moves_to: bytes = b""


def members(zone: Zone) -> dict[bytes, Member]:
    """The members of a catalog by folded name. Raises `CatalogError`."""
    text = name.to_text(zone.origin)
    if codes.NS not in zone.apex:
        raise CatalogError(f"catalog zone {text} has no NS record")
    _check_version(zone, text)
    found: dict[bytes, Member] = {}
    zones = b"\x05zones" + zone.origin
    for owner, node in zone.nodes.items():
        if codes.PTR not in node or owner[owner[0] + 1 :] != zones:
            continue
        label = owner[1 : owner[0] + 1]
        pointers = [record.data.lower() for record in node[codes.PTR]]
        if len(pointers) != 1:
            raise CatalogError(f"catalog member {name.to_text(owner)} must have exactly one PTR record")
        other = found.get(pointers[0])
        if other is not None:
            both = f"{name.label_text(other.ident)} and {name.label_text(label)}"
            raise CatalogError(f"catalog member zone {name.to_text(pointers[0])} is listed by both {both}")
        found[pointers[0]] = Member(label, _owner_to_be(zone, owner))
        if len(found) > MAX_MEMBERS:
            raise CatalogError(f"catalog zone {text} has more than {MAX_MEMBERS} members")
    return dict(sorted(found.items(), key=lambda item: item[1].ident))


def _check_version(zone: Zone, text: str) -> None:
    records = zone.nodes.get(b"\x07version" + zone.origin, {}).get(codes.TXT, ())
    if len(records) != 1:
        raise CatalogError(f"catalog zone {text} must have exactly one version TXT record")
    version = _joined(records[0].data)
    if version != VERSION:
        raise CatalogError(f'catalog zone {text} has unsupported version "{name.label_text(version)}"')


def _joined(data: bytes) -> bytes:
    """The text of a TXT record."""
    out, at = b"", 0
    while at < len(data):
        out += data[at + 1 : at + 1 + data[at]]
        at += data[at] + 1
    return out


def _owner_to_be(zone: Zone, owner: bytes) -> bytes:
    if len(owner) + 4 > name.MAX_NAME:
        return b""
    records = zone.nodes.get(b"\x03coo" + owner, {}).get(codes.PTR, ())
    if len(records) > 1:
        raise CatalogError(
            f"catalog member {name.label_text(owner[1 : owner[0] + 1])} has more than one coo PTR record"
        )
    return records[0].data.lower() if records else b""


class Place(NamedTuple):
    """Where a zone that is served comes from: its catalog, and the label there."""

    catalog: bytes
    ident: bytes


class Step(NamedTuple):
    """What is to be done for a member zone: a fresh copy of it, with the state of the one before or not, or none."""

    zone: bytes
    place: Place | None
    keeps: bool
    line: str


def steps(
    catalog: bytes,
    listed: Mapping[bytes, Member],
    places: Mapping[bytes, Place | None],
    others: Mapping[bytes, Mapping[bytes, Member]],
) -> tuple[list[Step], list[str]]:
    """What has to be done when a catalog has these members, and warnings about those that cannot be served.

    `places` has all zones that are served, `None` for those of the configuration; `others` the members of all catalogs.
    """
    out, warnings = list[Step](), list[str]()
    text = name.to_text(catalog)
    for zone, member in listed.items():
        shown, place = name.to_text(zone), Place(catalog, member.ident)
        if zone not in places:
            out.append(Step(zone, place, False, f"Added catalog member zone {shown} from catalog {text}"))
            continue
        old = places[zone]
        if old == place:
            continue
        if old is not None and old.catalog == catalog:
            idents = f"{name.label_text(old.ident)} to {name.label_text(member.ident)}"
            line = f"Reset catalog member zone {shown} from {text} after member ID changed from {idents}"
            out.append(Step(zone, place, False, line))
            continue
        source = others.get(old.catalog, {}).get(zone) if old is not None else None
        if old is None or source is None or source.moves_to != catalog:
            warnings.append(f"Skipping catalog member zone {shown} from {text}: zone already exists")
            continue
        keeps = old.ident == source.ident == member.ident
        out.append(Step(zone, place, keeps, _moved(shown, old, text, source.ident, member.ident, keeps=keeps)))
    for zone, old in places.items():
        if old is not None and old.catalog == catalog and zone not in listed:
            line = f"Removed catalog member zone {name.to_text(zone)} from catalog {text}"
            out.append(Step(zone, None, False, line))
    return out, warnings


def _moved(zone: str, old: Place, catalog: str, source: bytes, target: bytes, *, keeps: bool) -> str:
    way = f"Migrated catalog member zone {zone} from catalog {name.to_text(old.catalog)} to {catalog}"
    if keeps:
        return f"{way}, preserving state for member ID {name.label_text(target)}"
    return (
        f"{way} with state reset after member identity changed "
        f"from {name.label_text(source)} to {name.label_text(target)}"
    )
