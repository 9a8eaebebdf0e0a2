"""The data of a record from the words of a master file.

Types with names in them, addresses and signatures are read here, others as `forms` and `servicedata` say; all their
errors become `WireError`. Any type may be written as RFC 3597 section 5 has it: `\\# LENGTH HEX`.
"""

import re
from base64 import b64decode
from calendar import timegm
from collections.abc import Iterator
from struct import error as StructError
from struct import pack
from typing import NamedTuple

from kdns.wire import codes, fields, forms, name, rdata, servicedata
from kdns.wire.errors import WireError
from kdns.wire.fields import absolute, whole, word

MAX_DATA = 65535
_UNITS = {"": 1, "S": 1, "M": 60, "H": 3600, "D": 86400, "W": 604800}
_SPAN = re.compile(r"(\d{1,10})([SMHDW]?)", re.ASCII)
_STAMP = re.compile(r"(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)", re.ASCII)
_SIZES = {codes.A: 4, codes.AAAA: 16}
_SIG = 24


class Word(NamedTuple):
    """One word of a master file, with its escapes, without its quotes."""

    text: str
    quoted: bool = False


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
    texts = [each.text for each in words]
    if rtype in (codes.A, codes.AAAA):
        if len(texts) != 1:
            raise ValueError(f"one address, not {len(texts)} words")
        return rdata.a(texts[0]) if rtype == codes.A else rdata.aaaa(texts[0])
    if rtype in rdata.LAYOUTS:
        return _laid_out(rtype, texts, origin)
    if rtype in (codes.RRSIG, _SIG):
        return _signature(texts, origin)
    if rtype in (codes.SVCB, codes.HTTPS):
        return servicedata.service(iter(_parameters(words)), origin)
    form = forms.FORMS.get(rtype)
    if form is None:
        raise ValueError("this type has no form of its own here, write it as RFC 3597 says")
    left = iter(texts)
    return b"".join([field(left, origin) for field in form]) + _end(left)


def _laid_out(rtype: int, texts: list[str], origin: bytes) -> bytes:
    left, out = iter(texts), b""
    for layout in rdata.LAYOUTS[rtype]:
        if layout == rdata.NAME:
            out += absolute(word(left), origin)
        elif layout == rdata.STRING:
            out += fields.strings(iter((word(left),)))
        elif rtype == codes.SOA:
            out += pack(">I", whole(word(left), 32)) + b"".join(pack(">I", seconds(word(left))) for _ in range(4))
        else:
            out += b"".join(pack(">H", whole(word(left), 16)) for _ in range(layout // 2))
    return out + _end(left)


def _end(left: Iterator[str]) -> bytes:
    if next(left, None) is not None:
        raise ValueError("too many words")
    return b""


def _signature(texts: list[str], origin: bytes) -> bytes:
    """RRSIG (RFC 4034 section 3.2)."""
    covered, algorithm, labels = fields.type_number(texts[0]), fields.algorithm(texts[1]), whole(texts[2], 8)
    times = (_instant(texts[4]), _instant(texts[5]))
    head = pack(">HBBIIIH", covered, algorithm, labels, seconds(texts[3]), *times, whole(texts[6], 16))
    return head + absolute(texts[7], origin) + b64decode("".join(texts[8:]), validate=True)


def _instant(text: str) -> int:
    match = _STAMP.fullmatch(text)
    if match is None:
        return whole(text, 32)
    return timegm(tuple(int(part) for part in match.groups())) & 0xFFFFFFFF


def _parameters(words: list[Word]) -> list[str]:
    """Words, with `key="value"` as one (RFC 9460 section 2.1)."""
    texts: list[str] = []
    for each in words:
        if each.quoted and texts and texts[-1].endswith("="):
            texts[-1] += each.text
        else:
            texts.append(each.text)
    return texts


def _opaque(rtype: int, words: list[Word]) -> bytes:
    data = bytes.fromhex("".join(each.text for each in words[2:]))
    if len(data) != whole(words[1].text, 16) or len(data) != _SIZES.get(rtype, len(data)):
        raise ValueError("length is not that of the data")
    if rtype in rdata.LAYOUTS:
        parts = rdata.fields(rtype, data)
        if b"".join(octets for _, octets in parts) != data or len(parts) != len(rdata.LAYOUTS[rtype]):
            raise ValueError("not of its type")
        for is_name, octets in parts:
            if is_name:
                name.from_labels(name.labels(octets))
    return data
