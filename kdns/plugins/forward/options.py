"""The block of the directive (`plugins.md`, forward, syntax and setup errors)."""

import ssl
from collections.abc import Callable
from dataclasses import dataclass

from kdns.corefile import Line, format_duration, normalize_zone, parse_host_port
from kdns.plugins.forward import tls
from kdns.plugins.forward.policy import POLICIES
from kdns.plugins.forward.resolvconf import is_address
from kdns.wire import codes, name
from kdns.wire.errors import WireError

MAX_READ_TIMEOUT = 60.0
"""Seconds. A longer `read_timeout` is taken for this: no client waits so long, and who waits takes up room."""

_UINT32 = (1 << 32) - 1
_RCODES = {**codes.RCODE_NUMBERS, "NOTIMPL": codes.NOTIMP, "BADSIG": codes.BADVERS}


@dataclass(slots=True)
class Options:
    """Times are in seconds; `max_connect_attempts` is None for the default, 0 for no limit, as others are."""

    excepted: tuple[str, ...] = ()
    force_tcp: bool = False
    prefer_udp: bool = False
    expire: float = 10.0
    max_age: float = 0.0
    max_idle_conns: int = 0
    read_timeout: float = 2.0
    max_fails: int = 2
    max_connect_attempts: int | None = None
    tls: ssl.SSLContext | None = None
    tls_servername: str = ""
    policy: str = "random"
    check_interval: float = 0.5
    check_recursion: bool = True
    check_name: bytes = name.ROOT
    max_concurrent: int = 0
    next_on: frozenset[int] = frozenset()
    next_on_nodata: bool = False
    failover: frozenset[int] = frozenset()
    failfast: bool = False
    source_address: str | None = None
    resolvers: tuple[tuple[str, int], ...] = ()


def read(line: Line, path: Callable[[str], str]) -> Options:
    """The options of one occurrence; `path` finds a file from `root`. Reads certificates. Raises `ConfigError`."""
    options = Options()
    for option in line.block():
        if option.name == "tls":
            options.tls = _tls(option, path)
        elif option.name in _FLAGS:
            option.end()
            setattr(options, _FLAGS[option.name], True)
        elif option.name in _READERS:
            _READERS[option.name](option, options)
        else:
            raise option.unknown_property()
    if 0 < options.max_age < options.expire:
        ages = f"max_age ({format_duration(options.max_age)}) must not be less than"
        raise line.error(f"{ages} expire ({format_duration(options.expire)})")
    return options


def _except(option: Line, options: Options) -> None:
    for word in option.some():
        options.excepted += normalize_zone(word)


def _expire(option: Line, options: Options) -> None:
    options.expire = option.duration(0, outside="expire can't be negative: {word}")


def _max_age(option: Line, options: Options) -> None:
    options.max_age = option.duration(0, outside="max_age can't be negative: {word}")


def _max_idle_conns(option: Line, options: Options) -> None:
    options.max_idle_conns = option.integer(0, outside="max_idle_conns can't be negative: {word}")


def _max_concurrent(option: Line, options: Options) -> None:
    options.max_concurrent = option.integer(0, outside="max_concurrent can't be negative: {word}")


def _read_timeout(option: Line, options: Options) -> None:
    seconds = option.duration()
    if seconds <= 0:
        raise option.error(f"read_timeout must be positive: {format_duration(seconds)}")
    options.read_timeout = min(seconds, MAX_READ_TIMEOUT)


def _max_fails(option: Line, options: Options) -> None:
    options.max_fails = _uint32(option)


def _max_connect_attempts(option: Line, options: Options) -> None:
    options.max_connect_attempts = _uint32(option)


def _uint32(option: Line) -> int:
    parsing = 'strconv.ParseUint: parsing "{word}": '
    return option.integer(0, _UINT32, wrong=parsing + "invalid syntax", outside=parsing + "value out of range")


def _doh_method(option: Line, options: Options) -> None:
    if option.text() not in ("POST", "GET"):
        raise option.error("doh_method must be either POST or GET")


def _tls(option: Line, path: Callable[[str], str]) -> ssl.SSLContext:
    if option.more > 3:
        raise option.wrong_count()
    files = [path(word) for word in option.words()]
    try:
        return tls.context(*files)
    except ValueError as error:
        raise option.error(str(error)) from error


def _tls_servername(option: Line, options: Options) -> None:
    options.tls_servername = option.text()


def _policy(option: Line, options: Options) -> None:
    options.policy = option.text()
    if options.policy not in POLICIES:
        raise option.error(f"unknown policy '{options.policy}'")


def _health_check(option: Line, options: Options) -> None:
    options.check_interval = option.duration(0, outside="health_check can't be negative: {word}")
    options.check_name = name.ROOT
    for word in option.words():
        if word == "no_rec":
            options.check_recursion = False
        elif word == "domain":
            domain = option.text()
            try:
                options.check_name = name.from_text(domain).lower()
            except WireError as error:
                raise option.error(f"health_check: invalid domain name {domain}") from error
        else:
            raise option.error(f"health_check: unknown option {word}")


def _next(option: Line, options: Options) -> None:
    options.next_on |= _rcodes(option)


def _failover(option: Line, options: Options) -> None:
    options.failover |= _rcodes(option)
    if codes.NOERROR in options.failover:
        raise option.error("NoError cannot be used in failover")


def _rcodes(option: Line) -> frozenset[int]:
    found = [_rcode(option, option.text())]
    found += [_rcode(option, word) for word in option.words()]
    return frozenset(found)


def _rcode(option: Line, word: str) -> int:
    rcode = _RCODES.get(word.upper())
    if rcode is None:
        raise option.error(f"{word} is not a valid rcode")
    return rcode


def _resolver(option: Line, options: Options) -> None:
    found = [_resolver_address(option, option.text())]
    found += [_resolver_address(option, word) for word in option.words()]
    options.resolvers = tuple(found)


def _resolver_address(option: Line, word: str) -> tuple[str, int]:
    host, port = word, 53
    if not is_address(word):
        try:
            host, port = parse_host_port(word)
        except ValueError:
            port = 0
    if not is_address(host) or not port:
        raise option.error(f'resolver must be an IP address or IP:port: "{word}"')
    return host, port


def _source_address(option: Line, options: Options) -> None:
    options.source_address = option.text()
    if not is_address(options.source_address):
        raise option.error(f"invalid IP address: {options.source_address}")


_FLAGS = {
    "force_tcp": "force_tcp",
    "prefer_udp": "prefer_udp",
    "next_on_nodata": "next_on_nodata",
    "failfast_all_unhealthy_upstreams": "failfast",
}
_READERS: dict[str, Callable[[Line, Options], None]] = {
    "doh_method": _doh_method,
    "except": _except,
    "expire": _expire,
    "failover": _failover,
    "health_check": _health_check,
    "max_age": _max_age,
    "max_concurrent": _max_concurrent,
    "max_connect_attempts": _max_connect_attempts,
    "max_fails": _max_fails,
    "max_idle_conns": _max_idle_conns,
    "next": _next,
    "policy": _policy,
    "read_timeout": _read_timeout,
    "resolver": _resolver,
    "source_address": _source_address,
    "tls_servername": _tls_servername,
}
