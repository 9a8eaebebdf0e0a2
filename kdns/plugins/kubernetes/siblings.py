"""What a missing name of the cluster says of its siblings, the names that differ from it in their first label alone.

Most of a flood of names that do not exist, whether from search paths or by malice, are siblings: the first one is
looked up label by label, and of the others only their own label is looked at (`kubernetes.md` section 1.2). What else
the denial rests on is among the reads of the first one.
"""

from collections.abc import Callable, Sequence
from functools import partial

from kdns.cluster.index import Index
from kdns.plugins.kubernetes.grammar import Asked, Form

_SPECIAL = frozenset((b"svc", b"pod", b"dns", b"dns-version"))

Absent = Callable[[bytes], bool]


def absent(index: Index, labels: Sequence[str], asked: Asked, *, multicluster: bool) -> Absent | None:
    """Tells of a folded label whether the name is missing with it in front; `None` where that takes more than a look.

    `labels` are those left of a forward zone, of a name that was denied and `asked` for.
    """
    count, last = len(labels), labels[-1]
    if last == "pod":
        return _anything if count > 3 else None
    if last != "svc":
        return _plain if count == 1 else None if labels[1:] == ["dns"] else _anything
    if asked.form is Form.INVALID:
        return _anything if count > 5 and labels[-4] != "_zone" else None
    if asked.form is not Form.SERVICE:
        return partial(_no_namespace, index) if count == 2 else None
    find = index.service_import if multicluster else index.service
    if count == 3:
        return partial(_no_service, find, asked.namespace)
    return _anything if find([], asked.namespace, asked.service) is None else None


def _anything(label: bytes) -> bool:
    return True


def _plain(label: bytes) -> bool:
    return label not in _SPECIAL


def _no_namespace(index: Index, label: bytes) -> bool:
    return index.namespace([], label.decode("latin-1")) is None


def _no_service(find: Callable[..., object], namespace: str, label: bytes) -> bool:
    return find([], namespace, label.decode("latin-1")) is None
