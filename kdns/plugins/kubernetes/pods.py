"""Dashed-address pod names (`kubernetes.md` section 2)."""

from kdns.chain.basis import Key
from kdns.cluster.address import pack
from kdns.cluster.index import Index
from kdns.plugins.kubernetes.grammar import Asked
from kdns.plugins.kubernetes.options import Pods

_V4_MAPPED = bytes(10) + b"\xff\xff"


def dashed(label: str) -> bytes:
    """Octets that a label spells: three single dashes make an IPv4 address, everything else is read as IPv6.

    An IPv4 address written as IPv6 (`--ffff-a00-1`) counts as IPv4; empty for what spells no address.
    """
    if label.count("-") == 3 and "--" not in label:
        return pack(label.replace("-", "."))
    if "." in label:
        return b""
    octets = pack(label.replace("-", ":"))
    return octets[12:] if octets.startswith(_V4_MAPPED) else octets


def find(index: Index, reads: list[Key], asked: Asked, mode: Pods) -> bytes | None:
    """Address of a pod name, `None` if it does not exist in this mode; whether its namespace does is asked before."""
    address = dashed(asked.service) if mode is not Pods.DISABLED else b""
    if not address:
        return None
    if mode is Pods.VERIFIED and not any(pod.namespace == asked.namespace for pod in index.pods_at(reads, address)):
        return None
    return address
