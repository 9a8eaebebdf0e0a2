import base64
import json
import math
import os
import ssl
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from aiohttp import web
from aiohttp.test_utils import TestServer
from blockbuster import BlockBuster

from kdns.cluster import kubeconfig
from kdns.cluster.credentials import RELOAD, Access, CredentialsError
from kdns.cluster.kubeconfig import Kubeconfig

TLS = Path(__file__).parents[1] / "kit" / "tls"


@pytest.fixture(autouse=True)
def reading_in_its_own_loop(blockbuster: BlockBuster | None) -> None:
    """The package reads files in coroutines, in a loop of its own in a thread."""
    if blockbuster is not None:
        for function in blockbuster.functions.values():
            function.can_block_in("kdns/cluster/kubeconfig.py", "_load")


def write(path: Path, user: object, cluster: dict[str, Any] | None = None, **more: Any) -> str:
    document = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "main",
        "clusters": [{"name": "c", "cluster": cluster or {"server": "https://10.0.0.1:6443"}}],
        "contexts": [{"name": "main", "context": {"cluster": "c", "user": "u"}}],
        "users": [{"name": "u", "user": user}],
    } | more
    file = path / "config"
    file.write_text(yaml.safe_dump(document))
    return str(file)


def script(path: Path, text: str) -> str:
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return str(path)


def credential(**status: str) -> str:
    return json.dumps({"apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential", "status": status})


def plugin(command: str, **more: Any) -> dict[str, Any]:
    return {"exec": {"apiVersion": "client.authentication.k8s.io/v1", "command": command, **more}}


async def load(file: str, context: str | None = None) -> Access:
    return await Kubeconfig(file, context, {}).load()


async def test_a_token(tmp_path: Path) -> None:
    access = await load(write(tmp_path, {"token": "secret"}))
    assert (access.url, access.authorization) == ("https://10.0.0.1:6443", "Bearer secret")
    assert access.good_for == RELOAD


