"""A make-believe ACME CA (RFC 8555) on loopback, over TLS with a root of its own, that really asks the DNS.

    async with FakeCA(tmp_path, lambda: port) as ca:        # ca.url is its directory, ca.root a PEM file to trust
        ...
        ca.orders == ["dns.example.org"]

It holds clients to the rules: signatures, nonces that count once, URLs, accounts. `asked_at` gives the port of the name
server on loopback that it looks for proofs at. What it does wrong is up to `fault`, which is given the name of a step
and gives a response to send instead, or `None`.
"""

import asyncio
import base64
import datetime
import hashlib
import itertools
import json
import ssl
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from acme import jws
from aiohttp import web
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from josepy.b64 import b64decode

from kdns.net.upstream import Upstream
from kdns.wire.message import read_message
from tests.kit.upstream import question

Fault = Callable[[str], web.StreamResponse | None]
DAY = 86400.0
TXT = 16


_USES = "digital_signature content_commitment key_encipherment data_encipherment key_agreement crl_sign encipher_only"
_SIGNS_CERTIFICATES = x509.KeyUsage(**dict.fromkeys(_USES.split(), False), decipher_only=False, key_cert_sign=True)


class Root:
    """A CA's own key and certificate, and what it signs."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "make-believe CA")])
        constraints = x509.BasicConstraints(ca=True, path_length=0)
        made = self._builder(self._name, self._key.public_key(), 3650 * DAY)
        made = made.add_extension(constraints, critical=True).add_extension(_SIGNS_CERTIFICATES, critical=True)
        self.certificate = made.sign(self._key, hashes.SHA256())

    def _builder(self, name: x509.Name, key: Any, lifetime: float) -> x509.CertificateBuilder:
        begins = datetime.datetime.fromtimestamp(self._now(), datetime.UTC)
        made = x509.CertificateBuilder().subject_name(name).issuer_name(self._name).public_key(key)
        made = made.serial_number(x509.random_serial_number()).not_valid_before(begins)
        made = made.not_valid_after(begins + datetime.timedelta(seconds=lifetime))
        return made.add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)

    def sign(self, key: Any, *names: str, lifetime: float = 90 * DAY) -> bytes:
        """A certificate for names and a public key, with the root behind it, in PEM."""
        issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key())
        made = self._builder(x509.Name([]), key, lifetime).add_extension(issuer, critical=False)
        made = made.add_extension(x509.SubjectAlternativeName([x509.DNSName(each) for each in names]), critical=True)
        return made.sign(self._key, hashes.SHA256()).public_bytes(Encoding.PEM) + self.pem

    @property
    def pem(self) -> bytes:
        return self.certificate.public_bytes(Encoding.PEM)

    def pair(self, *names: str, lifetime: float = 90 * DAY) -> tuple[bytes, bytes]:
        """A certificate for names, and its key, in PEM."""
        key = ec.generate_private_key(ec.SECP256R1())
        pem = key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())
        return self.sign(key.public_key(), *names, lifetime=lifetime), pem


class Problem(Exception):
    """What a CA says to a client that does wrong."""

    def __init__(self, kind: str, detail: str, status: int = 400) -> None:
        super().__init__(detail)
        self.body = {"type": f"urn:ietf:params:acme:error:{kind}", "detail": detail}
        self.status = status


class FakeCA:
    """Serves while it is entered. `lifetime` is that of certificates in seconds, `window` the wish for renewals."""

    def __init__(self, folder: Path, asked_at: Callable[[], int], now: Callable[[], float]) -> None:
        self.signer = Root(now)
        self.root = folder / "root.pem"
        self.fault: Fault = lambda step: None
        self.waits: tuple[str, asyncio.Event] | None = None
        """A step that comes when an event does."""
        self.looks_after: asyncio.Event | None = None
        """It looks into the DNS when an event has come, and says `pending` until then."""
        self.clients = 1
        """From so many ports it looks into the DNS, and has to find the proof each time."""
        self.lifetime = 90 * DAY
        self.window: tuple[str, str] | None = None
        self.orders: list[str] = []
        """Domains in the order in which they were ordered."""
        self.accounts: dict[str, Any] = {}
        """Their keys by URL."""
        self.seen: list[list[str]] = []
        """The values that it found, by each look into the DNS."""
        self.requests: list[str] = []
        self._folder = folder
        self._asked_at = asked_at
        self._nonces = map(str, itertools.count(1))
        self._open: set[str] = set()
        self._made: dict[str, dict[str, Any]] = {}

    async def __aenter__(self) -> Self:
        own = Root(lambda: time.time() - 60)  # certificates may have a made-up clock; this connection has not
        certificate, key = own.pair("localhost")
        self.root.write_bytes(own.pem)
        both = self._folder / "ca.pem"
        both.write_bytes(certificate + key)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(both)
        app = web.Application(middlewares=[self._guarded])
        app.router.add_get("/directory", self._directory)
        app.router.add_get("/renewal/{id}", self._renewal)
        app.router.add_route("HEAD", "/nonce", self._nonce)
        app.router.add_post("/{step}/{id:.*}", self._posted)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0, ssl_context=context)
        await site.start()
        assert site._server is not None
        self.port = site._server.sockets[0].getsockname()[1]  # type: ignore[attr-defined]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.waits is not None:
            self.waits[1].set()
        await self._runner.cleanup()

    @property
    def base(self) -> str:
        return f"https://localhost:{self.port}"

    @property
    def url(self) -> str:
        """The directory."""
        return f"{self.base}/directory"

    @web.middleware
    async def _guarded(self, request: web.Request, handler: Any) -> web.StreamResponse:
        step = request.path.split("/")[1]
        self.requests.append(step)
        if self.waits is not None and self.waits[0] == step:
            await self.waits[1].wait()
        wrong = self.fault(step)
        try:
            response: web.StreamResponse = wrong or await handler(request)
        except Problem as problem:
            response = web.json_response(problem.body, status=problem.status, content_type="application/problem+json")
        if not response.prepared:
            nonce = base64.urlsafe_b64encode(next(self._nonces).encode().rjust(9, b"n")).decode()
            self._open.add(nonce)
            response.headers["Replay-Nonce"] = nonce
        return response

    async def _directory(self, request: web.Request) -> web.Response:
        names = ("newNonce", "nonce"), ("newAccount", "account/"), ("newOrder", "order/")
        found = {name: f"{self.base}/{path}" for name, path in names}
        return web.json_response(found | ({"renewalInfo": f"{self.base}/renewal"} if self.window else {}))

    async def _nonce(self, request: web.Request) -> web.Response:
        return web.Response()

    async def _renewal(self, request: web.Request) -> web.Response:
        assert self.window is not None
        return web.json_response({"suggestedWindow": {"start": self.window[0], "end": self.window[1]}})

    async def _posted(self, request: web.Request) -> web.Response:
        signed = jws.JWS.json_loads(await request.text())
        header = signed.signature.combined
        nonce = base64.urlsafe_b64encode(header.nonce).decode()
        if nonce not in self._open:
            raise Problem("badNonce", "this nonce does not count")
        self._open.remove(nonce)
        if header.url != f"{self.base}{request.path}":
            raise Problem("malformed", "signed for another URL")
        key = self.accounts.get(header.kid) if header.kid else header.jwk
        if key is None:
            raise Problem("accountDoesNotExist", f"no account {header.kid}")
        if not signed.verify(key):
            raise Problem("malformed", "wrong signature")
        payload = signed.payload.decode()
        do = getattr(self, f"_{request.match_info['step']}")
        response: web.Response = await do(request.match_info["id"], payload, key)
        return response

    async def _account(self, ident: str, payload: str, key: Any) -> web.Response:
        url = f"{self.base}/account/{len(self.accounts) + 1}"
        self.accounts[url] = key
        return web.json_response({"status": "valid"}, status=201, headers={"Location": url})

    async def _order(self, ident: str, payload: str, key: Any) -> web.Response:
        if not ident:
            (wanted,) = json.loads(payload)["identifiers"]
            ident = str(len(self.orders) + 1)
            self.orders.append(wanted["value"])
            token = base64.urlsafe_b64encode(hashlib.sha256(ident.encode()).digest()).decode().rstrip("=")
            made = {"status": "pending", "domain": wanted["value"], "token": token, "proof": "pending"}
            self._made[ident] = made | {"answered": False}
        made = self._made[ident]
        body = {
            "status": made["status"],
            "identifiers": [{"type": "dns", "value": made["domain"]}],
            "authorizations": [f"{self.base}/authz/{ident}"],
            "finalize": f"{self.base}/finalize/{ident}",
        }
        if made["status"] == "valid":
            body["certificate"] = f"{self.base}/certificate/{ident}"
        return web.json_response(body, status=201, headers={"Location": f"{self.base}/order/{ident}"})

    async def _authz(self, ident: str, payload: str, key: Any) -> web.Response:
        made = self._made[ident]
        if made["answered"]:
            await self._check(made, key)
        domain = made["domain"].removeprefix("*.")
        body = {"identifier": {"type": "dns", "value": domain}, "status": made["proof"]}
        return web.json_response(body | {"challenges": [self._shown(ident)]})

    def _shown(self, ident: str) -> dict[str, Any]:
        made = self._made[ident]
        shown = {"type": "dns-01", "url": f"{self.base}/challenge/{ident}", "token": made["token"]}
        error = {"error": Problem("unauthorized", "the value is not there").body} if made["proof"] == "invalid" else {}
        return shown | {"status": made["proof"]} | error

    async def _challenge(self, ident: str, payload: str, key: Any) -> web.Response:
        made = self._made[ident]
        made["answered"] = True
        await self._check(made, key)
        up = {"Link": f'<{self.base}/authz/{ident}>;rel="up"'}
        return web.json_response(self._shown(ident), headers=up)

    async def _check(self, made: dict[str, Any], key: Any) -> None:
        if made["proof"] != "pending" or (self.looks_after is not None and not self.looks_after.is_set()):
            return
        thumbprint = base64.urlsafe_b64encode(key.thumbprint()).decode().rstrip("=")
        digest = hashlib.sha256(f"{made['token']}.{thumbprint}".encode()).digest()
        wanted = base64.urlsafe_b64encode(digest).decode().rstrip("=")
        looks = [await self._look(made["domain"].removeprefix("*.")) for _ in range(self.clients)]
        self.seen += looks
        made["proof"] = "valid" if all(wanted in found for found in looks) else "invalid"

    async def _look(self, domain: str) -> list[str]:
        server = Upstream("127.0.0.1", self._asked_at())
        try:
            reply = await server.exchange(question(f"_aCmE-challenge.{domain}", TXT), timeout=5.0)
        finally:
            server.close()
        return [record.data[1:].decode() for record in read_message(reply).answer if record.type == TXT]

    async def _finalize(self, ident: str, payload: str, key: Any) -> web.Response:
        made = self._made[ident]
        if made["proof"] != "valid":
            raise Problem("orderNotReady", "nothing is proven")
        csr = x509.load_der_x509_csr(b64decode(json.loads(payload)["csr"]))
        made["chain"] = self.signer.sign(csr.public_key(), made["domain"], lifetime=self.lifetime)
        made["status"] = "valid"
        return await self._order(ident, "", key)

    async def _certificate(self, ident: str, payload: str, key: Any) -> web.Response:
        return web.Response(body=self._made[ident]["chain"], content_type="application/pem-certificate-chain")
