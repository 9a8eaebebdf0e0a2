"""The data of a record from the words of a master file.

Types with names in them, addresses, texts and what DNSSEC needs are read here; rarer ones by dnslib, whose errors of
all kinds become `WireError`. Any type may be written as RFC 3597 section 5 has it: `\\# LENGTH HEX`.
"""

import re
from base64 import b64decode
from calendar import timegm
from collections.abc import Iterator
from struct import error as StructError
from struct import pack
from typing import NamedTuple

from kdns.wire import codes, name, rdata
from kdns.wire.errors import WireError

MAX_DATA = 65535
_UNITS = {"": 1, "S": 1, "M": 60, "H": 3600, "D": 86400, "W": 604800}
_SPAN = re.compile(r"(\d{1,10})([SMHDW]?)", re.ASCII)
_STAMP = re.compile(r"(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)", re.ASCII)
_ESCAPE = re.compile(rb"\\(\d\d\d|.)", re.DOTALL)
_TEXTS = frozenset((codes.TXT, codes.HINFO, 99))
_SIZES = {codes.A: 4, codes.AAAA: 16}
_FOREIGN = {
    29: "LOC", codes.DS: "DS", 44: "SSHFP", codes.DNSKEY: "DNSKEY", 52: "TLSA", 53: "TLSA", 59: "DS", 60: "DNSKEY",
    codes.SVCB: "HTTPS", codes.HTTPS: "HTTPS", 257: "CAA",
}  # fmt: skip


class Word(NamedTuple):
    """One word of a master file, with its escapes, without its quotes."""

    text: str
    quoted: bool = False


def absolute(text: str, origin: bytes) -> bytes:
    """A name as written, completed by the origin unless it ends in a dot; raises `WireError`."""
    if text == "@":
        return origin
    wire = name.from_text(text)
    if text.endswith(".") and (len(text) - len(text[:-1].rstrip("\\"))) % 2:
        return wire
    return name.from_labels((), wire[:-1] + origin)


def seconds(text: str) -> int:
    """A time in seconds, or with units: `1h30m`; at most 2^31 - 1 (RFC 2181 section 8)."""
    parts = _SPAN.findall(text.upper())
    if not parts or "".join(number + unit for number, unit in parts) != text.upper():
        raise WireError(f"bad time {text[:40]!r}")
    total = sum(int(number) * _UNITS[unit] for number, unit in parts)
    if total >= 1 << 31:
        raise WireError(f"time out of range: {text[:40]!r}")
    return total


def data_of(rtype: int, words: list[Word], origin: bytes) -> bytes:
    """Data of a type from its words; names relative to the origin. Raises `WireError`."""
    try:
        data = _opaque(rtype, words) if words and words[0].text == "\\#" else _data(rtype, words, origin)
    except (ValueError, IndexError, StructError, OverflowError) as error:
        raise WireError(f"bad {codes.type_name(rtype)} data: {error}") from error
    if len(data) > MAX_DATA:
        raise WireError(f"{codes.type_name(rtype)} data of {len(data)} octets")
    return data


def _data(rtype: int, words: list[Word], origin: bytes) -> bytes:
    texts = [word.text for word in words]
    if rtype in (codes.A, codes.AAAA):
        (address,) = texts
        return rdata.a(address) if rtype == codes.A else rdata.aaaa(address)
    if rtype in rdata.LAYOUTS:
        return _laid_out(rtype, texts, origin)
    if rtype in _TEXTS:
        return _strings(texts)
    if rtype == codes.NSEC:
        return absolute(texts[0], origin) + _bitmap(texts[1:])
    if rtype == codes.RRSIG:
        return _signature(texts, origin)
    return _foreign(rtype, _parameters(words), origin)


