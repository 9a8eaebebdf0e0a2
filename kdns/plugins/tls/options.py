"""The options of `tls { acme DOMAIN... }`, read and checked; the texts of errors are CoreDNS's.

What is wrong with an option is said at its own word.
"""

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Final
from urllib.parse import urlsplit

import idna

from kdns.corefile import Line
from kdns.corefile.values import parse_host_port
from kdns.plugins.tls.web import trust
from kdns.wire import name
from kdns.wire.errors import WireError

CA: Final = "https://acme-v02.api.letsencrypt.org/directory"
"""Let's Encrypt's directory, where nothing else is said."""
STORAGE: Final = ".coredns/acme"
"""Where accounts and certificates lie, from `root` on; a process that takes over from CoreDNS finds them here."""
MAX_DOMAINS: Final = 100
"""Domains of one directive."""

_WILDCARD = "*."


@dataclass(frozen=True, slots=True)
class Options:
    """`domains` are folded, ASCII, without a final dot; paths are absolute; `resolver` is host and port."""

    domains: tuple[str, ...]
    ca: str
    storage: str
    email: str = ""
    ca_root: str = ""
    resolver: tuple[str, int] | None = None

    @property
    def key(self) -> tuple[object, ...]:
        """The same for directives that ask for the same certificates in the same way."""
        return (tuple(sorted(self.domains)), self.email, self.ca, self.storage, self.ca_root, self.resolver)


def read(line: Line, path: Callable[[str], str]) -> Options:
    """Read a directive without files; `path` makes file names start from `root`. Raises ConfigError."""
    found: dict[str, str] = {}
    domains: tuple[str, ...] = ()
    resolver: tuple[str, int] | None = None
    seen: set[str] = set()
    for option in line.block():
        if option.name in seen:
            raise option.error(f'ACME option "{option.name}" can only be specified once')
        seen.add(option.name)
        match option.name:
            case "acme":
                domains = _domains(option)
            case "resolver":
                resolver = _resolver(option)
            case "email" | "ca" | "storage" | "ca_root":
                found[option.name] = _one(option, path)
            case _:
                raise option.error(f'unknown ACME option "{option.name}"')
    if not domains:
        raise line.error("ACME requires at least one domain")
    found.setdefault("ca", CA)
    found.setdefault("storage", os.path.abspath(path(STORAGE)))
    return Options(domains, resolver=resolver, **found)


def _one(option: Line, path: Callable[[str], str]) -> str:
    word = option.text()
    option.end()
    match option.name:
        case "ca":
            _check_url(option, word)
        case "storage" | "ca_root":
            word = os.path.abspath(path(word))
            _check_file(option, word)
    return word


def _check_file(option: Line, path: str) -> None:
    if option.name == "ca_root":
        try:
            trust(path)
        except ValueError as error:
            raise option.error(str(error)) from error
    elif os.path.exists(path) and not os.path.isdir(path):
        raise option.error(f'ACME storage "{path}" is not a directory')


def _check_url(option: Line, word: str) -> None:
    try:
        parts = urlsplit(word)
        valid = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        valid = False
    if not valid:
        raise option.error(f'invalid ACME CA URL "{word}"')


def _resolver(option: Line) -> tuple[str, int]:
    word = option.text()
    option.end()
    port = word.rpartition(":")[2]
    if ":" in word and "]" not in port and not _is_port(port):
        raise option.error(f'invalid ACME resolver port "{port}"')
    try:
        host, number = parse_host_port(word)
    except ValueError as error:
        raise option.error(f'invalid ACME resolver "{word}": {error}') from error
    if not host:
        raise option.error(f'invalid ACME resolver "{word}": host is empty')
    return host, number


def _is_port(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) < 6 and 0 < int(text) < 65536


def _domains(option: Line) -> tuple[str, ...]:
    if not option.more:
        raise option.wrong_count()
    found = dict.fromkeys(_checked(option))
    if len(found) > MAX_DOMAINS:
        raise option.error(f"more than {MAX_DOMAINS} ACME domains")
    return tuple(found)


def _checked(option: Line) -> Iterator[str]:
    for word in option.words():
        domain = word.removesuffix(".").lower()
        try:
            yield normalized(domain)
        except ValueError as error:
            raise option.error(f'invalid ACME domain "{domain}"{f": {error}" if str(error) else ""}') from error


def normalized(domain: str) -> str:
    """A domain, or a wildcard, as certificates have it. Raises ValueError, without a text where CoreDNS has none."""
    bare = domain.removeprefix(_WILDCARD)
    if not bare or "*" in bare or _is_address(bare):
        raise ValueError
    try:
        bare = idna.encode(bare, uts46=True, std3_rules=True).decode()
        name.from_text(challenge_name(bare))
    except WireError as error:
        raise ValueError(str(error)) from error
    return _WILDCARD + bare if domain.startswith(_WILDCARD) else bare


def challenge_name(domain: str) -> str:
    """Where a CA looks for the proof that a domain is ours (RFC 8555 section 8.4): without the wildcard's label."""
    return f"_acme-challenge.{domain.removeprefix(_WILDCARD)}."


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True
