"""The scalar arguments of directives, read from their text (spec corefile.md §14).

Each function takes one word and raises ValueError with the text that CoreDNS, or the Go library below it, has for a bad
one.
"""

import ipaddress
import re
from typing import Final

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

_integer: Final = re.compile(r"[+-]?[0-9]+", re.ASCII)
_decimal: Final = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?", re.ASCII)
_host_port: Final = re.compile(r"(?:\[([^\[\]]*)\]|([^:\[\]]*)):([^:\[\]]*)")
_address: Final = re.compile(r"[0-9a-fA-F.:]+", re.ASCII)  # no IPv6 zone, no name
_prefix: Final = re.compile(r"[0-9a-fA-F.:]+/[0-9]{1,3}", re.ASCII)


def parse_integer(text: str) -> int:
    """A decimal number of 64 bits, signed."""
    if not _integer.fullmatch(text):
        raise ValueError(f'strconv.Atoi: parsing "{text}": invalid syntax')
    digits = text.lstrip("+-").lstrip("0")
    value = int(digits or "0") if len(digits) <= 19 else 2**64
    value = -value if text[0] == "-" else value
    if not -(2**63) <= value < 2**63:
        raise ValueError(f'strconv.Atoi: parsing "{text}": value out of range')
    return value


def parse_number(text: str) -> float:
    """A decimal number with or without fraction and exponent; infinity and NaN are none."""
    if not _decimal.fullmatch(text):
        raise ValueError(f'strconv.ParseFloat: parsing "{text}": invalid syntax')
    value = float(text)
    if abs(value) == float("inf"):
        raise ValueError(f'strconv.ParseFloat: parsing "{text}": value out of range')
    return value


def parse_host_port(text: str) -> tuple[str, int]:
    """`HOST:PORT`, where the host may be empty and an IPv6 address stands in brackets, which are taken off."""
    if (parts := _host_port.fullmatch(text)) is not None:
        return parts[1] or parts[2] or "", parse_port(parts[3])
    if ":" not in text or text.endswith("]"):
        fault = "missing port in address"
    elif text.startswith("[") and "]" not in text:
        fault = "missing ']' in address"
    else:
        fault = "too many colons in address" if text.count(":") > 1 else "unexpected bracket in address"
    raise ValueError(f"address {text}: {fault}")


def parse_server(text: str, port: int = 53) -> tuple[str, int]:
    """An IP address, maybe with an IPv6 zone, and its port or the given one; never 0."""
    parts = _host_port.fullmatch(text)
    host, own = (parts[1] or parts[2] or "", parts[3]) if parts is not None else (text, "")
    try:
        ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        raise ValueError(f"must specify an IP address: `{host}'") from None
    number = parse_port(own) if own else port
    if not number:
        raise ValueError(f"address {text}: invalid port")
    return host, number


def parse_port(text: str) -> int:
    """0 to 65535."""
    if not text.isascii() or not text.isdigit() or len(text) > 5 or int(text) > 65535:
        raise ValueError(f"address {text}: invalid port")
    return int(text)


def parse_network(text: str, *, bare: bool = False) -> Network:
    """`IP/LENGTH`, host bits masked off; with `bare` also an address alone, which is a network of one."""
    if (_prefix if not bare or "/" in text else _address).fullmatch(text):
        try:
            return ipaddress.ip_network(text, strict=False)
        except ValueError:
            pass
    raise ValueError(f"invalid CIDR address: {text}")
