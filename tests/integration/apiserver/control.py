"""A real API server and its etcd on loopback, for as long as a test module runs.

Both come from the folder that `KUBEBUILDER_ASSETS` names. The server signs its own certificate, and three tokens are
known to it: one may do everything, one may list and watch what kdns needs, one may watch it only. There are no
controllers: endpoint slices, pod addresses and the end of a namespace are made by hand.
"""

import base64
import json
import signal
import socket
import ssl
import subprocess
import time
import urllib.error
import urllib.request
from contextlib import ExitStack
from pathlib import Path
from typing import Any

ADMIN, LIMITED, WATCHER = "admin-token", "limited-token", "watcher-token"
START = 60.0
"""Seconds that a start may take."""

_TOKENS = f"""\
{ADMIN},admin,1,"system:masters"
{LIMITED},system:serviceaccount:kube-system:coredns,2
{WATCHER},watcher,3
"""
_WATCHED = [
    {"apiGroups": [""], "resources": ["services", "namespaces", "pods"]},
    {"apiGroups": ["discovery.k8s.io"], "resources": ["endpointslices"]},
]
_RIGHTS = {
    "limited": ("system:serviceaccount:kube-system:coredns", ["list", "watch"]),
    "watcher": ("watcher", ["watch"]),
}


class Refusal(Exception):
    """The API server says no."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(f"{status} {text[:500]}")
        self.status = status


class ControlPlane:
    """Both processes. Everything blocks; `call` takes milliseconds."""

    def __init__(self, assets: Path, folder: Path) -> None:
        self._assets = assets
        self._folder = folder
        self._etcd: subprocess.Popen[bytes] | None = None
        self._api: subprocess.Popen[bytes] | None = None
        self.port, self._etcd_port, peer = _free_ports(3)
        self._etcd_url = f"http://127.0.0.1:{self._etcd_port}"
        self._peer_url = f"http://127.0.0.1:{peer}"

    def start(self) -> None:
        """Start both, and give the tokens their rights."""
        (self._folder / "tokens.csv").write_text(_TOKENS)
        self._etcd = self._run(
            "etcd",
            f"--data-dir={self._folder}/etcd",
            f"--listen-client-urls={self._etcd_url}",
            f"--advertise-client-urls={self._etcd_url}",
            f"--listen-peer-urls={self._peer_url}",
            f"--initial-advertise-peer-urls={self._peer_url}",
            f"--initial-cluster=default={self._peer_url}",
            "--unsafe-no-fsync",
            "--log-level=warn",
        )
        self.start_api()
        for name, (user, verbs) in _RIGHTS.items():
            self._grant(name, user, verbs)

    def start_api(self) -> None:
        """Start the API server and wait until it is ready."""
        certs = self._folder / "certs"
        self._api = self._run(
            "kube-apiserver",
            "--bind-address=127.0.0.1",
            f"--secure-port={self.port}",
            "--advertise-address=127.0.0.1",
            f"--etcd-servers={self._etcd_url}",
            f"--cert-dir={certs}",
            "--service-account-issuer=https://kubernetes.default.svc",
            f"--service-account-key-file={certs}/apiserver.key",
            f"--service-account-signing-key-file={certs}/apiserver.key",
            "--service-cluster-ip-range=10.96.0.0/16",
            f"--token-auth-file={self._folder}/tokens.csv",
            "--authorization-mode=RBAC",
            "--disable-admission-plugins=ServiceAccount",  # nobody makes the account `default` that Pods would need
        )
        deadline = time.monotonic() + START
        while not self._is_ready():
            assert self._api.poll() is None, f"kube-apiserver ended: {self._log('kube-apiserver')}"
            assert time.monotonic() < deadline, f"kube-apiserver is not ready: {self._log('kube-apiserver')}"
            time.sleep(0.1)

    def kill_api(self) -> None:
        """End the API server without a farewell."""
        _kill(self._api)

    def stop(self) -> None:
        """End both."""
        _kill(self._api)
        _kill(self._etcd)

    def compact(self) -> None:
        """Let etcd forget all versions but the last; a restarted API server then knows no older ones either."""
        every = base64.b64encode(b"\0").decode()
        header = json.loads(self._post_etcd("range", {"key": every, "range_end": every, "count_only": True}))["header"]
        self._post_etcd("compaction", {"revision": header["revision"], "physical": True})

    def call(self, method: str, path: str, body: object = None, *, token: str = ADMIN) -> Any:
        """One request to the API: its object. PATCH is a merge patch. Raises `Refusal`."""
        kind = "application/merge-patch+json" if method == "PATCH" else "application/json"
        request = urllib.request.Request(
            f"https://127.0.0.1:{self.port}{path}",
            data=None if body is None else json.dumps(body).encode(),
            headers={"Authorization": f"Bearer {token}", "Content-Type": kind},
            method=method,
        )
        context = ssl.create_default_context(cafile=str(self._certificate))
        opener = urllib.request.build_opener(
            urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context)
        )
        try:
            with opener.open(request, timeout=20) as response:
                return json.loads(response.read() or b"null")
        except urllib.error.HTTPError as error:
            with error:
                raise Refusal(error.code, error.read().decode(errors="replace")) from None

    def kubeconfig(self, token: str, port: int) -> str:
        """A kubeconfig for a token, by way of a port of this host."""
        path = self._folder / f"kubeconfig-{token}-{port}.json"
        document = {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "c",
            "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}],
            "clusters": [
                {
                    "name": "c",
                    "cluster": {
                        "server": f"https://127.0.0.1:{port}",
                        "certificate-authority": str(self._certificate),
                    },
                }
            ],
            "users": [{"name": "u", "user": {"token": token}}],
        }
        path.write_text(json.dumps(document))
        return str(path)

    @property
    def _certificate(self) -> Path:
        return self._folder / "certs" / "apiserver.crt"

    def _grant(self, name: str, user: str, verbs: list[str]) -> None:
        group = "rbac.authorization.k8s.io"
        self.call(
            "POST",
            f"/apis/{group}/v1/clusterroles",
            {"metadata": {"name": name}, "rules": [rule | {"verbs": verbs} for rule in _WATCHED]},
        )
        self.call(
            "POST",
            f"/apis/{group}/v1/clusterrolebindings",
            {
                "metadata": {"name": name},
                "roleRef": {"apiGroup": group, "kind": "ClusterRole", "name": name},
                "subjects": [{"apiGroup": group, "kind": "User", "name": user}],
            },
        )

    def _is_ready(self) -> bool:
        if not self._certificate.exists():
            return False
        try:
            context = ssl.create_default_context(cafile=str(self._certificate))
            request = urllib.request.Request(
                f"https://127.0.0.1:{self.port}/readyz", headers={"Authorization": f"Bearer {ADMIN}"}
            )
            opener = urllib.request.build_opener(
                urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context)
            )
            with opener.open(request, timeout=5) as response:
                return bool(response.status == 200)
        except urllib.error.HTTPError as error:
            error.close()
            return False
        except OSError:
            return False

    def _run(self, program: str, *arguments: str) -> subprocess.Popen[bytes]:
        with (self._folder / f"{program}.log").open("ab") as log:
            return subprocess.Popen([str(self._assets / program), *arguments], stdout=log, stderr=log)

    def _log(self, program: str) -> str:
        return (self._folder / f"{program}.log").read_text(errors="replace")[-2000:]

    def _post_etcd(self, action: str, body: object) -> bytes:
        request = urllib.request.Request(f"{self._etcd_url}/v3/kv/{action}", data=json.dumps(body).encode())
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(request, timeout=20) as response:
            data: bytes = response.read()
            return data


def _kill(process: "subprocess.Popen[bytes] | None") -> None:
    if process is not None and process.poll() is None:
        process.send_signal(signal.SIGKILL)
        process.wait()


def _free_ports(count: int) -> list[int]:
    with ExitStack() as sockets:
        found = [sockets.enter_context(socket.socket()) for _ in range(count)]
        for sock in found:
            sock.bind(("127.0.0.1", 0))
        return [sock.getsockname()[1] for sock in found]