async def test_a_token_file_next_to_the_kubeconfig_is_read_anew(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("one\n")
    config = Kubeconfig(write(tmp_path, {"tokenFile": "token"}), None, {})
    assert (await config.load()).authorization == "Bearer one"
    (tmp_path / "token").write_text("two\n")
    assert (await config.load()).authorization == "Bearer two"


async def test_a_name_and_password(tmp_path: Path) -> None:
    access = await load(write(tmp_path, {"username": "me", "password": "pw"}))
    assert access.authorization == "Basic " + base64.b64encode(b"me:pw").decode()


async def test_certificates_in_files_next_to_it(tmp_path: Path) -> None:
    for name in ("client.crt", "client.key", "ca.crt"):
        (tmp_path / name).write_bytes((TLS / name).read_bytes())
    cluster = {"server": "https://api:6443/", "certificate-authority": "ca.crt", "tls-server-name": "api.kit"}
    access = await load(write(tmp_path, {"client-certificate": "client.crt", "client-key": "client.key"}, cluster))
    assert (access.url, access.server_name, access.authorization) == ("https://api:6443", "api.kit", None)
    assert access.tls is not None
    assert len(access.tls.get_ca_certs()) == 1


async def test_certificates_in_the_file_itself(tmp_path: Path) -> None:
    def inline(name: str) -> str:
        return base64.b64encode((TLS / name).read_bytes()).decode()

    user = {"client-certificate-data": inline("client.crt"), "client-key-data": inline("client.key")}
    cluster = {"server": "https://api:6443", "certificate-authority-data": inline("ca.crt")}
    config = Kubeconfig(write(tmp_path, user, cluster), None, {})
    first, second = await config.load(), await config.load()
    assert first.tls is not None
    assert len(first.tls.get_ca_certs()) == 1
    assert first.tls is second.tls


async def test_a_cluster_without_verification_behind_a_proxy(tmp_path: Path) -> None:
    cluster = {"server": "https://api:6443", "insecure-skip-tls-verify": True, "proxy-url": "http://proxy:3128"}
    access = await load(write(tmp_path, {"token": "t"}, cluster))
    assert access.proxy == "http://proxy:3128"
    assert access.tls is not None
    assert access.tls.verify_mode is ssl.CERT_NONE


async def test_a_plain_http_cluster(tmp_path: Path) -> None:
    access = await load(write(tmp_path, {}, {"server": "http://127.0.0.1:8080"}))
    assert access == Access("http://127.0.0.1:8080", good_for=RELOAD)


@pytest.mark.parametrize("user", [{}, None])
async def test_a_user_without_anything(tmp_path: Path, user: object) -> None:
    assert (await load(write(tmp_path, user))).authorization is None


async def test_a_context_without_a_user(tmp_path: Path) -> None:
    file = write(tmp_path, {}, contexts=[{"name": "main", "context": {"cluster": "c"}}])
    config = Kubeconfig(file, None, {})
    assert (await config.load()).authorization is None
    assert (await config.load()).authorization is None


async def test_another_context(tmp_path: Path) -> None:
    contexts = [{"name": "other", "context": {"cluster": "c", "user": "u"}}]
    file = write(tmp_path, {"token": "t"}, contexts=contexts)
    assert (await load(file, "other")).authorization == "Bearer t"


async def test_a_plugin(tmp_path: Path) -> None:
    expires = (datetime.now(UTC) + timedelta(seconds=1000)).strftime("%Y-%m-%dT%H:%M:%SZ")
    body = credential(token="fresh", expirationTimestamp=expires)
    user = plugin(script(tmp_path / "plug", f"echo '{body}'"))
    access = await load(write(tmp_path, user))
    assert access.authorization == "Bearer fresh"
    assert 700 < access.good_for <= 800


async def test_a_plugin_beside_the_file_with_arguments_and_variables(tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    script(tmp_path / "bin" / "plug", f"""printf '{credential(token="%s-%s")}' "$1" "$KDNS_TEST" """)
    user = plugin("./bin/plug", args=["a"], env=[{"name": "KDNS_TEST", "value": "b"}])
    access = await load(write(tmp_path, user))
    assert access.authorization == "Bearer a-b"
    assert access.good_for == math.inf


async def test_a_plugin_that_gives_a_certificate(tmp_path: Path) -> None:
    body = credential(
        clientCertificateData=(TLS / "client.crt").read_text(), clientKeyData=(TLS / "client.key").read_text()
    )
    (tmp_path / "credential").write_text(body)
    access = await load(write(tmp_path, plugin(script(tmp_path / "plug", f"cat {tmp_path}/credential"))))
    assert access.authorization is None
    assert access.tls is not None


async def test_a_plugin_runs_again_for_each_load(tmp_path: Path) -> None:
    count = tmp_path / "count"
    text = f"""echo x >> {count}; printf '{credential(token="t%s")}' $(wc -l < {count})"""
    config = Kubeconfig(write(tmp_path, plugin(script(tmp_path / "plug", text))), None, {})
    assert [(await config.load()).authorization for _ in range(2)] == ["Bearer t1", "Bearer t2"]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("echo oh no >&2; exit 3", "process returned 3. b'oh no'"),
        ("echo no json", "failed to decode process output"),
        ("echo '{}'", "malformed response"),
        (f"echo '{credential()}'", "missing token"),
    ],
)
async def test_a_plugin_that_fails(tmp_path: Path, text: str, reason: str) -> None:
    file = write(tmp_path, plugin(script(tmp_path / "plug", text)))
    with pytest.raises(CredentialsError) as caught:
        await load(file)
    assert f"kubeconfig {file}: exec plugin: " in str(caught.value)
    assert reason in str(caught.value)


@pytest.mark.parametrize("user", [plugin("/nowhere/plug"), {"exec": "plug"}, {"exec": {"command": "x"}}])
async def test_a_plugin_that_is_none(tmp_path: Path, user: object) -> None:
    with pytest.raises(CredentialsError, match="config: exec plugin: "):
        await load(write(tmp_path, user))


async def test_a_plugin_that_never_ends_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kubeconfig, "PLUGIN_LIMIT", 1.0)
    file = write(tmp_path, plugin(script(tmp_path / "plug", f"echo $$ > {tmp_path}/pid; exec sleep 60")))
    with pytest.raises(CredentialsError, match="no credentials within 1 s"):
        await load(file)
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "pid").read_text()), 0)


def oidc(token: str) -> dict[str, Any]:
    return {"auth-provider": {"name": "oidc", "config": {"id-token": token}}}


def jwt(expires: int) -> str:
    return ".".join(base64.b64encode(part).decode().rstrip("=") for part in (b"{}", b'{"exp":%d}' % expires, b"s"))


