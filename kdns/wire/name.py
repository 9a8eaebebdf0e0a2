"""Domain names in wire form: length-prefixed labels up to and with the root, never compressed.

A name is `bytes`, so it is compared, hashed, cut and joined at C speed and keeps its letter case and any
octet a label may hold. Folding is `bytes.lower()`: a length octet is at most 63 and so never a letter (RFC 4343).
"""

from kdns.wire.errors import WireError

ROOT = b"\0"
MAX_LABEL = 63
MAX_NAME = 255


def from_text(text: str) -> bytes:
    """Wire form of a name in presentation form (RFC 1035 section 5.1 escapes), with or without its final dot.

    Raises `WireError` for an empty label, a label over 63 octets, or a name over 255 octets.
    """
    if text in ("", "."):
        return ROOT
    labels = _split(text) if "\\" in text else [label.encode() for label in text.removesuffix(".").split(".")]
    wire = b"".join(_prefixed(label, text) for label in labels) + ROOT
    if len(wire) > MAX_NAME:
        raise WireError(f"name of {len(wire)} octets, more than {MAX_NAME}: {text[:80]}...")
    return wire


def _prefixed(label: bytes, text: str) -> bytes:
    if not 0 < len(label) <= MAX_LABEL:
        raise WireError(f"label of {len(label)} octets in the name {text[:300]!r}")
    return bytes((len(label),)) + label


def _split(text: str) -> list[bytes]:
    """Labels of a presentation form that holds escapes: `\\.` and `\\DDD`."""
    labels, label, i = [], bytearray(), 0
    while i < len(text):
        char = text[i]
        if char == "\\":
            digits = text[i + 1 : i + 4]
            if len(digits) == 3 and digits.isascii() and digits.isdigit() and int(digits) < 256:
                label.append(int(digits))
                i += 4
                continue
            label += text[i + 1 : i + 2].encode()
            i += 2
            continue
        if char == ".":
            labels.append(bytes(label))
            label = bytearray()
        else:
            label += char.encode()
        i += 1
    return [*labels, bytes(label)] if label else labels


_PLAIN = frozenset(range(0x21, 0x7F)) - frozenset(b'."\\();@$')
_TEXT = [chr(c) if c in _PLAIN else "\\" + chr(c) if 0x21 <= c < 0x7F else f"\\{c:03d}" for c in range(256)]


def label_text(label: bytes) -> str:
    """Presentation form of one label."""
    return "".join([_TEXT[octet] for octet in label])


def to_text(wire: bytes) -> str:
    """Presentation form of a name, absolute: `web.shop.svc.cluster.local.`; the root is `.`."""
    return "".join([label_text(label) + "." for label in labels(wire)]) or "."


def labels(wire: bytes) -> list[bytes]:
    """Labels of a name from left to right, without the root."""
    out, i = [], 0
    while length := wire[i]:
        out.append(wire[i + 1 : i + 1 + length])
        i += length + 1
    return out


def from_labels(parts: list[bytes] | tuple[bytes, ...], suffix: bytes = ROOT) -> bytes:
    """Name of these labels in front of `suffix`; raises `WireError` when it is not a legal name."""
    wire = b"".join([_prefixed(part, "of labels") for part in parts]) + suffix
    if len(wire) > MAX_NAME:
        raise WireError(f"name of {len(wire)} octets, more than {MAX_NAME}")
    return wire


def suffixes(wire: bytes) -> list[bytes]:
    """The name and every name above it, the root last."""
    out, i = [wire], 0
    while length := wire[i]:
        i += length + 1
        out.append(wire[i:])
    return out


def is_below(name: bytes, zone: bytes) -> bool:
    """Whether `name` equals `zone` or lies below it on a label border; both folded by the caller."""
    if not name.endswith(zone):
        return False
    at, i = len(name) - len(zone), 0
    while i < at:
        i += name[i] + 1
    return i == at
