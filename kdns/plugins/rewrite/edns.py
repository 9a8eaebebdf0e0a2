"""`edns0`: options of the query's OPT record, and what goes into them."""

from collections.abc import Callable
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import NamedTuple

from kdns.chain.query import Query
from kdns.plugins.rewrite.request import Rewriting
from kdns.wire import name
from kdns.wire.edns import Option

SUBNET = 8
"""The code of the client subnet option (RFC 7871)."""
MAX_DATA = 4096
"""Most octets of an option that a rule sets."""

Options = tuple[Option, ...]
Data = Callable[[Query], bytes | None]
"""What an option is to hold; `None`: the rule does not match."""


class Optioned(NamedTuple):
    """A rule for one option. `revert` keeps from the client what it does."""

    action: str
    code: int
    data: Data
    revert: bool = False

    def apply(self, rewriting: Rewriting) -> bool:
        """Change the query's options, and those that the client will see."""
        data = self.data(rewriting.query)
        if data is None or len(data) > MAX_DATA:
            return False
        edns = rewriting.edns()
        options = self._changed(edns.options, data)
        if options is None:
            return False
        rewriting.query = rewriting.query.replace(edns=edns._replace(options=options))
        if not self.revert:
            shown = self._changed(rewriting.shown, data)
            rewriting.shown = rewriting.shown if shown is None else shown
        return True

    def _changed(self, options: Options, data: bytes) -> Options | None:
        """The options with this one set, replaced, added or taken out; `None` if there is nothing to do."""
        if self.action == "unset":
            return tuple(option for option in options if option.code != self.code)
        place = next((i for i, option in enumerate(options) if option.code == self.code), None)
        if place is None:
            return None if self.action == "replace" else (*options, Option(self.code, data))
        if self.action == "append":
            return None
        return (*options[:place], Option(self.code, data), *options[place + 1 :])


def fixed(data: bytes) -> Data:
    """The same for every query."""
    return lambda query: data


def subnet(v4: int, v6: int) -> Data:
    """The client's address cut to so many bits, with scope 0 (RFC 7871 section 6)."""

    def data(query: Query) -> bytes:
        address = _address(query.client[0])
        family, bits = (1, v4) if address.version == 4 else (2, v6)
        network = ip_network((address, bits), strict=False).network_address.packed
        return family.to_bytes(2, "big") + bytes((bits, 0)) + network[: (bits + 7) // 8]

    return data


VARIABLES: dict[str, Data] = {
    "qname": lambda query: name.to_text(query.question.name).encode(),
    "qtype": lambda query: query.question.type.to_bytes(2, "big"),
    "client_ip": lambda query: _address(query.client[0]).packed,
    "client_port": lambda query: query.client[1].to_bytes(2, "big"),
    "protocol": lambda query: query.transport.proto.encode(),
    "server_ip": lambda query: _address(query.local).packed,
    "server_port": lambda query: _port(query.transport.server).to_bytes(2, "big"),
}


def variable(word: str) -> Data | None:
    """What a variable, or a label of metadata, stands for; `None` if there is no such variable."""
    if word in VARIABLES:
        return VARIABLES[word]
    plugin, slash, label = word.partition("/")
    return _labelled(word) if plugin and slash and label.strip("/") == label and label else None


def _labelled(label: str) -> Data:
    def data(query: Query) -> bytes | None:
        value = None if query.metadata is None else query.metadata.get(label)
        return value.encode() if value else None

    return data


def _address(text: str) -> IPv4Address | IPv6Address:
    """An address without its zone; one that stands for an IPv4 address is that."""
    address = ip_address(text.partition("%")[0])
    return address.ipv4_mapped or address if address.version == 6 else address


def _port(server: str) -> int:
    """The port of a listener, from the text that metrics have for it."""
    port = server.rpartition(":")[2]
    return int(port) if port.isdecimal() and int(port) < 65536 else 0
