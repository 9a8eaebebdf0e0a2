import pytest

from kdns.plugins.template.data import presentation
from kdns.wire import codes
from kdns.wire.edns import Edns
from tests.kit.chain import root_chain
from tests.kit.query import query


def text_of(template: str, name: str = "Web.Example", **how: object) -> str:
    """What a template makes, as the text of a TXT record."""
    chain = root_chain(
        f'metadata\ntemplate IN ANY {{\nmatch ^(?P<first>[^.]+)[.]\nanswer "o. TXT \\"{template}\\""\n}}'
    )
    (record,) = chain.answer(query(name, "A", **how)).answer  # type: ignore[arg-type]
    return record.data[1:].decode()


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("{{ .Zone }} {{ .Name }} {{ .Class }} {{ .Type }}", ". web.example. IN A"),
        ("{{ .Regex }}", "^(?P<first>[^.]+)[.]"),
        ("{{ .Match }} {{ .Group }}", "[web. web] map[0:web. 1:web first:web]"),
        ("{{ .Question.Name }} {{ .Question.Qtype }} {{ .Question.Qclass }}", "Web.Example. 1 1"),
        ("{{ .Question }}", ";Web.Example.\tIN\t A"),
        ("{{ .Message.Id }} {{ .Message.Opcode }} {{ .Message.Rcode }} {{ .Message.Response }}", "4660 0 0 false"),
        ("{{ .Message.RecursionDesired }} {{ .Message.CheckingDisabled }} {{ .Message.Zero }}", "true false false"),
        ("{{ .Message.Len }} {{ len .Message.Question }} {{ len .Message.Extra }}", "29 1 0"),
        ("{{ .Message.IsEdns0 }} {{ .Message.IsTsig }}", "<nil> <nil>"),
        ("{{ .Remote }}", "10.244.9.9"),
        ("{{ .Meta `nobody/knows` }}.", "."),
        ("{{ printf `%T` . }}", "*template.templateData"),
    ],
)
def test_fields(template: str, expected: str) -> None:
    assert text_of(template) == expected


def test_edns() -> None:
    template = "{{ with .Message.IsEdns0 }}{{ .UDPSize }} {{ .Do }} {{ .Version }}{{ end }} {{ len .Message.Extra }}"
    assert text_of(template, edns=Edns(1232, codes.DO)) == "1232 true 0 1"


class Labels:
    """What plugins know of a query."""

    def get(self, label: str) -> str | None:
        return {"kubernetes/client-namespace": "shop"}.get(label)

    def set(self, label: str, value: str) -> None:
        raise AssertionError("nobody sets labels here")


def test_metadata() -> None:
    chain = root_chain('template IN A {\nanswer "o. TXT {{ .Meta `kubernetes/client-namespace` }}"\n}')
    (record,) = chain.answer(query("a.example").replace(metadata=Labels())).answer
    assert record.data == b"\x04shop"


def test_names_as_coredns_writes_them() -> None:
    assert presentation(b"\x0aa.b c'@$\x01\xff\x01(\0") == "a\\.b\\ c\\'\\@$\\001\\255.\\(."
    assert presentation(b"\0") == "."
