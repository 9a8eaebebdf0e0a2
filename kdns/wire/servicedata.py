"""The data of SVCB and HTTPS records as a master file has it (RFC 9460 section 2.1 and appendix A)."""

import re
from base64 import b64decode
from collections.abc import Callable, Iterator
from ipaddress import IPv4Address, IPv6Address
from struct import pack

from kdns.wire.fields import absolute, octets, whole, word

_KEYS = {
    "mandatory": 0, "alpn": 1, "no-default-alpn": 2, "port": 3, "ipv4hint": 4, "ech": 5, "ipv6hint": 6, "dohpath": 7,
    "ohttp": 8, "tls-supported-groups": 9,
}  # fmt: skip
_GENERIC = re.compile(r"key(0|[1-9]\d{0,4})", re.ASCII)
_ITEM = re.compile(rb"((?:[^\\,]|\\.)+)(,|\Z)", re.DOTALL)
_ESCAPED = re.compile(rb"\\(.)", re.DOTALL)
_RESERVED = 65535


def service(words: Iterator[str], origin: bytes) -> bytes:
    """Priority, target and parameters in the order of their keys, each once. Raises ValueError."""
    head = pack(">H", whole(word(words), 16)) + absolute(word(words), origin)
    parameters: dict[int, bytes] = {}
    for text in words:
        key, _, value = text.partition("=")
        number = _key(key)
        if number in parameters:
            raise ValueError(f"{key[:40]!r} stands twice")
        parameters[number] = _VALUES.get(key.lower(), octets)(value)
    return head + b"".join(pack(">HH", key, len(value)) + value for key, value in sorted(parameters.items()))


def _key(text: str) -> int:
    match = _GENERIC.fullmatch(text.lower())
    number = int(match[1]) if match else _KEYS.get(text.lower(), _RESERVED)
    if number >= _RESERVED:
        raise ValueError(f"unknown key {text[:40]!r}")
    return number


def _mandatory(value: str) -> bytes:
    keys = [_key(each) for each in value.split(",")]
    if 0 in keys or len(set(keys)) < len(keys):
        raise ValueError("a mandatory key is itself, or stands twice")
    return b"".join(pack(">H", key) for key in sorted(keys))


def _protocols(value: str) -> bytes:
    """Items with a comma between them; one in an item has a backslash."""
    every, out, at = octets(value), b"", 0
    while match := _ITEM.match(every, at):
        item, at = _ESCAPED.sub(rb"\1", match[1]), match.end()
        out += bytes((len(item),)) + item  # ValueError above 255
        if not match[2]:
            return out
    raise ValueError("an empty protocol")


def _none(value: str) -> bytes:
    if value:
        raise ValueError("a key that has no value")
    return b""


_VALUES: dict[str, Callable[[str], bytes]] = {
    "mandatory": _mandatory,
    "alpn": _protocols,
    "no-default-alpn": _none,
    "port": lambda value: pack(">H", whole(value, 16)),
    "ipv4hint": lambda value: b"".join(IPv4Address(each).packed for each in value.split(",")),
    "ech": lambda value: b64decode(value, validate=True),
    "ipv6hint": lambda value: b"".join(IPv6Address(each).packed for each in value.split(",")),
    "ohttp": _none,
    "tls-supported-groups": lambda value: b"".join(pack(">H", whole(each, 16)) for each in value.split(",")),
}
