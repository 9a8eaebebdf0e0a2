"""What the expressions of these tests may ask: the functions of CoreDNS's `view`, with fixed answers."""

from ipaddress import ip_address, ip_network
from typing import Any

from kdns.corefile.expression import BOOL, INT, STRING, UNKNOWN, Expression, Fault, Function, Type, Variable

_LABELS = {"a/b": "Zürich", "a/n": "12"}


def _in_cidr(subject: object, address: str, network: str) -> bool:
    try:
        found = ip_address(address)
        return (getattr(found, "ipv4_mapped", None) or found) in ip_network(network)
    except ValueError as error:
        raise Fault(str(error)) from error


def _fixed(type_: Type, value: Any) -> Function:
    return Function((), type_, lambda subject: value)


NAMES: dict[str, Function | Variable] = {
    "incidr": Function((STRING, STRING), BOOL, _in_cidr, "(bool, error)"),
    "metadata": Function((STRING,), STRING, lambda subject, label: _LABELS.get(label, "")),
    "type": _fixed(STRING, "A"),
    "name": _fixed(STRING, "www.example.org."),
    "class": _fixed(STRING, "IN"),
    "proto": _fixed(STRING, "udp"),
    "size": _fixed(INT, 33),
    "client_ip": _fixed(STRING, "10.1.2.3"),
    "port": _fixed(STRING, "4000"),
    "id": _fixed(INT, 4660),
    "opcode": _fixed(INT, 0),
    "do": _fixed(BOOL, False),
    "bufsize": _fixed(INT, 512),
    "server_ip": _fixed(STRING, "10.96.0.10"),
    "server_port": _fixed(STRING, "53"),
}
MORE: dict[str, Function | Variable] = {
    **NAMES,
    "subject": Variable(UNKNOWN, lambda subject: subject),
    "asked": Function((INT,), STRING, lambda subject, number: f"{subject}{number}"),
}


def value(text: str, subject: object = None) -> Any:
    """The value of an expression. Raises ValueError or `Fault`."""
    return Expression(text, MORE).evaluate(subject)
