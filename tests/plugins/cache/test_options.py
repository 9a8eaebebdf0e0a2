import logging

import pytest

from kdns.corefile import Arguments, ConfigError
from kdns.corefile.parser import parse
from kdns.plugins import ORDER
from kdns.plugins.cache.options import Limits, Options, Prefetch, Stale, read


def options(text: str, zones: tuple[str, ...] = (".",)) -> Options:
    """What a directive says; a single line of the block may stand alone."""
    if not text.startswith("cache"):
        text = f"cache {{\n{text}\n}}"
    block = parse(f".:53 {{\n{text}\n}}\n", "Corefile", known=ORDER).blocks[0]
    arguments = Arguments(block.directives[0], zones)
    found = read(arguments)
    arguments.finish()
    return found


def test_defaults() -> None:
    assert options("cache") == Options(
        zones=(".",),
        success=Limits(10000, 3600, 5),
        denial=Limits(10000, 1800, 5),
        prefetch=Prefetch(0, 60.0, 10),
        stale=Stale(0.0, False, 0.0, 0, 0.0),
        prefer_positive=False,
        servfail=5.0,
        success_off=(),
        denial_off=(),
        keepttl=False,
    )
    assert options("cache {\n}") == options("cache")


@pytest.mark.parametrize(
    ("text", "zones", "ttl"),
    [
        ("cache", ("block.example.",), None),
        ("cache 30", ("block.example.",), 30),
        ("cache example.NL", ("example.nl.",), None),
        ("cache 30 example.nl Example.org", ("example.nl.", "example.org."), 30),
        ("cache aaa example.nl", ("aaa.", "example.nl."), None),
        ("cache 30s", ("30s.",), None),
        ("cache example.nl 30", ("example.nl.", "30."), None),
        ("cache 10.0.0.0/24", ("0.0.10.in-addr.arpa.",), None),
        ("cache 99999999999999999999", ("99999999999999999999.",), None),
    ],
)
def test_ttl_and_zones(text: str, zones: tuple[str, ...], ttl: int | None) -> None:
    found = options(text, ("block.example.",))
    assert found.zones == zones
    assert (found.success.longest, found.denial.longest) == ((3600, 1800) if ttl is None else (ttl, ttl))


@pytest.mark.parametrize(
    ("text", "success", "denial"),
    [
        ("success 10", Limits(10, 3600), Limits(10000, 1800)),
        ("success 10 1800 30", Limits(10, 1800, 30), Limits(10000, 1800)),
        ("success 10\ndenial 10 15", Limits(10, 3600), Limits(10, 15)),
        ("denial 10 15 2", Limits(10000, 3600), Limits(10, 15, 2)),
        ("denial 10 15 0", Limits(10000, 3600), Limits(10, 15, 0)),
        ("cache 25 {\nsuccess 10\ndenial 10 15 5\n}", Limits(10, 25), Limits(10, 15)),
        ("success 10 20 30\nsuccess 11", Limits(11, 20, 30), Limits(10000, 1800)),
        ("success -5 99999999999 99999999999", Limits(-5, 2**31 - 1, 2**31 - 1), Limits(10000, 1800)),
    ],
)
def test_limits(text: str, success: Limits, denial: Limits) -> None:
    found = options(text)
    assert (found.success, found.denial) == (success, denial)


@pytest.mark.parametrize(
    ("capacity", "places"),
    [(10000, 9984), (9984, 9984), (1024, 1024), (1279, 1024), (1280, 1280), (0, 1024), (-1, 1024), (10**18, 2**24)],
)
def test_capacity_is_that_of_shards_of_one_size(capacity: int, places: int) -> None:
    assert Limits(capacity, 1).places == places


def test_words_that_coredns_passes_over_are_told_of(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, "kdns.cache"):
        assert options("success 10 20 30 40 50").success == Limits(10, 20, 30)
    assert caplog.messages == ["success takes at most three numbers, passing over 40 50"]


