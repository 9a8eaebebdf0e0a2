from collections.abc import Callable

import pytest

from kdns.corefile import Arguments, ConfigError, parse
from kdns.plugins import ORDER
from kdns.plugins.dnstap import options
from kdns.plugins.dnstap.options import Options
from kdns.plugins.dnstap.target import Target
from tests.kit.chain import root_chain

Printed = Callable[[], list[str]]


def read(text: str) -> Options:
    (block,) = parse(f".:53 {{\n{text}\n}}\n", "Corefile", known=ORDER).blocks
    (line,) = Arguments(block.directives[0])
    return options.read(line, "host", "kdns-1")


@pytest.mark.parametrize(
    ("text", "target", "full"),
    [
        ("dnstap dnstap.sock full", Target("unix", "dnstap.sock"), True),
        ("dnstap unix://dnstap.sock", Target("unix", "dnstap.sock"), False),
        ("dnstap unix:///tmp/x.sock", Target("unix", "/tmp/x.sock"), False),
        ("dnstap tcp://127.0.0.1:6000", Target("tcp", "127.0.0.1:6000"), False),
        ("dnstap tcp://[::1]:6000 full", Target("tcp", "[::1]:6000"), True),
        ("dnstap tcp://example.com:6000", Target("tcp", "example.com:6000"), False),
        ("dnstap tcp://me@example.com:6000/path", Target("tcp", "example.com:6000"), False),
        ("dnstap tcp://example.com", Target("tcp", "example.com"), False),
        ("dnstap tls://127.0.0.1:6000", Target("tls", "127.0.0.1:6000"), False),
        ("dnstap http://x", Target("unix", "http://x"), False),
        ("dnstap listen tcp://127.0.0.1:6000 full", Target("tcp", "127.0.0.1:6000"), True),
        ("dnstap listen unix:///tmp/x.sock", Target("unix", "/tmp/x.sock"), False),
        ("dnstap listen tls://:6000", Target("tls", ":6000"), False),
    ],
)
def test_targets(text: str, target: Target, full: bool) -> None:
    assert read(text) == Options(target, "host", "kdns-1", listens="listen" in text, full=full)


def test_everything() -> None:
    assert read('dnstap x full 1024 4096 {\n identity me\n version "my 1"\n extra "{name}"\n skipverify\n}') == Options(
        Target("unix", "x"), "me", "my 1", full=True, buffer=1024, queue=4096, extra="{name}", verifies=False
    )
    files = ("/c", "/k", "/ca")
    assert read("dnstap listen tls://:1 {\n tls /c /k /ca\n skipverify\n}") == Options(
        Target("tls", ":1"), "host", "kdns-1", listens=True, files=files, verifies=False
    )


@pytest.mark.parametrize(
    ("text", "unheeded"), [("dnstap x y", "y"), ("dnstap x y 2 3", "y"), ("dnstap x full 2 3 4 5", "4 5")]
)
def test_what_has_no_effect_is_said(text: str, unheeded: str, printed: Printed) -> None:
    """CoreDNS takes it without a word."""
    assert read(text).full == ("full" in text)
    assert printed() == [f"[WARNING] plugin/dnstap: no effect: {unheeded}"]


def arguments(token: str) -> str:
    return f"Wrong argument count or unexpected line ending after '{token}'"


@pytest.mark.parametrize(
    ("text", "error", "line"),
    [
        ("dnstap", arguments("dnstap"), 2),
        ("dnstap {\n identity x\n}", arguments("dnstap"), 2),
        ("dnstap listen", "dnstap listen requires an endpoint argument", 2),
        ("dnstap x full y", 'dnstap: invalid MultipleTcpWriteBuf "y": strconv.Atoi: parsing "y": invalid syntax', 2),
        ("dnstap x full 0", "dnstap: MultipleTcpWriteBuf must be between 1 and 1024 (MiB units): 0", 2),
        ("dnstap x full 1025 1", "dnstap: MultipleTcpWriteBuf must be between 1 and 1024 (MiB units): 1025", 2),
        ("dnstap x full 1 y", 'dnstap: invalid MultipleQueue "y": strconv.Atoi: parsing "y": invalid syntax', 2),
        ("dnstap x full 1 -1", "dnstap: MultipleQueue must be between 1 and 4096 (x10k messages): -1", 2),
        ("dnstap listen x full 1 4097", "dnstap: MultipleQueue must be between 1 and 4096 (x10k messages): 4097", 2),
        ("dnstap tcp://[::1", arguments("tcp://[::1"), 2),
        ("dnstap tcp://x:y full", arguments("full"), 2),
        ("dnstap x {\n identity\n}", arguments("identity"), 3),
        ("dnstap x {\n version\n}", arguments("version"), 3),
        ("dnstap x {\n extra\n}", arguments("extra"), 3),
        ("dnstap x {\n identity a b\n}", "unknown property 'b'", 3),
        ("dnstap x {\n skipverify x\n}", "unknown property 'x'", 3),
        ("dnstap x {\n identitiy a\n}", "unknown property 'identitiy'", 3),
        ("dnstap tls://x:1 {\n tls a b\n}", "tls directive only valid for listeners", 3),
        ("dnstap listen tcp://x:1 {\n tls a\n}", "tls requires cert and key file paths", 3),
        ("dnstap listen x {\n tls\n}", "tls requires cert and key file paths", 3),
        ("dnstap x\ndnstap", arguments("dnstap"), 3),
    ],
)
def test_setup_errors(text: str, error: str, line: int) -> None:
    with pytest.raises(ConfigError) as raised:
        root_chain(text)
    assert str(raised.value) == f"plugin/dnstap: Corefile:{line} - Error during parsing: {error}"
