"""`python -m kdns` is the command."""

import subprocess
import sys


def test_the_package_runs() -> None:
    shown = subprocess.run([sys.executable, "-m", "kdns", "-version"], capture_output=True, text=True, check=True)
    assert shown.stdout.startswith("kdns-")
