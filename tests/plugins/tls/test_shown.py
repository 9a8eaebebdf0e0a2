import asyncio
import ssl
import time
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from kdns.plugins.tls.shown import Shown, contexts
from tests.kit.acme import Root


@pytest.fixture
def root() -> Root:
    return Root(lambda: time.time() - 60)


async def made(root: Root, folder: Path, name: str) -> tuple[dict[str, ssl.SSLContext], bytes]:
    """The contexts of a new certificate, and the certificate itself."""
    certificate, key = root.pair(name)
    (folder / "x.crt").write_bytes(certificate)
    (folder / "x.key").write_bytes(key)
    leaf = x509.load_pem_x509_certificate(certificate)
    found = await asyncio.to_thread(contexts, str(folder / "x.crt"), str(folder / "x.key"))
    return found, leaf.public_bytes(Encoding.DER)


async def handshake(front: ssl.SSLContext, name: str | None, *alpn: str) -> tuple[bytes, str | None]:
    """The certificate that a client is shown, and the protocol agreed on; raises OSError if it is turned away."""
    server = await asyncio.start_server(lambda reader, writer: writer.close(), "127.0.0.1", 0, ssl=front)
    client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    client.check_hostname, client.verify_mode = False, ssl.CERT_NONE
    if alpn:
        client.set_alpn_protocols(list(alpn))
    async with server:
        port = server.sockets[0].getsockname()[1]
        _, writer = await asyncio.open_connection("127.0.0.1", port, ssl=client, server_hostname=name or "127.0.0.1")
        tls = writer.get_extra_info("ssl_object")
        shown = tls.getpeercert(binary_form=True), tls.selected_alpn_protocol()
        writer.close()
        return shown


TURNED_AWAY = (ConnectionError, ssl.SSLError)
pytestmark = pytest.mark.asyncio(loop_factories=["asyncio", "uvloop"])


async def test_a_certificate_is_shown_by_name(tmp_path: Path, root: Root) -> None:
    shown = Shown(["a.example", "*.wild.example", "x.wild.example", "later.example"])
    der = {}
    for domain in ("a.example", "*.wild.example"):
        found, der[domain] = await made(root, tmp_path, domain)
        shown.show(domain, found)
    for name, domain in (
        ("a.example", "a.example"),
        ("A.EXAMPLE", "a.example"),
        ("y.wild.example", "*.wild.example"),
        ("x.wild.example", "*.wild.example"),
        (None, "a.example"),
    ):
        assert await handshake(shown.front["tls"], name) == (der[domain], None)
    for name in ("other.example", "wild.example", "z.y.wild.example", "later.example", "example"):
        with pytest.raises(TURNED_AWAY):
            await handshake(shown.front["tls"], name)
    found, der["own"] = await made(root, tmp_path, "x.wild.example")
    shown.show("x.wild.example", found)
    assert await handshake(shown.front["tls"], "x.wild.example") == (der["own"], None)


async def test_https_is_agreed_on(tmp_path: Path, root: Root) -> None:
    shown = Shown(["a.example"])
    shown.show("a.example", (await made(root, tmp_path, "a.example"))[0])
    assert (await handshake(shown.front["https"], "a.example", "h2"))[1] == "h2"
    assert (await handshake(shown.front["tls"], "a.example", "h2"))[1] is None


async def test_nothing_is_shown_before_there_is_something_and_the_newest_then(tmp_path: Path, root: Root) -> None:
    shown = Shown(["a.example"])
    with pytest.raises(TURNED_AWAY):
        await handshake(shown.front["tls"], "a.example")
    for _ in range(2):
        found, der = await made(root, tmp_path, "a.example")
        shown.show("a.example", found)
        assert (await handshake(shown.front["tls"], "a.example"))[0] == der


async def test_old_protocols_are_refused() -> None:
    assert Shown(["a.example"]).front["tls"].minimum_version == ssl.TLSVersion.TLSv1_2
