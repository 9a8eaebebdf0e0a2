"""The words of an `edns0` rule. ValueError has CoreDNS's text, or that of the Go library below it."""

import re
from collections.abc import Sequence

from kdns.plugins.rewrite.edns import MAX_DATA, SUBNET, Data, Optioned, fixed, subnet, variable
from kdns.wire import codes

ACTIONS = ("append", "replace", "set", "unset")
_KINDS = ("local", "nsid", "subnet")
_NUMBER = re.compile(r"0[xX][0-9a-fA-F]+|0[bB][01]+|0[oO]?[0-7]+|0|[1-9][0-9]*", re.ASCII)
_OCTAL = re.compile(r"0[0-7]+", re.ASCII)
_HEX = frozenset("0123456789abcdefABCDEF")
_NOTHING = fixed(b"")


def optioned(words: Sequence[str]) -> Optioned:
    """`KIND ACTION [arguments] [revert]`. Raises ValueError."""
    if len(words) < 2:
        raise ValueError("too few arguments for an EDNS0 rule")
    kind, action = words[0].lower(), words[1].lower()
    if action not in ACTIONS:
        raise ValueError(f'invalid action: "{action}"')
    if kind not in _KINDS:
        raise ValueError(f'invalid rule type "{kind}"')
    if action == "unset":
        return _unset(kind, words[2:])
    revert = words[-1] == "revert"
    rest = words[2:-1] if revert else words[2:]
    if kind == "nsid":
        if rest:
            raise ValueError("EDNS0 NSID rules can accept no more than one arg")
        return Optioned(action, codes.NSID, _NOTHING, revert)
    if len(rest) != 2:
        raise ValueError(f"EDNS0 {kind} rules require three or four args")
    if kind == "subnet":
        return Optioned(action, SUBNET, subnet(_bits(rest[0], 4, 32), _bits(rest[1], 6, 128)), revert)
    return Optioned(action, _number(rest[0]), _data(rest[1]), revert)


def _unset(kind: str, words: Sequence[str]) -> Optioned:
    if kind == "local":
        if len(words) != 1:
            raise ValueError("local unset action requires exactly two arguments")
        return Optioned("unset", _number(words[0]), _NOTHING)
    if words:
        raise ValueError(f"{kind} unset action requires exactly one argument")
    return Optioned("unset", codes.NSID if kind == "nsid" else SUBNET, _NOTHING)


def _data(word: str) -> Data:
    """A variable in braces, hexadecimal behind `0x`, or text."""
    if word.startswith("{") and word.endswith("}"):
        data = variable(word[1:-1])
        if data is None:
            raise ValueError(f'unsupported variable name "{word}"')
        return data
    octets = _octets(word[2:]) if word.startswith("0x") else word.encode()
    if len(octets) > MAX_DATA:
        raise ValueError(f"EDNS0 option data too long: {len(octets)} > {MAX_DATA}")
    return fixed(octets)


def _octets(digits: str) -> bytes:
    bad = next((digit for digit in digits if digit not in _HEX), None)
    if bad is not None:
        raise ValueError(f"encoding/hex: invalid byte: U+{ord(bad):04X} '{bad}'")
    if len(digits) % 2:
        raise ValueError("encoding/hex: odd length hex string")
    return bytes.fromhex(digits)


def _number(word: str) -> int:
    """A number of 16 bits, decimal or with the prefix of another base."""
    if not _NUMBER.fullmatch(word):
        raise ValueError(f'strconv.ParseUint: parsing "{word}": invalid syntax')
    value = int(word, 8 if _OCTAL.fullmatch(word) else 0) if len(word) <= 32 else 1 << 16
    if value >= 1 << 16:
        raise ValueError(f'strconv.ParseUint: parsing "{word}": value out of range')
    return value


def _bits(word: str, version: int, most: int) -> int:
    bits = _number(word)
    if bits > most:
        raise ValueError(f"invalid IPv{version} bit mask length {bits}")
    return bits
