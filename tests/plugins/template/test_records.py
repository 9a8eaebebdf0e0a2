import pytest

from kdns.corefile import Regexp
from kdns.plugins.template.data import Data, Matched
from kdns.plugins.template.records import Maker
from kdns.plugins.template.text import Template
from kdns.plugins.template.text.value import Table
from kdns.wire.zonetext import ZoneError
from tests.kit.query import query

ANY = Regexp(".*")
DATA = Data(query("a.example"), Matched(".", "a.example.", "IN", "A", ANY, ("a.example.",)), Table({}))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{{ .Name }} A 192.0.2.1", "a.example. 3600 IN A 192.0.2.1"),
        ("{{ .Name }} CH 1h TXT x y", 'a.example. 3600 CH TXT "x" "y"'),
        ("@ 60 IN MX 10 mail", ". 60 IN MX 10 mail."),
        ("x SOA ns h (1 2 3 4 5)", "x. 3600 IN SOA ns. h. 1 2 3 4 5"),
        ("{{ .Name }} 5 A 192.0.2.1 ; {{ .Zone }}\nx A y", "a.example. 5 IN A 192.0.2.1"),
    ],
)
def test_records(text: str, expected: str) -> None:
    maker = Maker("answer", Template("answer", text))
    assert maker.make(DATA).to_text() == expected


@pytest.mark.parametrize("text", ["", "  ", "; nothing"])
def test_no_record(text: str) -> None:
    maker = Maker("answer", Template("answer", text))
    with pytest.raises(ZoneError, match="no record in the output of answer"):
        maker.make(DATA)
