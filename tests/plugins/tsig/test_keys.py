"""Files of keys, in CoreDNS's reading of named.conf; the texts of errors are those of its own tests."""

from pathlib import Path

import pytest

from kdns.plugins.tsig import keys
from kdns.plugins.tsig.keys import KeyMistake, parse, read

FOO = "36eowrtmxceNA3T5AdE+JNUOWFCw3amtcyHACnrDVgQ="
BAR = "X28hl0BOfAL5G0jsmJWSacrwn7YRm2f6U5brnzwWEus="
BAZ = "BycDPXSx/5YCD44Q4g5Nd2QNxNRDKwWTXddrU/zpIQM="


def test_keys() -> None:
    text = f"""key "foo" {{
	algorithm hmac-sha256;
	secret "{FOO}";
}};

key "Bar." {{
	algorithm hmac-sha256;
	secret "{BAR}";
}}
key baz {{\r
    secret {BAZ};\r

    }};\r
"""
    assert parse(text) == {"foo.": FOO, "bar.": BAR, "baz.": BAZ}
    assert parse("\n \n") == {}
    assert parse(f'key "foo"{{\nsecret "{FOO}";') == {"foo.": FOO}


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("key {", 'expected key name "key {"'),
        ("key", 'expected key name "key"'),
        ('foo "key" {', 'unexpected token "foo"'),
        (
            f'key "foo" {{\nsecret "{FOO}";\n}};\n key "foo" {{\nsecret "{BAR}";\n}}; ',
            'key "foo." redefined',
        ),
        ('key "foo" {\n\tschmalgorithm hmac-sha256;', 'unexpected token "schmalgorithm"'),
        ('key "foo" {\n\tschmecret "x";', 'unexpected token "schmecret"'),
        ('key "foo" {\n\tsecret', 'expected secret key "\\tsecret"'),
        ('key "foo" {\n\tsecret ;', 'expected secret key "\\tsecret ;"'),
        ('key "foo" {\n\tsecret "";', 'expected secret key "\\tsecret \\"\\";"'),
        ('key "foo" {\n\t};', 'expected secret for key "foo."'),
        ('key "foo" { secret "x"; };', 'expected secret for key "foo."'),
    ],
)
def test_mistakes(text: str, error: str) -> None:
    with pytest.raises(KeyMistake) as raised:
        parse(text)
    assert str(raised.value) == error


def test_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "keys"
    file.write_bytes(f'key "f\xff" {{\nsecret "{FOO}";\n}};\n'.encode("latin-1"))
    assert list(read(str(file)).values()) == [FOO]
    monkeypatch.setattr(keys, "MAX_FILE", 10)
    with pytest.raises(KeyMistake, match="more than 10 octets"):
        read(str(file))


@pytest.mark.parametrize(("path", "reason"), [("/no/file", "no such file or directory"), ("/", "is a directory")])
def test_files_that_cannot_be_read(path: str, reason: str) -> None:
    with pytest.raises(KeyMistake) as raised:
        read(path)
    assert str(raised.value) == f"open {path}: {reason}"


def test_names_that_are_none(caplog: pytest.LogCaptureFixture) -> None:
    assert keys.secrets({"x" * 64 + ".": FOO, "ok.": "QQ=="}) == {b"\2ok\0": b"A"}
    assert "is no domain name" in caplog.text


@pytest.mark.parametrize(
    ("text", "octets"), [("", b""), ("QQ==", b"A"), ("QQ", None), ("Q Q=", None), ("test-key", None), ("\u00e4", None)]
)
def test_base64(text: str, octets: bytes | None) -> None:
    assert keys.secrets({"k.": text}) == {b"\1k\0": octets}
