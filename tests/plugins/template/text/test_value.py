import pytest

from kdns.plugins.template.text.value import Nil, Sequence, Table, Uint16, Value, octets, readable, truth, type_name


@pytest.mark.parametrize(
    ("value", "name", "true"),
    [
        (None, "<nil>", False),
        (True, "bool", True),
        (0, "int", False),
        (Uint16(3), "uint16", True),
        (0.5, "float64", True),
        ("", "string", False),
        (Sequence("[]string", ()), "[]string", False),
        (Table({"a": ""}), "map[string]string", True),
        (Nil("*dns.OPT"), "*dns.OPT", False),
    ],
)
def test_types(value: Value, name: str, true: bool) -> None:
    assert (type_name(value), truth(value)) == (name, true)


def test_octets() -> None:
    assert octets("aé") == "a\xc3\xa9"
    assert readable("a\xc3\xa9\xff") == "aé\ufffd"
