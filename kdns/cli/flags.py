"""The server's flags, in Go's manner: one dash or two, `=` or a space, booleans with or without a value.

They are CoreDNS's (`corefile.md` section 10), so a Deployment's `args` need no change.
"""

import argparse
from collections.abc import Sequence
from typing import NoReturn

_TRUE = frozenset(("1", "t", "T", "TRUE", "true", "True"))
_FALSE = frozenset(("0", "f", "F", "FALSE", "false", "False"))
_BOOLEANS = ("plugins", "quiet", "version")

USAGE = """\
Usage of kdns:
  -conf FILE
        Corefile to load (default "Corefile"); "stdin" reads standard input
  -dns.port N, -p N
        default port (default 53)
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


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{message}\n{USAGE}")

    def format_help(self) -> str:
        return USAGE


def parse(words: Sequence[str]) -> argparse.Namespace:
    """Flags as `conf`, `port`, `pidfile`, `plugins`, `quiet`, `version`.

    An unknown flag ends the process with status 2 and the usage on stderr, an argument that is no flag with status 1.
    """
    parser = _Parser(prog="kdns", allow_abbrev=False, add_help=False)
    parser.add_argument("-h", "-help", "--help", action="help")
    parser.add_argument("-conf", "--conf")
    parser.add_argument("-dns.port", "--dns.port", "-p", "--p", dest="port", default="53", type=_port)
    parser.add_argument("-pidfile", "--pidfile", default="")
    for name in _BOOLEANS:
        parser.add_argument(f"-{name}", f"--{name}", nargs="?", const=True, default=False, type=_boolean)
    flags, others = parser.parse_known_args(_with_values(words))
    unknown = next((word for word in others if word.startswith("-") and word != "-"), None)
    if unknown is not None:
        parser.error(f"flag provided but not defined: -{unknown.lstrip('-').partition('=')[0]}")
    if others:
        parser.exit(1, f"extra command line arguments: [{' '.join(others)}]\n")
    return flags


def _with_values(words: Sequence[str]) -> list[str]:
    """A boolean flag takes its value only behind `=`; give it one, so that it eats no other word."""
    bare = {f"{dashes}{name}" for name in _BOOLEANS for dashes in ("-", "--")}
    return [f"{word}=true" if word in bare else word for word in words]


def _boolean(text: str) -> bool:
    if text in _TRUE:
        return True
    if text in _FALSE:
        return False
    raise argparse.ArgumentTypeError(f"invalid boolean value {text!r}")


def _port(text: str) -> int:
    if text.isascii() and text.isdigit() and int(text) <= 65535:
        return int(text)
    raise argparse.ArgumentTypeError(f"invalid port {text!r}")
