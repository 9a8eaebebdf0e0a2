from pathlib import Path

import pytest

from kdns.corefile.digest import digest
from kdns.corefile.parser import parse
from tests.corefile.folder import Content, Folder

TEXT = '.:53 {\n    errors\n    rewrite name regex "<(a)&b>\u2028é" {$A}\n    cache 30\n    import f1\n}\n'
FILES: dict[str, Content] = {"f1": "log\n"}


def of(text: str, files: dict[str, Content] = FILES, **environ: str) -> str:
    return digest(parse(text, "/etc/coredns/Corefile", reader=Folder(files), environ=environ))


def test_it_is_that_of_coredns() -> None:
    """SHA-512 of Go's json.Marshal of what coredns/caddy parses."""
    assert of(TEXT, A="va") == (
        "404c6c6d0c007434d190704f453757163a86a96b2c2df1d0099b5576367dac9b"
        "2cd1deb504e6dc5746a26f904b6d82a05dd6f89835424e402e17ad33f61d151b"
    )
    assert of("# nothing\n") == (
        "04f8ff2682604862e405bf88de102ed7710ac45c1205957625e4ee3e5f5a2241"
        "e453614acc451345b91bafc88f38804019c7492444595674e94e8cf4be53817f"
    )


@pytest.mark.parametrize(
    "text",
    [
        TEXT.replace("cache 30", "cache   30 # seconds"),
        TEXT.replace("    errors", "\terrors"),
        TEXT + "\n# end\n",
    ],
)
def test_blanks_and_comments_do_not_count(text: str) -> None:
    assert of(text) == of(TEXT)


@pytest.mark.parametrize("text", [TEXT.replace("30", "31"), "\n" + TEXT, TEXT.replace(":53", ":54"), TEXT * 2])
def test_words_and_lines_count(text: str) -> None:
    assert of(text) != of(TEXT)


def test_imported_files_and_the_environment_count() -> None:
    assert of(TEXT, {"f1": "log a\n"}) != of(TEXT)
    assert of(TEXT, A="other") != of(TEXT)


def test_a_file_name_that_is_not_utf8_does_not_spoil_it() -> None:
    name = str(Path("/etc/coredns") / "a\udcff.conf")
    assert len(of("import *.conf", {name: ".\nlog"})) == 128
