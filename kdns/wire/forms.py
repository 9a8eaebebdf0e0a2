"""How the data of rarer record types is written in a master file: one row for each type, one reader for each field.

The last field of a row may take all words that are left. What is wrong with a word is ValueError.
"""

from base64 import b32hexdecode, b64decode
from collections.abc import Callable, Iterator
from ipaddress import IPv4Address, IPv6Address, ip_network
from struct import pack

from kdns.wire import codes
from kdns.wire.fields import absolute, algorithm, bitmap, octets, strings, whole, word
from kdns.wire.location import location

Field = Callable[[Iterator[str], bytes], bytes]
"""Takes its words, relative to an origin, and gives octets."""

_CERTIFICATES = {
    "PKIX": 1, "SPKI": 2, "PGP": 3, "IPKIX": 4, "ISPKI": 5, "IPGP": 6, "ACPKIX": 7, "IACPKIX": 8, "URI": 253,
    "OID": 254,
}  # fmt: skip


def _number(bits: int) -> Field:
    return lambda words, origin: whole(word(words), bits).to_bytes(bits // 8, "big")


def _prefixed(data: bytes) -> bytes:
    return bytes((len(data),)) + data  # ValueError above 255


def _nodes(words: Iterator[str], origin: bytes) -> bytes:
    """64 bits as four groups (RFC 6742 section 2.1)."""
    groups = word(words).split(":")
    if len(groups) != 4 or not all(0 < len(group) <= 4 for group in groups):
        raise ValueError("not four groups of digits")
    return bytes.fromhex("".join(group.zfill(4) for group in groups))


def _hardware(count: int) -> Field:
    """An address of so many octets (RFC 7043)."""

    def field(words: Iterator[str], origin: bytes) -> bytes:
        pairs = word(words).split("-")
        if len(pairs) != count or any(len(pair) != 2 for pair in pairs):
            raise ValueError(f"not {count} octets")
        return bytes.fromhex("".join(pairs))

    return field


def _certificate(words: Iterator[str], origin: bytes) -> bytes:
    text = word(words)
    return pack(">H", _CERTIFICATES.get(text.upper()) or whole(text, 16))


def _salt(words: Iterator[str], origin: bytes) -> bytes:
    text = word(words)
    return _prefixed(b"" if text == "-" else bytes.fromhex(text))


def _hash(words: Iterator[str], origin: bytes) -> bytes:
    text = word(words).upper()
    return _prefixed(b32hexdecode(text + "=" * (-len(text) % 8)))


def _host_identity(words: Iterator[str], origin: bytes) -> bytes:
    """RFC 8005 section 5."""
    kind, tag, key = whole(word(words), 8), bytes.fromhex(word(words)), b64decode(word(words), validate=True)
    return pack(">BBH", len(tag), kind, len(key)) + tag + key + b"".join(absolute(text, origin) for text in words)


def _place(kind: int, text: str, origin: bytes) -> bytes:
    """A gateway or relay: nothing, an address or a name (RFC 4025 section 2.5, RFC 8777 section 4.2.4)."""
    if kind == 0 and text == ".":
        return b""
    if kind in (1, 2):
        return (IPv4Address(text) if kind == 1 else IPv6Address(text)).packed
    if kind == 3:
        return absolute(text, origin)
    raise ValueError(f"{text[:40]!r} is not of type {kind}")


def _gateway(words: Iterator[str], origin: bytes) -> bytes:
    precedence, kind, alg = [whole(word(words), 8) for _ in range(3)]
    return bytes((precedence, kind, alg)) + _place(kind, word(words), origin)


def _relay(words: Iterator[str], origin: bytes) -> bytes:
    precedence, optional, kind = [whole(word(words), bits) for bits in (8, 1, 7)]
    return bytes((precedence, optional << 7 | kind)) + _place(kind, word(words), origin)


def _prefixes(words: Iterator[str], origin: bytes) -> bytes:
    """RFC 3123 section 4."""
    out = b""
    for text in words:
        family, _, prefix = text.removeprefix("!").partition(":")
        network = ip_network(prefix, strict=False)
        if whole(family, 16) != {4: 1, 6: 2}[network.version]:
            raise ValueError(f"{prefix[:60]!r} is not of family {family}")
        address = network.network_address.packed.rstrip(b"\0")
        out += pack(">HBB", int(family), network.prefixlen, text.startswith("!") << 7 | len(address)) + address
    return out


_u8, _u16, _u32 = _number(8), _number(16), _number(32)


def _name(words: Iterator[str], origin: bytes) -> bytes:
    return absolute(word(words), origin)


def _algorithm(words: Iterator[str], origin: bytes) -> bytes:
    return bytes((algorithm(word(words)),))


def _string(words: Iterator[str], origin: bytes) -> bytes:
    return _prefixed(octets(word(words)))


def _strings(words: Iterator[str], origin: bytes) -> bytes:
    return strings(words)


def _text(words: Iterator[str], origin: bytes) -> bytes:
    return octets(word(words))


def _hex(words: Iterator[str], origin: bytes) -> bytes:
    return bytes.fromhex("".join(words))


def _base64(words: Iterator[str], origin: bytes) -> bytes:
    return b64decode("".join(words), validate=True)


def _types(words: Iterator[str], origin: bytes) -> bytes:
    return bitmap(words)


def _address(words: Iterator[str], origin: bytes) -> bytes:
    return IPv4Address(word(words)).packed


_DIGEST = (_u16, _algorithm, _u8, _hex)
_KEY = (_u16, _u8, _algorithm, _base64)
_ASSOCIATION = (_u8, _u8, _u8, _hex)

FORMS: dict[int, tuple[Field, ...]] = {
    13: (_strings,), codes.TXT: (_strings,), 19: (_string,), 20: (_strings,), 23: (_name,), 25: _KEY,
    27: (_string, _string, _string), 29: (location,), 31: (_hex,), 32: (_hex,),
    37: (_certificate, _u16, _algorithm, _base64), 42: (_prefixes,), codes.DS: _DIGEST, 44: (_u8, _u8, _hex),
    45: (_gateway, _base64), codes.NSEC: (_name, _types), codes.DNSKEY: _KEY, 49: (_base64,),
    50: (_u8, _u8, _u16, _salt, _hash, _types), 51: (_u8, _u8, _u16, _salt), 52: _ASSOCIATION, 53: _ASSOCIATION,
    55: (_host_identity,), 56: (_strings,), 57: _KEY, 58: (_name, _name), 59: _DIGEST, 60: _KEY, 61: (_base64,),
    62: (_u32, _u16, _types), 63: (_u32, _u8, _u8, _hex), 99: (_strings,), 100: (_string,), 101: (_u32,), 102: (_u32,),
    104: (_u16, _nodes), 105: (_u16, _address), 106: (_u16, _nodes), 107: (_u16, _name), 108: (_hardware(6),),
    109: (_hardware(8),), 256: (_u16, _u16, _text), 257: (_u8, _string, _text), 258: (_strings,), 260: (_relay,),
    261: (_strings,), 32768: _DIGEST, 32769: _DIGEST,
}  # fmt: skip
"""The fields of the data of each type that has a form."""
