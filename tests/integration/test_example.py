"""Corefile.example, unchanged, serves a cluster from where it would run: port 53, a Pod's account, kubelet's mounts."""

import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import Require, RequireTool
from tests.integration.namespaces import NODE, POD, Namespaces, possible
from tests.integration.running import Kdns
from tests.integration.secure_api import TLS

pytestmark = [pytest.mark.integration, pytest.mark.clients]

HERE = Path(__file__).parent
EXAMPLE = HERE.parents[1] / "Corefile.example"
ACCOUNT = "/var/run/secrets/kubernetes.io/serviceaccount"
TOKEN = "account-token"
IN_CLUSTER = {"KUBERNETES_SERVICE_HOST": "127.0.0.1", "KUBERNETES_SERVICE_PORT": "6443"}
# A namespace's own /run is seen by nobody else: `ip netns exec` makes a mount namespace as well.
MOUNT = f"""
mount -t tmpfs none /run && mkdir -p {ACCOUNT} && cp {TLS}/ca.crt {ACCOUNT}/ca.crt &&
echo {TOKEN} > {ACCOUNT}/token && echo kube-system > {ACCOUNT}/namespace && exec "$@"
"""


def test_the_example_starts_and_serves(require: Require, require_tool: RequireTool, tmp_path: Path) -> None:
    require_tool("ip")
    busybox, dig = require_tool("busybox"), require_tool("dig")
    reason = possible()
    require(not reason, reason)
    shutil.copy(EXAMPLE, tmp_path / "Corefile")
    with Namespaces({}, {"resolv.conf": f"nameserver {POD}\n"}) as both:
        api = [*both.on_node(), sys.executable, "-m", "tests.integration.secure_api", "6443", TOKEN]
        with subprocess.Popen([*api, HERE / "cluster"], cwd=HERE.parents[1], stdout=subprocess.PIPE) as cluster:
            try:
                assert cluster.stdout is not None
                assert cluster.stdout.readline() == b"ready\n"
                before = [*both.on_node(), "sh", "-c", MOUNT, "sh"]
                with Kdns(
                    "-conf", str(tmp_path / "Corefile"), cwd=Path("/"), before=before, environ=IN_CLUSTER
                ) as kdns:
                    kdns.wait_for("kdns-")
                    for kind in ("override", "server"):
                        kdns.wait_for(f"[WARNING] No files matching import glob pattern: custom/*.{kind}")

                    def ask(name: str) -> str:
                        return both.in_pod(dig, f"@{NODE}", "+short", "+tries=1", name)[1]

                    def get(place: str) -> str:
                        return both.in_pod(busybox, "wget", "-q", "-O", "-", f"http://{NODE}:{place}")[1]

                    assert ask("web.shop.svc.cluster.local") == "10.96.0.80\n"
                    assert (get("8080/health"), get("8181/ready")) == ("OK", "OK")
                    assert "coredns_build_info" in get("9153/metrics")

                    (tmp_path / "custom").mkdir()
                    (tmp_path / "custom" / "x.override").write_text("log\n")
                    (tmp_path / "custom" / "x.server").write_text("corp:53 {\nhosts {\n192.0.2.9 www.corp\n}\n}\n")
                    kdns.send_signal(signal.SIGUSR1)
                    kdns.wait_for("[INFO] Reloading complete")
                    assert ask("www.corp") == "192.0.2.9\n"
                    assert ask("web.shop.svc.cluster.local") == "10.96.0.80\n"
                    kdns.wait_for(f"[INFO] {POD}:")
                    kdns.send_signal(signal.SIGTERM)
                    kdns.wait_for("[INFO] plugin/health: Going into lameduck mode for 5s")
                    assert get("8080/health") == "OK"
                    assert ask("web.shop.svc.cluster.local") == "10.96.0.80\n"
                    kdns.send_signal(signal.SIGINT)
                    kdns.wait_for("[INFO] SIGINT: Shutting down")
                    assert kdns.end(signal.SIGINT) == 2
            finally:
                cluster.kill()
