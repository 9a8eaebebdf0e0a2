"""A distribution's files where a test can serve them: mounted as in a cluster, with what is not here put in its place.

Replaced are ports that are listened on, addresses that are bound (by loopback) and asked (by make-believe servers),
absolute paths, and the length of lameduck; the API server's address is added to `kubernetes`. All else stays.
"""

import re
from collections.abc import Mapping
from pathlib import Path

from kdns.corefile import CLUSTER
from tests.integration.running import free_ports
from tests.kit.mount import mount, mounted

DISTRIBUTIONS = Path(__file__).parent
COREFILE = "etc/coredns/Corefile"
MAX_PORTS = 8
DEFAULT_PORTS = {"health": 8080, "ready": 8181}

_HTTP = re.compile(r"(\s*(?:health|ready|prometheus)\b)(?:(\s+)(\S*):(\d+))?")
_PORT = re.compile(r":(\d+)(?=[\s{]|$)")
_PATH = re.compile(r"(?<=\s)/")
_WORD = re.compile(r"\S+")


class Stage:
    """The files of a distribution under a folder; `ports` are the real ones, by those in the files: given, or free.

    `hosts` are addresses to listen on, `servers` are name servers (`ADDRESS`, `ADDRESS:PORT` or a file), by what stands
    in the files.
    """

    def __init__(
        self,
        name: str,
        root: Path,
        api: str,
        hosts: Mapping[str, str],
        servers: Mapping[str, str],
        files: Mapping[str, str],
        ports: Mapping[int, int] | None = None,
    ) -> None:
        self.ports = dict(ports or {})
        self._free = free_ports(MAX_PORTS)
        self._root = root
        self._api = api
        self._hosts = hosts
        self._servers = servers
        source = DISTRIBUTIONS / name
        found = {str(path.relative_to(source)): path.read_text() for path in source.rglob("*") if path.is_file()}
        if not any(path.endswith("Corefile") for path in found):
            found[COREFILE] = CLUSTER
        folders: dict[str, dict[str, str]] = {}
        for path, text in {**found, **files}.items():
            folder, _, key = path.rpartition("/")
            folders.setdefault(folder, {})[key] = self._staged(key, text)
        for folder, keys in folders.items():
            mount(root / folder, keys)

    def edit(self, path: str, text: str) -> None:
        """Put a text behind what a file says, or in the place of JSON, or into a new file."""
        folder, _, key = path.rpartition("/")
        keys = mounted(self._root / folder)
        before = "" if text.startswith("{") else keys.get(key, "")
        mount(self._root / folder, {**keys, key: before + self._staged(key, text)})

    def port(self, number: int) -> int:
        """The real port of one in the files."""
        if number not in self.ports:
            self.ports[number] = self._free.pop()
        return self.ports[number]

    def unstaged(self, line: str) -> str:
        """A line of the start-up listing, with ports and addresses of the files."""
        for number, real in self.ports.items():
            line = line.replace(f":{real}", f":{number}")
        for host, real_host in self._hosts.items():
            line = line.replace(f" on {real_host}", f" on {host}")
        return line

    def _staged(self, key: str, text: str) -> str:
        if key in ("stubDomains", "upstreamNameservers"):
            for server, real in self._servers.items():
                text = text.replace(f'"{server}"', f'"{real}"')
            return text
        if key != "Corefile" and not key.endswith((".override", ".server", ".include")):
            return text
        return "".join(self._line(line) for line in text.splitlines(keepends=True))

    def _line(self, line: str) -> str:
        word = (line.split() or [""])[0]
        if word in ("health", "ready", "prometheus"):
            return _HTTP.sub(self._listening, line, count=1)
        if word == "forward":
            return _WORD.sub(lambda found: self._server(found[0]), line)
        if word == "bind":
            return _WORD.sub(lambda found: self._hosts.get(found[0], found[0]), line)
        if word in ("hosts", "import", "tls", "file"):
            return _PATH.sub(f"{self._root}/", line)
        if word == "kubernetes":
            return f"{line}endpoint {self._api}\n"
        if word == "lameduck":
            return re.sub(r"\d+s", "1ms", line)
        if word and not line[0].isspace() and not word.startswith(("#", "}")):
            return _PORT.sub(lambda found: f":{self.port(int(found[1]))}", line)
        return line

    def _listening(self, found: re.Match[str]) -> str:
        host = self._hosts.get(found[3] or "", found[3] or "")
        number = int(found[4] or DEFAULT_PORTS[found[1].strip()])
        return f"{found[1]}{found[2] or ' '}{host}:{self.port(number)}"

    def _server(self, word: str) -> str:
        scheme, mark, address = word.rpartition("://")
        return f"{scheme}{mark}{self._servers.get(address, address)}"
