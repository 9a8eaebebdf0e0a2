"""The `kubernetes` directive as a value (`kubernetes.md` section 3)."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import Enum
from typing import Any

from kdns.chain.reverse import is_reverse
from kdns.cluster.selector import Selector, SelectorError
from kdns.corefile import Arguments, Line

MAX_TTL = 3600
DEFAULT_TTL = 5
DEFAULT_STARTUP_TIMEOUT = 5.0
MAX_STARTUP_TIMEOUT = 86400.0


class Pods(Enum):
    """How pod names are answered."""

    DISABLED = "disabled"
    INSECURE = "insecure"
    VERIFIED = "verified"


@dataclass(frozen=True, slots=True)
class Options:
    """What one directive says; `zones` are lower case and absolute, times are seconds."""

    zones: tuple[str, ...] = ()
    endpoint: str = ""
    tls: tuple[str, str, str] | None = None
    kubeconfig: str = ""
    context: str = ""
    manifests: str = ""
    qps: float = 0.0
    burst: int = 0
    max_inflight: int = 0
    namespaces: tuple[str, ...] = ()
    namespace_labels: str = ""
    labels: str = ""
    pods: Pods = Pods.DISABLED
    endpoint_pod_names: bool = False
    ttl: int = DEFAULT_TTL
    noendpoints: bool = False
    ignore_empty_service: bool = False
    fallthrough: tuple[str, ...] | None = None
    multicluster: tuple[str, ...] = ()
    zonal: bool = False
    startup_timeout: float = DEFAULT_STARTUP_TIMEOUT
    warnings: tuple[str, ...] = ()

    @property
    def primary(self) -> str:
        """The zone that PTR targets are in: the first that is not a reverse zone."""
        return next(zone for zone in self.zones if not is_reverse(zone))


def read(arguments: Arguments) -> Options:
    """Read the directive. Raises `ConfigError` with CoreDNS's texts (`kubernetes.md` section 3.1)."""
    line = arguments.once()
    zones = tuple(dict.fromkeys(line.zones(arguments.zones)))
    if all(is_reverse(zone) for zone in zones):
        raise line.error("non-reverse zone name must be used")
    options = Options(zones=zones)
    for option in line.block():
        options = _option(options, option)
    if options.namespaces and options.namespace_labels:
        raise line.error("namespaces and namespace_labels cannot both be set")
    if options.zonal and options.noendpoints:
        raise line.error("zonal requires the endpoint cache; remove noendpoints")
    if options.ignore_empty_service and options.noendpoints:
        hidden = "noendpoints together with ignore empty_service hides every ClusterIP Service"
        return replace(options, warnings=(*options.warnings, hidden))
    return options


def _option(options: Options, option: Line) -> Options:
    read_one = _READERS.get(option.name)
    if read_one is None:
        raise option.unknown_property()
    return replace(options, **read_one(option, options))


Changes = dict[str, Any]


def _endpoint(option: Line, options: Options) -> Changes:
    first, *others = option.some()
    warning = ("multiple endpoints have been deprecated, only the first is used",) if others else ()
    return {"endpoint": first, "warnings": options.warnings + warning}


def _tls(option: Line, _: Options) -> Changes:
    files = (option.text(), option.text(), option.text())
    option.end()
    return {"tls": files}


def _kubeconfig(option: Line, _: Options) -> Changes:
    file, context = option.text(), option.text() if option.more else ""
    option.end()
    return {"kubeconfig": file, "context": context}


def _manifests(option: Line, _: Options) -> Changes:
    directory = option.text()
    option.end()
    return {"manifests": directory}


def _qps(option: Line, _: Options) -> Changes:
    qps = option.number(0, 1e6, outside="apiserver_qps must be >= 0")
    option.end()
    return {"qps": qps}


def _burst(option: Line, _: Options) -> Changes:
    burst = option.integer(0, 1_000_000, outside="apiserver_burst must be >= 0")
    option.end()
    return {"burst": burst}


def _max_inflight(option: Line, _: Options) -> Changes:
    most = option.integer(0, 1_000_000, outside="apiserver_max_inflight must be >= 0")
    option.end()
    return {"max_inflight": most}


def _namespaces(option: Line, options: Options) -> Changes:
    return {"namespaces": options.namespaces + tuple(name.lower() for name in option.some())}


def _selector(option: Line, field: str, what: str) -> Changes:
    text = " ".join(option.some())
    try:
        Selector.parse(text)
    except SelectorError as error:
        raise option.error(f"unable to parse {what} selector value: '{text}': {error}") from error
    return {field: text}


def _pods(option: Line, _: Options) -> Changes:
    word = option.text()
    option.end()
    if word not in {mode.value for mode in Pods}:
        raise option.error(f"wrong value for pods: {word},  must be one of: disabled, verified, insecure")
    return {"pods": Pods(word)}


def _flag(field: str) -> "Reader":
    def read_flag(option: Line, _: Options) -> Changes:
        option.end()
        return {field: True}

    return read_flag


def _ttl(option: Line, _: Options) -> Changes:
    ttl = option.integer(0, MAX_TTL, outside=f"ttl must be in range [0, {MAX_TTL}]: {{word}}")
    option.rest()
    return {"ttl": ttl}


def _ignore(option: Line, _: Options) -> Changes:
    word, *_others = option.rest() or ("",)
    if word and word != "empty_service":
        raise option.error(f"unable to parse ignore value: '{word}'")
    return {"ignore_empty_service": True} if word else {}


def _fallthrough(option: Line, _: Options) -> Changes:
    return {"fallthrough": option.zones(())}


def _multicluster(option: Line, options: Options) -> Changes:
    zones = option.zones(())
    for zone in zones:
        if zone not in options.zones:
            raise option.error(f"is not authoritative for the multicluster zone {zone}")
    return {"multicluster": zones}


def _startup_timeout(option: Line, _: Options) -> Changes:
    seconds = option.duration(wrong="failed to parse startup_timeout: {error}")
    if not 0 < seconds <= MAX_STARTUP_TIMEOUT:
        raise option.error(f"startup_timeout must be more than 0 and at most {MAX_STARTUP_TIMEOUT:g}s: {seconds:g}s")
    option.rest()
    return {"startup_timeout": seconds}


Reader = Callable[[Line, Options], Changes]
_READERS: dict[str, Reader] = {
    "endpoint": _endpoint,
    "tls": _tls,
    "kubeconfig": _kubeconfig,
    "manifests": _manifests,
    "apiserver_qps": _qps,
    "apiserver_burst": _burst,
    "apiserver_max_inflight": _max_inflight,
    "namespaces": _namespaces,
    "namespace_labels": lambda option, _: _selector(option, "namespace_labels", "namespace_label"),
    "labels": lambda option, _: _selector(option, "labels", "label"),
    "pods": _pods,
    "endpoint_pod_names": _flag("endpoint_pod_names"),
    "ttl": _ttl,
    "noendpoints": _flag("noendpoints"),
    "ignore": _ignore,
    "fallthrough": _fallthrough,
    "multicluster": _multicluster,
    "zonal": _flag("zonal"),
    "startup_timeout": _startup_timeout,
}
