"""Accounts and certificates on disk, laid out as CoreDNS lays them out, so that either finds what the other left.

    certificates/CA/DOMAIN/DOMAIN.crt .key .json        a certificate with its chain, its key, whose it is
    acme/CA/users/EMAIL/USER.json .key                  an account, `default` where no address is given
    locks/issue_cert_DOMAIN.lock                        who is about to order

CA is the host of its directory, with the path behind a hyphen. Files are of their owner alone, and are never seen half
written. A restart, and another replica with the same folder, goes on with what it finds. Everything here blocks.
"""

import json
import logging
import os
import re
import secrets
from contextlib import suppress
from typing import Any, Final, NamedTuple
from urllib.parse import urlsplit

from kdns.net.failures import reason
from kdns.plugins.tls.certificate import Certificate, Unusable, read

log = logging.getLogger("kdns.tls")

MAX_FILE: Final = 1 << 20
"""Octets read of one file."""
_TRIAL: Final = 16384
"""Octets written to see that there is room for what an order brings."""
_REPLACED: Final = ((" ", "_"), ("+", "_plus_"), ("*", "wildcard_"), (":", "-"), ("..", ""))


class StorageError(Exception):
    """A file that cannot be read or written; the text has its path."""


class Account(NamedTuple):
    """An account with a CA: its URL there, and its key in PEM."""

    url: str
    key: bytes


class Store:
    """What one CA gave, below a folder. Methods raise StorageError."""

    def __init__(self, folder: str, ca: str) -> None:
        parts = urlsplit(ca)
        path = parts.path.replace("/", "-").replace("\\", "-").strip("-")
        self._folder = folder
        self._ca = ca
        self._issuer = safe(f"{parts.netloc}-{path}" if path else parts.netloc)

    def paths(self, domain: str) -> tuple[str, str]:
        """Where a domain's certificate and its key lie."""
        site = self._site(domain)
        return f"{site}.crt", f"{site}.key"

    def certificate(self, domain: str) -> Certificate | None:
        """A domain's certificate; `None` if there is none, or none that can be used, which is logged."""
        chain, key = map(_read, self.paths(domain))
        if chain is None or key is None:
            return None
        try:
            return read(domain, chain, key)
        except Unusable as error:
            log.warning("%s: %s", self.paths(domain)[0], error)
            return None

    def keep(self, domain: str, certificate: Certificate) -> None:
        """Put a domain's certificate in the place of the one before."""
        about = {"sans": [domain], "issuer_data": {"url": "", "ca": self._ca}}
        chain, key = self.paths(domain)
        _write(key, certificate.key)
        _write(chain, certificate.chain)
        _write(f"{self._site(domain)}.json", json.dumps(about, indent="\t").encode())

    def account(self, email: str) -> Account | None:
        """The account with an address; `None` if there is none that can be used."""
        about, key = _read(f"{self._user(email)}.json"), _read(f"{self._user(email)}.key")
        if about is None or key is None:
            return None
        try:
            found: Any = json.loads(about)
            url = found["location"]
        except (ValueError, KeyError, TypeError, RecursionError):
            url = None
        if not isinstance(url, str):
            log.warning("%s.json: not an account", self._user(email))
            return None
        return Account(url, key)

    def keep_account(self, email: str, account: Account) -> None:
        """Remember an account."""
        contact = [f"mailto:{email}"] if email else []
        about = {"status": "valid", "contact": contact, "termsOfServiceAgreed": True, "location": account.url}
        _write(f"{self._user(email)}.key", account.key)
        _write(f"{self._user(email)}.json", json.dumps(about, indent="\t").encode())

    def forget_account(self, email: str) -> None:
        """Forget an account that the CA does not know."""
        with suppress(FileNotFoundError):
            os.unlink(f"{self._user(email)}.json")

    def try_out(self) -> None:
        """See that there is room, before a CA is asked for what could not be kept."""
        path = os.path.join(self._folder, f"rw_test_{secrets.token_hex(8)}")
        _write(path, bytes(_TRIAL))
        with suppress(OSError):
            os.unlink(path)

    def lock(self, domain: str) -> str:
        """Where it is marked that somebody is about to order for a domain."""
        return os.path.join(self._folder, "locks", f"{safe(f'issue_cert_{domain}')}.lock")

    def _site(self, domain: str) -> str:
        return os.path.join(self._folder, "certificates", self._issuer, safe(domain), safe(domain))

    def _user(self, email: str) -> str:
        email = email.lower() or "default"
        local, at, domain = email.partition("@")
        user = (local or domain) if at else email
        return os.path.join(self._folder, "acme", self._issuer, "users", safe(email), safe(user) or "registration")


def safe(text: str) -> str:
    """A text as one component of a path."""
    text = text.lower().strip()
    for old, new in _REPLACED:
        text = text.replace(old, new)
    return re.sub(r"[^\w@.-]", "", text, flags=re.ASCII)


def make_folder(path: str) -> None:
    """Have a folder, and those above it, for its owner alone. Raises OSError."""
    if not os.path.isdir(path):
        make_folder(os.path.dirname(path))
        with suppress(FileExistsError):
            os.mkdir(path, 0o700)


def _read(path: str) -> bytes | None:
    try:
        with open(path, "rb") as file:
            octets = file.read(MAX_FILE + 1)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise StorageError(f"open {path}: {reason(error)}") from error
    if len(octets) > MAX_FILE:
        raise StorageError(f"{path}: more than {MAX_FILE} octets")
    return octets


def _write(path: str, octets: bytes) -> None:
    """Put a file in place in one step."""
    part = f"{path}.{secrets.token_hex(8)}"
    try:
        make_folder(os.path.dirname(path))
        try:
            with open(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                file.write(octets)
                file.flush()
                os.fsync(file.fileno())
            os.replace(part, path)
        except OSError:
            with suppress(OSError):
                os.unlink(part)
            raise
    except OSError as error:
        raise StorageError(f"write {path}: {reason(error)}") from error