@pytest.mark.filterwarnings("ignore:datetime.datetime.utc:DeprecationWarning")
async def test_an_openid_token(tmp_path: Path) -> None:
    token = jwt(4_000_000_000)
    assert (await load(write(tmp_path, oidc(token)))).authorization == f"Bearer {token}"


@pytest.mark.filterwarnings("ignore:datetime.datetime.utc:DeprecationWarning")
@pytest.mark.parametrize("token", ["no.jwt", "a.b.c", jwt(1)])
async def test_an_openid_token_that_cannot_be_used(tmp_path: Path, token: str) -> None:
    with pytest.raises(CredentialsError, match=r"kubeconfig .*config: "):
        await load(write(tmp_path, oidc(token)))


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
async def test_an_openid_refresh_token_is_used_once_and_the_next_one_kept(tmp_path: Path) -> None:
    used: list[str] = []

    async def configuration(request: web.Request) -> web.Response:
        return web.json_response({"token_endpoint": f"{server.make_url('/token')}"})

    async def token(request: web.Request) -> web.Response:
        used.append(str((await request.post())["refresh_token"]))
        return web.json_response({"id_token": jwt(len(used)), "refresh_token": f"r{len(used)}"})

    app = web.Application()
    app.router.add_get("/.well-known/openid-configuration", configuration)
    app.router.add_post("/token", token)
    async with TestServer(app) as server:
        issuer = {"idp-issuer-url": str(server.make_url("/")), "client-id": "id", "client-secret": "s"}
        user = oidc(jwt(0))
        user["auth-provider"]["config"] |= {**issuer, "refresh-token": "r0"}
        config = Kubeconfig(write(tmp_path, user), None, {})
        assert [(await config.load()).authorization for _ in range(2)] == [f"Bearer {jwt(1)}", f"Bearer {jwt(2)}"]
    assert used == ["r0", "r1"]


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"current-context": "nope"}, 'context "nope" does not exist'),
        ({"current-context": ""}, "no context given"),
        ({"contexts": None}, 'context "main" does not exist'),
        ({"contexts": "main"}, 'context "main" does not exist'),
        ({"contexts": [{"name": "main"}]}, 'cluster "None" does not exist'),
        ({"clusters": []}, 'cluster "c" does not exist'),
        ({"clusters": [{"name": "c", "cluster": {}}]}, 'cluster "c" has no server'),
        ({"users": []}, 'user "u" does not exist'),
    ],
)
def test_a_broken_kubeconfig(tmp_path: Path, changes: dict[str, Any], reason: str) -> None:
    file = write(tmp_path, {}, **changes)
    with pytest.raises(CredentialsError) as caught:
        Kubeconfig(file, None, {}).check()
    assert str(caught.value) == f"kubeconfig {file}: {reason}" or reason in str(caught.value)


@pytest.mark.parametrize("text", ["- a", "", "a: [", "\x00", "a: b: c"])
def test_what_is_no_kubeconfig(tmp_path: Path, text: str) -> None:
    (tmp_path / "config").write_text(text)
    with pytest.raises(CredentialsError, match=r"kubeconfig .*/config: "):
        Kubeconfig(str(tmp_path / "config")).check()


def test_a_missing_file() -> None:
    with pytest.raises(CredentialsError, match="/nowhere/config: No such file or directory"):
        Kubeconfig("/nowhere/config").check()


def test_an_unknown_context(tmp_path: Path) -> None:
    with pytest.raises(CredentialsError, match='context "other" does not exist'):
        Kubeconfig(write(tmp_path, {}), "other").check()


@pytest.mark.parametrize(
    ("user", "cluster"),
    [
        ({"username": 1, "password": 2}, None),
        ({"client-certificate": "nowhere"}, None),
        ({"client-certificate-data": "%%%"}, None),
        ({"tokenFile": "nowhere"}, None),
        ({"token": ["t"]}, {"server": "h/p"}),
        ({"auth-provider": {"name": "oidc"}}, None),
        ({"auth-provider": {"name": "gcp"}}, None),
        ({}, {"server": "nonsense://"}),
        ({}, {"server": 17}),
    ],
)
async def test_broken_users_and_clusters(tmp_path: Path, user: object, cluster: dict[str, Any] | None) -> None:
    with pytest.raises(CredentialsError, match=r"^kubeconfig "):
        await load(write(tmp_path, user, cluster))
