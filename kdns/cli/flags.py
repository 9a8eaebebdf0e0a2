"""The server's flags, in Go's manner: one dash or two, `=` or a space, booleans with or without a value.

They are CoreDNS's (`corefile.md` section 10), so a Deployment's `args` need no change, and node-cache's `-kubednscm`.
The rules are those of Go's package `flag`: a flag that is no boolean takes the next word whatever it looks like, the
first word that is no flag ends them, and so does `--`. The last one of several counts.
"""

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

MAX_PORT = 65535

USAGE = """\
Usage of kdns:
  -conf FILE
        Corefile to load (default "Corefile"); "stdin" reads standard input
  -dns.port N, -p N
        default port (default 53)
  -kubednscm DIR
        mounted ConfigMap kube-dns: stubDomains become server blocks of the
        Corefile, upstreamNameservers stand in for the node's resolv.conf;
        without a Corefile, beside kubeadm's default
  -pidfile FILE
        path to write the process id to
  -plugins
        list the plugins that are built in
  -quiet
        no start-up listing
  -version
        show the version
  -h, -help
        show this text

One dash or two, "=" or a space. Signals: SIGTERM and SIGINT stop, SIGUSR1 reloads, SIGQUIT quits at once.
"""


@dataclass(frozen=True, slots=True)
class Flags:
    """What the command line says; `conf`, `kube_dns` and `pidfile` are empty where it says nothing of them."""

    conf: str = ""
    port: int = 53
    kube_dns: str = ""
    pidfile: str = ""
    plugins: bool = False
    quiet: bool = False
    version: bool = False


def _boolean(text: str) -> bool:
    if text in ("1", "t", "T", "TRUE", "true", "True"):
        return True
    if text in ("0", "f", "F", "FALSE", "false", "False"):
        return False
    raise ValueError("parse error")


def _port(text: str) -> int:
    if text.isascii() and text.isdigit() and len(text) <= 5 and int(text) <= MAX_PORT:
        return int(text)
    raise ValueError("parse error")


_FLAGS: dict[str, tuple[str, Callable[[str], Any]]] = {
    "conf": ("conf", str),
    "dns.port": ("port", _port),
    "p": ("port", _port),
    "kubednscm": ("kube_dns", str),
    "pidfile": ("pidfile", str),
    "plugins": ("plugins", _boolean),
    "quiet": ("quiet", _boolean),
    "version": ("version", _boolean),
}
"""The field of each flag, and what reads its value."""


def parse(words: Sequence[str]) -> Flags:
    """Read a command line.

    What is no flag, or no value, ends the process with status 2 and the usage on stderr, a word that is left over with
    status 1; `-h` with status 0 and the usage on stdout.
    """
    found: dict[str, Any] = {}
    rest = list(words)
    while rest and rest[0].startswith("-") and rest[0] != "-":
        word = rest.pop(0)
        if word == "--":
            break
        name, sign, value = word[2 if word.startswith("--") else 1 :].partition("=")
        if not name or name.startswith("-"):
            _misused(f"bad flag syntax: {word}")
        if name in ("h", "help"):
            print(USAGE, end="")
            sys.exit(0)
        if name not in _FLAGS:
            _misused(f"flag provided but not defined: -{name}")
        field, read = _FLAGS[name]
        found[field] = _value(name, read, value if sign else None, rest)
    if rest:
        print(f"extra command line arguments: [{' '.join(rest)}]", file=sys.stderr)
        sys.exit(1)
    return Flags(**found)


def _value(name: str, read: Callable[[str], Any], value: str | None, rest: list[str]) -> Any:
    """The value of a flag: what stands behind its `=`, or the next word, which is taken from the rest."""
    boolean = read is _boolean
    if value is None:
        if boolean:
            return True
        if not rest:
            _misused(f"flag needs an argument: -{name}")
        value = rest.pop(0)
    try:
        return read(value)
    except ValueError as error:
        kind, link = ("boolean value", "for") if boolean else ("value", "for flag")
        _misused(f'invalid {kind} "{value}" {link} -{name}: {error}')


def _misused(message: str) -> NoReturn:
    print(f"{message}\n{USAGE}", end="", file=sys.stderr)
    sys.exit(2)
