"""What the directive says (`plugins.md`, cache), checked in CoreDNS's order and with its texts."""

import logging
from dataclasses import dataclass, replace

from kdns.chain.zones import Zones
from kdns.corefile import Arguments, Line, parse_integer
from kdns.wire.errors import WireError

log = logging.getLogger("kdns.cache")

SUCCESS, DENIAL = "success", "denial"

MAX_TTL = 2**31 - 1
"""RFC 2181 section 8."""

SHARDS, LEAST_IN_SHARD, MAX_CAPACITY = 256, 4, 2**24
MAX_SERVFAIL = MAX_RECHECK = 300.0
"""Seconds: RFC 2308 section 7.1, RFC 8767 section 5."""

_MAX_WIRE_TTL = 2**32 - 1


@dataclass(frozen=True, slots=True)
class Limits:
    """One store: `capacity` in entries, `longest` and `shortest` time in whole seconds that an entry is kept."""

    capacity: int
    longest: int
    shortest: int = 5

    def bounded(self, ttl: int) -> int:
        """How long something is kept whose lowest TTL this is."""
        return min(max(ttl, self.shortest), self.longest)

    @property
    def places(self) -> int:
        """Entries it holds: CoreDNS's shards are all of one size."""
        return min(max(self.capacity // SHARDS, LEAST_IN_SHARD) * SHARDS, MAX_CAPACITY)


@dataclass(frozen=True, slots=True)
class Prefetch:
    """When to ask before the end: after `amount` hits no more than `window` seconds apart, in the last `percentage`."""

    amount: int = 0
    window: float = 60.0
    percentage: int = 10


@dataclass(frozen=True, slots=True)
class Stale:
    """How entries are served past their end; times in seconds. `timeout` 0 waits for as long as it takes."""

    duration: float = 0.0
    verify: bool = False
    timeout: float = 0.0
    ttl: int = 0
    recheck: float = 0.0


@dataclass(frozen=True, slots=True)
class Options:
    """The whole directive; `servfail` in seconds, `off` the zones that are not kept, by store."""

    zones: tuple[str, ...]
    success: Limits = Limits(10000, 3600)
    denial: Limits = Limits(10000, 1800)
    prefetch: Prefetch = Prefetch()
    stale: Stale = Stale()
    prefer_positive: bool = False
    servfail: float = 5.0
    success_off: tuple[str, ...] = ()
    denial_off: tuple[str, ...] = ()
    keepttl: bool = False


def read(args: Arguments) -> Options:
    """The directive of one block. Raises `ConfigError`."""
    line = args.once()
    ttl = _leading_ttl(line)
    options = Options(line.zones(args.zones))
    if ttl is not None:
        options = replace(options, success=Limits(10000, ttl), denial=Limits(10000, ttl))
    policy, stale = None, False
    for option in line.block():
        if option.name == "serve_stale_policy":
            if policy is not None:
                raise option.error("serve_stale_policy can only be specified once")
            policy = option
            _policy(option)
        else:
            options = _read(option, options)
            stale = stale or option.name == "serve_stale"
    if policy is not None and not stale:
        raise policy.error("serve_stale_policy requires serve_stale")
    return replace(options, prefer_positive=policy is not None)


def _leading_ttl(line: Line) -> int | None:
    """The first argument, if it is a number; else it is a zone."""
    try:
        parse_integer(line.peek() or "")
    except ValueError:
        return None
    return _ttl(line)


def _read(option: Line, options: Options) -> Options:
    match option.name:
        case "success":
            return replace(options, success=_limits(option, options.success))
        case "denial":
            return replace(options, denial=_limits(option, options.denial))
        case "prefetch":
            return replace(options, prefetch=_prefetch(option))
        case "serve_stale":
            return replace(options, stale=_stale(option))
        case "servfail":
            return replace(options, servfail=_servfail(option))
        case "disable":
            return _disable(option, options)
        case "keepttl":
            _count(option, 0, 0)
            return replace(options, keepttl=True)
    raise option.wrong_count()


def _count(option: Line, least: int, most: int) -> None:
    """Raise `ConfigError` unless so many arguments follow; CoreDNS names the last word of the line."""
    if not least <= option.more <= most:
        option.rest()
        raise option.wrong_count()


def _ttl(line: Line) -> int:
    return min(line.integer(1, outside="cache TTL can not be zero or negative: {word}"), MAX_TTL)


def _limits(option: Line, limits: Limits) -> Limits:
    if not option.more:
        raise option.wrong_count()
    limits = replace(limits, capacity=option.integer())
    if option.more:
        limits = replace(limits, longest=_ttl(option))
    if option.more:
        shortest = option.integer(0, outside="cache min TTL can not be negative: {word}")
        limits = replace(limits, shortest=min(shortest, MAX_TTL))
    if unread := option.rest():
        log.warning("%s takes at most three numbers, passing over %s", option.name, " ".join(unread))
    return limits


def _prefetch(option: Line) -> Prefetch:
    _count(option, 1, 3)
    prefetch = Prefetch(option.integer(0, outside="prefetch amount should be positive: {word}"))
    if option.more:
        prefetch = replace(prefetch, window=option.duration())
    if option.more:
        prefetch = replace(prefetch, percentage=_percentage(option))
    return prefetch


def _percentage(option: Line) -> int:
    word = option.text()
    if not word.endswith("%"):
        raise option.error(f"last character of percentage should be `%`, but is: {word[-1:]!r}")
    try:
        percentage = parse_integer(word[:-1])
    except ValueError as error:
        raise option.error(str(error)) from error
    if not 10 <= percentage <= 90:
        raise option.error(f"percentage should fall in range [10, 90]: {percentage}")
    return percentage


def _stale(option: Line) -> Stale:
    _count(option, 0, 5)
    stale = Stale(3600.0)
    if option.more:
        stale = Stale(option.duration(0, outside="invalid negative duration for serve_stale"))
    if not option.more:
        return stale
    mode = option.text().lower()
    if mode == "verify":
        stale = replace(stale, verify=True)
        if option.more:
            timeout = option.duration(
                0,
                wrong="invalid serve_stale verify timeout: {error}",
                outside="invalid negative timeout for serve_stale verify",
            )
            stale = replace(stale, timeout=timeout)
    elif mode == "immediate":
        _count(option, 0, 2)
    else:
        raise option.error(f"invalid value for serve_stale refresh mode: {mode}")
    if option.more:
        stale = replace(stale, ttl=_stale_ttl(option))
    if option.more:
        stale = replace(stale, recheck=_recheck(option))
    return stale


def _stale_ttl(option: Line) -> int:
    seconds = option.duration(
        0,
        wrong="invalid serve_stale response TTL: {error}",
        outside="invalid negative response TTL for serve_stale",
    )
    if seconds % 1:
        raise option.error("serve_stale response TTL must be a whole number of seconds")
    if seconds > _MAX_WIRE_TTL:
        raise option.error("serve_stale response TTL exceeds the DNS TTL range")
    return min(int(seconds), MAX_TTL)


def _recheck(option: Line) -> float:
    seconds = option.duration(
        0,
        wrong="invalid serve_stale failure recheck: {error}",
        outside="invalid negative failure recheck for serve_stale",
    )
    if seconds > MAX_RECHECK:
        raise option.error("serve_stale failure recheck cannot exceed 5 minutes")
    return seconds


def _policy(option: Line) -> None:
    _count(option, 1, 1)
    word = option.text()
    if word.lower() != "prefer_positive":
        raise option.error(f"invalid serve_stale_policy: {word}")


def _servfail(option: Line) -> float:
    _count(option, 1, 1)
    seconds = option.duration(0, outside="invalid negative ttl for servfail")
    if seconds > MAX_SERVFAIL:
        raise option.error("caching SERVFAIL responses over 5 minutes is not permitted")
    return seconds


def _disable(option: Line, options: Options) -> Options:
    """The last line for a store counts, as in CoreDNS."""
    if not option.more:
        raise option.wrong_count()
    store = option.text()
    zones: list[str] = []
    for word in option.words():
        try:
            zones += Zones([word]).texts
        except WireError as error:
            raise option.error(f"invalid disabled zone: {word}") from error
    off = tuple(zones) or (".",)
    if store == SUCCESS:
        return replace(options, success_off=off)
    if store == DENIAL:
        return replace(options, denial_off=off)
    raise option.error('cache type for disable must be "success" or "denial"')
