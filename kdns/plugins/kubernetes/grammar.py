"""What a name below a cluster zone asks for (`kubernetes.md` section 1.2), read from its labels alone.

Labels are counted from the right. Wildcards do not exist; a name that fits no form is read as `INVALID`.
"""

from enum import Enum, auto
from typing import NamedTuple


class Form(Enum):
    """The forms a name can have."""

    APEX = auto()
    TYPE_ROOT = auto()
    NAMESPACE = auto()
    POD_NAMESPACE = auto()
    SERVICE = auto()
    POD = auto()
    NAME_SERVER = auto()
    NAME_SERVER_PARENT = auto()
    VERSION = auto()
    ZONAL = auto()
    INVALID = auto()


class Asked(NamedTuple):
    """A name, taken apart; what a form does not have is empty. For pods `service` holds the address label."""

    form: Form
    namespace: str = ""
    service: str = ""
    endpoint: str = ""
    port: str = ""
    protocol: str = ""
    cluster: str = ""
    zone_value: str = ""
    directive: str = ""


_APEX = Asked(Form.APEX)
_TYPE_ROOT = Asked(Form.TYPE_ROOT)
_NAME_SERVER = Asked(Form.NAME_SERVER)
_NAME_SERVER_PARENT = Asked(Form.NAME_SERVER_PARENT)
_VERSION = Asked(Form.VERSION)
_INVALID = Asked(Form.INVALID)


def read(labels: list[str], *, multicluster: bool = False, zonal: bool = False) -> Asked:
    """Read the folded labels left of the zone; `multicluster` and `zonal` tell what the zone allows."""
    count = len(labels)
    if not count:
        return _APEX
    last = labels[-1]
    if last == "svc":
        if count == 1:
            return _TYPE_ROOT
        return Asked(Form.NAMESPACE, labels[0]) if count == 2 else _service(labels, count, multicluster, zonal)
    if last == "pod":
        if count == 1:
            return _TYPE_ROOT
        if count == 2:
            return Asked(Form.POD_NAMESPACE, labels[0])
        return Asked(Form.POD, labels[1], labels[0]) if count == 3 else _INVALID
    return _special(labels, count)


def _special(labels: list[str], count: int) -> Asked:
    if count == 1 and labels[0] == "dns-version":
        return _VERSION
    if count == 1 and labels[0] == "dns":
        return _NAME_SERVER_PARENT
    if count == 2 and labels == ["ns", "dns"]:
        return _NAME_SERVER
    return _INVALID


def _service(labels: list[str], count: int, multicluster: bool, zonal: bool) -> Asked:
    service, namespace = labels[-3], labels[-2]
    if count == 3:
        return Asked(Form.SERVICE, namespace, service)
    if count == 4:
        return Asked(Form.SERVICE, namespace, service, endpoint=labels[0])
    if count == 5:
        first, second = labels[0], labels[1]
        if multicluster and first[0] != "_" and second[0] != "_":
            return Asked(Form.SERVICE, namespace, service, endpoint=first, cluster=second)
        port, protocol = first.removeprefix("_"), second.removeprefix("_")
        # An empty port or protocol names nothing (section 9).
        return Asked(Form.SERVICE, namespace, service, port=port, protocol=protocol) if port and protocol else _INVALID
    if zonal and not multicluster and labels[-4] == "_zone" and labels[-5] in ("pin", "prefer"):
        value = ".".join(labels[:-5])
        return Asked(Form.ZONAL, namespace, service, zone_value=value, directive=labels[-5])
    return _INVALID