@pytest.mark.parametrize(
    ("text", "prefetch"),
    [
        ("prefetch 0", Prefetch(0)),
        ("prefetch 10", Prefetch(10, 60.0, 10)),
        ("prefetch 10 1h", Prefetch(10, 3600.0, 10)),
        ("prefetch 10 0 90%", Prefetch(10, 0.0, 90)),
        ("prefetch 10 -1s 10%", Prefetch(10, -1.0, 10)),
        ("prefetch 5\nprefetch 6", Prefetch(6)),
    ],
)
def test_prefetch(text: str, prefetch: Prefetch) -> None:
    assert options(text).prefetch == prefetch


@pytest.mark.parametrize(
    ("text", "stale"),
    [
        ("serve_stale", Stale(3600.0)),
        ("serve_stale 20m", Stale(1200.0)),
        ("serve_stale 1h20m", Stale(4800.0)),
        ("serve_stale 0m", Stale(0.0)),
        ("serve_stale 0", Stale(0.0)),
        ("serve_stale 0 verify", Stale(0.0, verify=True)),
        ("serve_stale 0 immediate", Stale(0.0)),
        ("serve_stale 0 VERIFY", Stale(0.0, verify=True)),
        ("serve_stale 1h immediate 30s", Stale(3600.0, ttl=30)),
        ("serve_stale 1h immediate 30s 40s", Stale(3600.0, ttl=30, recheck=40.0)),
        ("serve_stale 1h immediate 4294967295s", Stale(3600.0, ttl=2**31 - 1)),
        ("serve_stale 1h immediate 0 0", Stale(3600.0)),
        ("serve_stale 1h verify 100ms", Stale(3600.0, verify=True, timeout=0.1)),
        ("serve_stale 1h verify 100ms 30s", Stale(3600.0, verify=True, timeout=0.1, ttl=30)),
        ("serve_stale 1h verify 100ms 30s 250ms", Stale(3600.0, verify=True, timeout=0.1, ttl=30, recheck=0.25)),
        ("serve_stale 1h verify 0 1m 5m", Stale(3600.0, verify=True, ttl=60, recheck=300.0)),
        ("serve_stale 1m verify 1s 1s 1s\nserve_stale", Stale(3600.0)),
    ],
)
def test_serve_stale(text: str, stale: Stale) -> None:
    assert options(text).stale == stale


@pytest.mark.parametrize(
    "text", ["serve_stale\nserve_stale_policy prefer_positive", "serve_stale_policy PREFER_POSITIVE\nserve_stale 1m"]
)
def test_policy(text: str) -> None:
    assert options(text).prefer_positive


@pytest.mark.parametrize(
    ("text", "seconds"), [("servfail 1s", 1.0), ("servfail 5m", 300.0), ("servfail 0s", 0.0), ("servfail 0", 0.0)]
)
def test_servfail(text: str, seconds: float) -> None:
    assert options(text).servfail == seconds


@pytest.mark.parametrize(
    ("text", "success", "denial"),
    [
        ("disable denial example.com Example.org", (), ("example.com.", "example.org.")),
        ("disable success example.com", ("example.com.",), ()),
        ("disable denial", (), (".",)),
        ("disable success", (".",), ()),
        ("disable success a\ndisable denial b\ndisable success c", ("c.",), ("b.",)),
    ],
)
def test_disable(text: str, success: tuple[str, ...], denial: tuple[str, ...]) -> None:
    found = options(text)
    assert (found.success_off, found.denial_off) == (success, denial)


def test_keepttl() -> None:
    assert options("keepttl").keepttl


