"""The make-believe API server behind TLS, as a program: `python -m tests.integration.secure_api PORT TOKEN PATH...`."""

import asyncio
import ssl
import sys
from pathlib import Path

from tests.kit.api import FakeApi
from tests.kit.serve import manifests
from tests.kit.store import Store

TLS = Path(__file__).parents[1] / "kit" / "tls"


async def serve(port: int, token: str, paths: list[str]) -> None:
    """Serve manifests to who has the token, until killed."""
    store = Store()
    store.load(manifests(paths))
    store.compact()
    api = FakeApi(store)
    api.tokens = {token}
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(TLS / "server.crt", TLS / "server.key")
    await api.start("127.0.0.1", port, context)
    print("ready", flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1]), sys.argv[2], sys.argv[3:]))
