"""Go's rules for flags. Every row was compared with a CoreDNS binary, but for ports: it takes any text for one."""

import pytest

from kdns.cli.flags import Flags, parse


@pytest.mark.parametrize(
    ("words", "flags"),
    [
        ("", Flags()),
        ("-conf /etc/coredns/Corefile", Flags(conf="/etc/coredns/Corefile")),
        ("--conf /etc/coredns/Corefile", Flags(conf="/etc/coredns/Corefile")),
        ("-conf=a=b", Flags(conf="a=b")),
        ("-kubednscm /etc/kube-dns", Flags(kube_dns="/etc/kube-dns")),
        ("--conf=stdin", Flags(conf="stdin")),
        ("-conf=", Flags()),
        ("-conf a -conf b", Flags(conf="b")),
        ("-conf -quiet", Flags(conf="-quiet")),
        ("-conf -- -quiet", Flags(conf="--", quiet=True)),
        ("-dns.port 1053", Flags(port=1053)),
        ("--dns.port=1053", Flags(port=1053)),
        ("-p 1053", Flags(port=1053)),
        ("--p=0", Flags(port=0)),
        ("-p 1 -dns.port 2", Flags(port=2)),
        ("-dns.port 2 -p 65535", Flags(port=65535)),
        ("-pidfile /run/kdns.pid", Flags(pidfile="/run/kdns.pid")),
        ("-plugins", Flags(plugins=True)),
        ("--version", Flags(version=True)),
        ("-quiet -conf a", Flags(conf="a", quiet=True)),
        ("-quiet=true", Flags(quiet=True)),
        ("-quiet=1", Flags(quiet=True)),
        ("-quiet=T", Flags(quiet=True)),
        ("-quiet=False", Flags()),
        ("-quiet -quiet=0", Flags()),
        ("-quiet --", Flags(quiet=True)),
    ],
)
def test_flags(words: str, flags: Flags) -> None:
    assert parse(words.split()) == flags


def test_a_value_may_have_spaces_or_be_empty() -> None:
    assert parse(["-conf", "my file"]).conf == "my file"
    assert parse(["-conf", "", "-quiet"]) == Flags(quiet=True)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("-foo", "flag provided but not defined: -foo"),
        ("--foo=bar", "flag provided but not defined: -foo"),
        ("-con a", "flag provided but not defined: -con"),
        ("-version=false -foo", "flag provided but not defined: -foo"),
        ("---conf", "bad flag syntax: ---conf"),
        ("-=x", "bad flag syntax: -=x"),
        ("--=x", "bad flag syntax: --=x"),
        ("-conf", "flag needs an argument: -conf"),
        ("-quiet -p", "flag needs an argument: -p"),
        ("-quiet=maybe", 'invalid boolean value "maybe" for -quiet: parse error'),
        ("-quiet=", 'invalid boolean value "" for -quiet: parse error'),
        ("-p dns", 'invalid value "dns" for flag -p: parse error'),
        ("-p 65536", 'invalid value "65536" for flag -p: parse error'),
        ("-p -1", 'invalid value "-1" for flag -p: parse error'),
        ("-p \u0665", 'invalid value "\u0665" for flag -p: parse error'),
        ("-dns.port=" + "9" * 5000, f'invalid value "{"9" * 5000}" for flag -dns.port: parse error'),
    ],
)
def test_what_is_no_flag_or_no_value(words: str, message: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        parse(words.split())
    output = capsys.readouterr()
    assert (end.value.code, output.out) == (2, "")
    assert output.err.startswith(f"{message}\nUsage of kdns:\n  -conf FILE\n")


@pytest.mark.parametrize(
    ("words", "shown"),
    [
        ("a b", "[a b]"),
        ("-conf Corefile -quiet x", "[x]"),
        ("-quiet true", "[true]"),
        ("x -foo", "[x -foo]"),
        ("-", "[-]"),
        ("-- -quiet", "[-quiet]"),
    ],
)
def test_words_that_are_left_over(words: str, shown: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        parse(words.split())
    assert (end.value.code, capsys.readouterr().err) == (1, f"extra command line arguments: {shown}\n")


@pytest.mark.parametrize("word", ["-h", "-help", "--help"])
def test_help(word: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        parse([word, "-foo"])
    output = capsys.readouterr()
    assert (end.value.code, output.err) == (0, "")
    assert output.out.startswith("Usage of kdns:\n")