COUNT = "Wrong argument count or unexpected line ending after '{}'"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("cache\ncache", "this plugin can only be used once per Server Block"),
        ("cache 0 example.nl", "cache TTL can not be zero or negative: 0"),
        ("cache -1 example.nl", "cache TTL can not be zero or negative: -1"),
        ("success", COUNT.format("success")),
        ("denial", COUNT.format("denial")),
        ("denial aaa", 'strconv.Atoi: parsing "aaa": invalid syntax'),
        ("success 1 b", 'strconv.Atoi: parsing "b": invalid syntax'),
        ("success 1 2 c", 'strconv.Atoi: parsing "c": invalid syntax'),
        ("success 10 0", "cache TTL can not be zero or negative: 0"),
        ("denial 10 -3", "cache TTL can not be zero or negative: -3"),
        ("denial 10 3 -1", "cache min TTL can not be negative: -1"),
        ("positive 15", COUNT.format("positive")),
        ("prefetch", COUNT.format("prefetch")),
        ("prefetch 1 1m 10% more", COUNT.format("more")),
        ("prefetch -1", "prefetch amount should be positive: -1"),
        ("prefetch x", 'strconv.Atoi: parsing "x": invalid syntax'),
        ("prefetch 0 blurp", 'time: invalid duration "blurp"'),
        ("prefetch 1 1m 10", "last character of percentage should be `%`, but is: '0'"),
        ('prefetch 1 1m ""', "last character of percentage should be `%`, but is: ''"),
        ("prefetch 1 1m x%", 'strconv.Atoi: parsing "x": invalid syntax'),
        ("prefetch 1 1m 9%", "percentage should fall in range [10, 90]: 9"),
        ("prefetch 1 1m 91%", "percentage should fall in range [10, 90]: 91"),
        ("serve_stale 20", 'time: missing unit in duration "20"'),
        ("serve_stale aa", 'time: invalid duration "aa"'),
        ("serve_stale -20m", "invalid negative duration for serve_stale"),
        ("serve_stale 1m Nono", "invalid value for serve_stale refresh mode: nono"),
        ("serve_stale 0 after nono", "invalid value for serve_stale refresh mode: after"),
        ("serve_stale 1h verify 1s 1s 1s extra", COUNT.format("extra")),
        ("serve_stale 1h immediate 30s 30s extra", COUNT.format("extra")),
        ("serve_stale 1h immediate 100ms", "serve_stale response TTL must be a whole number of seconds"),
        ("serve_stale 1h immediate 4294967296s", "serve_stale response TTL exceeds the DNS TTL range"),
        ("serve_stale 1h immediate -1s", "invalid negative response TTL for serve_stale"),
        ("serve_stale 1h immediate garbage", 'invalid serve_stale response TTL: time: invalid duration "garbage"'),
        ("serve_stale 1h immediate 30s extra", 'invalid serve_stale failure recheck: time: invalid duration "extra"'),
        ("serve_stale 1h immediate 30s -1s", "invalid negative failure recheck for serve_stale"),
        ("serve_stale 1h immediate 30s 5m1s", "serve_stale failure recheck cannot exceed 5 minutes"),
        ("serve_stale 1h verify -1ms", "invalid negative timeout for serve_stale verify"),
        ("serve_stale 1h verify garbage", 'invalid serve_stale verify timeout: time: invalid duration "garbage"'),
        ("serve_stale 1h verify 100ms 500ms", "serve_stale response TTL must be a whole number of seconds"),
        (
            "serve_stale 1h verify 100ms 30s extra",
            'invalid serve_stale failure recheck: time: invalid duration "extra"',
        ),
        ("serve_stale_policy prefer_positive", "serve_stale_policy requires serve_stale"),
        ("serve_stale\nserve_stale_policy", COUNT.format("serve_stale_policy")),
        ("serve_stale\nserve_stale_policy prefer_positive extra", COUNT.format("extra")),
        ("serve_stale\nserve_stale_policy Invalid", "invalid serve_stale_policy: Invalid"),
        (
            "serve_stale\nserve_stale_policy prefer_positive\nserve_stale_policy prefer_positive",
            "serve_stale_policy can only be specified once",
        ),
        ("servfail", COUNT.format("servfail")),
        ("servfail 1m invalid", COUNT.format("invalid")),
        ("servfail 6m", "caching SERVFAIL responses over 5 minutes is not permitted"),
        ("servfail 20", 'time: missing unit in duration "20"'),
        ("servfail -1s", "invalid negative ttl for servfail"),
        ("disable", COUNT.format("disable")),
        ("disable invalid example.com", 'cache type for disable must be "success" or "denial"'),
        ("disable success a..b", "invalid disabled zone: a..b"),
        ("keepttl 5", COUNT.format("5")),
    ],
)
def test_errors(text: str, message: str) -> None:
    with pytest.raises(ConfigError) as raised:
        options(text)
    assert raised.value.message == message
    assert str(raised.value).startswith("Corefile:") or raised.value.line > 0
