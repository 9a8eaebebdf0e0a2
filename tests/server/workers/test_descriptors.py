"""In a process of its own, which loses its descriptors."""

import os
import subprocess
import sys

import pytest

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="further processes are for Linux")

PROGRAM = """
import os, select, socket
from kdns.server.workers.descriptors import keep_only
mine, other = socket.socketpair()
kept, also = socket.socketpair()
epoll = select.epoll()
before = sorted(map(int, os.listdir("/proc/self/fd")))
keep_only({kept.fileno(), also.fileno()})
null = os.stat(os.devnull).st_rdev
kept.send(b"x")
assert also.recv(1) == b"x"
for gone in (mine.fileno(), other.fileno(), epoll.fileno()):
    assert os.fstat(gone).st_rdev == null
    assert not os.get_inheritable(gone)
assert os.open(os.devnull, os.O_RDONLY) not in before  # numbers are not used again
try:
    epoll.register(also.fileno())
except OSError:
    print("done")
"""


def test_everything_else_leads_nowhere() -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, env=dict(os.environ))
    assert (done.stdout, done.stderr) == ("done\n", "")