def _laid_out(rtype: int, texts: list[str], origin: bytes) -> bytes:
    left, out = iter(texts), b""
    for layout in rdata.LAYOUTS[rtype]:
        if layout == rdata.NAME:
            out += absolute(_next(left), origin)
        elif layout == rdata.STRING:
            out += _strings([_next(left)])
        elif rtype == codes.SOA:
            out += pack(">I", _whole(_next(left), 32)) + b"".join(pack(">I", seconds(_next(left))) for _ in range(4))
        else:
            out += b"".join(pack(">H", _whole(_next(left), 16)) for _ in range(layout // 2))
    if next(left, None) is not None:
        raise ValueError("too many words")
    return out


def _next(words: Iterator[str]) -> str:
    word = next(words, None)
    if word is None:
        raise ValueError("too few words")
    return word


def _whole(text: str, bits: int) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 10 and int(text) < 1 << bits):
        raise ValueError(f"bad number {text[:40]!r}")
    return int(text)


def _strings(texts: list[str]) -> bytes:
    """Character strings; longer ones than 255 octets are split, as CoreDNS's parser does."""
    if not texts:
        raise ValueError("no text")
    out = b""
    for text in texts:
        octets = _ESCAPE.sub(_unescaped, text.encode())
        parts = [octets[i : i + 255] for i in range(0, len(octets), 255)] or [b""]
        out += b"".join(bytes((len(part),)) + part for part in parts)
    return out


def _unescaped(match: re.Match[bytes]) -> bytes:
    body = match[1]
    return bytes((int(body),)) if len(body) == 3 else body  # ValueError above 255


def _bitmap(types: list[str]) -> bytes:
    """Type bit maps (RFC 4034 section 4.1.2)."""
    windows: dict[int, int] = {}
    for number in (_type_number(text) for text in types):
        windows[number >> 8] = windows.get(number >> 8, 0) | 1 << (255 - (number & 255))
    out = b""
    for window, bits in sorted(windows.items()):
        octets = bits.to_bytes(32, "big").rstrip(b"\0")
        out += bytes((window, len(octets))) + octets
    return out


def _type_number(text: str) -> int:
    text = text.upper()
    return codes.TYPE_NUMBERS.get(text) or _whole(text.removeprefix("TYPE"), 16)


def _signature(texts: list[str], origin: bytes) -> bytes:
    """RRSIG (RFC 4034 section 3.2)."""
    covered, (algorithm, labels), ttl = _type_number(texts[0]), [_whole(text, 8) for text in texts[1:3]], texts[3]
    times = (_instant(texts[4]), _instant(texts[5]))
    head = pack(">HBBIIIH", covered, algorithm, labels, seconds(ttl), *times, _whole(texts[6], 16))
    return head + absolute(texts[7], origin) + b64decode("".join(texts[8:]), validate=True)


def _instant(text: str) -> int:
    match = _STAMP.fullmatch(text)
    if match is None:
        return _whole(text, 32)
    return timegm(tuple(int(part) for part in match.groups())) & 0xFFFFFFFF


def _parameters(words: list[Word]) -> list[str]:
    """Words, with `key="value"` as one (RFC 9460 section 2.1)."""
    texts: list[str] = []
    for word in words:
        if word.quoted and texts and texts[-1].endswith("="):
            texts[-1] += word.text
        else:
            texts.append(word.text)
    return texts


def _foreign(rtype: int, texts: list[str], origin: bytes) -> bytes:
    """What dnslib reads."""
    kind = _FOREIGN.get(rtype)
    if kind is None:
        raise ValueError("this type has no form of its own here, write it as RFC 3597 says")
    from dnslib import DNSBuffer, DNSError
    from dnslib.buffer import BufferError as DnslibBufferError
    from dnslib.dns import RDMAP
    from dnslib.label import DNSLabelError

    if kind == "HTTPS":
        texts[1] = name.to_text(absolute(texts[1], origin))
        # dnslib still has the name from the drafts.
        texts[2:] = [f"echconfig={text[4:]}" if text.startswith("ech=") else text for text in texts[2:]]
    buffer = DNSBuffer()
    try:
        RDMAP[kind].fromZone(texts).pack(buffer)
    except (TypeError, AttributeError, KeyError, DNSError, DnslibBufferError, DNSLabelError) as error:
        raise ValueError(str(error)) from error
    return bytes(buffer.data)


def _opaque(rtype: int, words: list[Word]) -> bytes:
    data = bytes.fromhex("".join(word.text for word in words[2:]))
    if len(data) != _whole(words[1].text, 16) or len(data) != _SIZES.get(rtype, len(data)):
        raise ValueError("length is not that of the data")
    if rtype in rdata.LAYOUTS:
        parts = rdata.fields(rtype, data)
        if b"".join(octets for _, octets in parts) != data or len(parts) != len(rdata.LAYOUTS[rtype]):
            raise ValueError("not of its type")
        for is_name, octets in parts:
            if is_name:
                name.from_labels(name.labels(octets))
    return data
