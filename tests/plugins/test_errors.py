import asyncio
from collections.abc import Callable

import pytest

from kdns.chain.answer import Answer, refuse
from kdns.corefile import ConfigError
from kdns.wire import codes
from tests.kit.chain import Next, root_chain
from tests.kit.loop import run

Printed = Callable[[], list[str]]

TIMEOUT = refuse(codes.SERVFAIL, "read udp 10.0.0.1:1->10.0.0.2:53: i/o timeout")
REFUSED = refuse(codes.SERVFAIL, "dial tcp 10.0.0.2:53: connect: connection refused")


def test_an_error_is_one_line_and_the_answer_passes(printed: Printed) -> None:
    chain = root_chain("errors", behind=Next(TIMEOUT))
    assert chain.ask("WWW.Example.org", "AAAA") is TIMEOUT
    assert printed() == [
        "[ERROR] plugin/errors: 2 www.example.org. AAAA: read udp 10.0.0.1:1->10.0.0.2:53: i/o timeout"
    ]


@pytest.mark.parametrize("answer", [Answer(), Answer(rcode=codes.SERVFAIL), refuse(codes.SERVFAIL)])
def test_a_failure_without_a_reason_is_not_printed(answer: Answer, printed: Printed) -> None:
    chain = root_chain("errors stdout", behind=Next(answer))
    assert chain.ask("www.example.org") is answer
    assert printed() == []


def test_only_an_answer_that_is_printed_is_not_kept() -> None:
    assert not root_chain("errors", behind=Next(Answer())).basis_of("a.example").fleeting
    assert root_chain("errors", behind=Next(Answer(error="odd"))).basis_of("a.example").fleeting


def test_stacktrace_is_asked_of_the_server() -> None:
    assert root_chain("errors {\n stacktrace\n}").site.listen.stacktrace
    assert not root_chain("errors").site.listen.stacktrace


def test_consolidated_errors_are_told_once_a_period(printed: Printed) -> None:
    chain = root_chain('errors {\n consolidate 5m "i/o timeout$" warning\n}', behind=Next(TIMEOUT, TIMEOUT, REFUSED))

    async def scenario() -> None:
        async with chain.running():
            await chain.asked("a.example")
            await asyncio.sleep(200)
            await chain.asked("b.example")
            assert printed() == []
            await asyncio.sleep(99)
            assert printed() == []
            await asyncio.sleep(2)
            assert printed() == [
                "[WARNING] plugin/errors: 2 errors like 'i/o timeout$' occurred in last 5m0s",
            ]
            await chain.asked("c.example")
            assert printed() == [
                "[ERROR] plugin/errors: 2 c.example. A: dial tcp 10.0.0.2:53: connect: connection refused"
            ]
            await asyncio.sleep(1000)
            assert printed() == []

    run(scenario())


@pytest.mark.parametrize(
    ("level", "word"), [("", "ERROR"), ("error", "ERROR"), ("info", "INFO"), ("debug", "DEBUG"), ("warning", "WARNING")]
)
def test_the_level_of_the_summary(level: str, word: str, printed: Printed) -> None:
    chain = root_chain(f"errors {{\n consolidate 30s timeout {level}\n}}", behind=Next(TIMEOUT))

    async def scenario() -> None:
        async with chain.running():
            await chain.asked("a.example")
            await asyncio.sleep(31)

    run(scenario())
    assert printed() == [f"[{word}] plugin/errors: 1 errors like 'timeout' occurred in last 30s"]


@pytest.mark.parametrize(("times", "told"), [(1, []), (3, ["3 errors like 'timeout' occurred in last 30s"])])
def test_show_first(times: int, told: list[str], printed: Printed) -> None:
    chain = root_chain("errors {\n consolidate 30s timeout info show_first\n}", behind=Next(TIMEOUT))

    async def scenario() -> None:
        async with chain.running():
            for _ in range(times):
                await chain.asked("a.example")
            first = f"[INFO] plugin/errors: 2 a.example. A: {TIMEOUT.error}"
            assert printed() == [first]
            await asyncio.sleep(31)
            assert printed() == [f"[INFO] plugin/errors: {line}" for line in told]
            await chain.asked("a.example")
            assert printed() == [first]

    run(scenario())


def test_the_first_rule_that_matches_decides(printed: Printed) -> None:
    chain = root_chain("errors {\n consolidate 1m udp\n consolidate 1s timeout\n}", behind=Next(TIMEOUT))

    async def scenario() -> None:
        async with chain.running():
            await chain.asked("a.example")
            await asyncio.sleep(59)
            assert printed() == []
            await asyncio.sleep(2)
            assert printed() == ["[ERROR] plugin/errors: 1 errors like 'udp' occurred in last 1m0s"]

    run(scenario())


def test_what_is_pending_is_told_at_shutdown_and_later_errors_at_once(printed: Printed) -> None:
    chain = root_chain("errors {\n consolidate 1h timeout warning\n}", behind=Next(TIMEOUT))

    async def scenario() -> None:
        async with chain.running():
            await chain.asked("a.example")
            await chain.fire("shutdown")
            assert printed() == ["[WARNING] plugin/errors: 1 errors like 'timeout' occurred in last 1h0m0s"]
            await chain.asked("a.example")
            assert printed() == [f"[WARNING] plugin/errors: 2 a.example. A: {TIMEOUT.error}"]

    run(scenario())
    assert printed() == []


@pytest.mark.parametrize(
    ("directive", "message"),
    [
        ("errors stderr", "invalid log file: stderr"),
        ("errors stdout stdout", "Wrong argument count or unexpected line ending after 'errors'"),
        ("errors\nerrors", "this plugin can only be used once per Server Block"),
        ("errors {\n log\n}", "Unexpected token 'log', expecting 'Unknown field log'"),
        ("errors {\n consolidate 1m\n}", "Wrong argument count or unexpected line ending after 'consolidate'"),
        ("errors {\n consolidate 1m x error show_first x\n}", "Wrong argument count"),
        ("errors {\n consolidate 1x x\n}", 'time: unknown unit "x" in duration "1x"'),
        ("errors {\n consolidate 1 x\n}", 'time: missing unit in duration "1"'),
        (f"errors {{\n consolidate 1m {'x' * 10001}\n}}", "regex pattern too long: 10001 > 10000"),
        ("errors {\n consolidate 1m (\n}", "error parsing regexp: missing closing ): `(`"),
        ("errors {\n consolidate 1m x info error\n}", "multiple log levels specified in consolidate"),
        ("errors {\n consolidate 1m x show_first info\n}", "log level must come before show_first in consolidate"),
        ("errors {\n consolidate 1m x loud\n}", "unknown option in consolidate: loud"),
    ],
)
def test_setup_errors(directive: str, message: str) -> None:
    with pytest.raises(ConfigError) as raised:
        root_chain(directive)
    assert message in str(raised.value)
    assert str(raised.value).startswith("plugin/errors: Corefile:")
