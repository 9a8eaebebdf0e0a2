import pytest

from kdns.corefile import ConfigError
from tests.kit.chain import root_chain


def https(*options: str) -> str:
    return "https {\n" + "\n".join(options) + "\n}"


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("https", None),
        (https(), None),
        ("https\nhttps", None),
        (https("max_connections 100"), 100),
        (https("max_connections 0"), 0),
        ("https\n" + https("max_connections 7"), 7),
    ],
)
def test_the_listeners_are_told(text: str, number: int | None) -> None:
    chain = root_chain(text)
    assert chain.site.listen.https_connections == number
    assert chain.links == {}


ARGUMENTS = "Wrong argument count or unexpected line ending after '{}'"


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("https 443", ARGUMENTS.format("443")),
        (https("max_connections"), ARGUMENTS.format("max_connections")),
        (https("max_connections 1 2"), ARGUMENTS.format("2")),
        (
            https("max_connections many"),
            "invalid max_connections value 'many': strconv.Atoi: parsing \"many\": invalid syntax",
        ),
        (
            https(f"max_connections {10**20}"),
            f"invalid max_connections value '{10**20}': strconv.Atoi: parsing \"{10**20}\": value out of range",
        ),
        (https("max_connections -1"), "max_connections must be a non-negative integer: -1"),
        (https("max_connections 1", "max_connections 1"), "max_connections already defined for this server block"),
        (https("max_streams 1"), "unknown property 'max_streams'"),
    ],
)
def test_setup_errors(text: str, error: str) -> None:
    with pytest.raises(ConfigError) as raised:
        root_chain(text)
    assert str(raised.value).startswith("plugin/https: Corefile:")
    assert raised.value.message == error
