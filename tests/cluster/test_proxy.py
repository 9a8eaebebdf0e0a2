import pytest

from kdns.cluster.proxy import environment_proxy

PROXIED = {"HTTPS_PROXY": "https://secure:1", "HTTP_PROXY": "plain:2"}


@pytest.mark.parametrize(
    ("url", "proxy"),
    [
        ("https://api:6443", "https://secure:1"),
        ("http://api", "http://plain:2"),
        ("https://localhost:6443", None),
        ("https://127.0.0.9", None),
        ("https://[::1]:6443", None),
    ],
)
def test_by_scheme_and_never_for_loopback(url: str, proxy: str | None) -> None:
    assert environment_proxy(url, PROXIED) == proxy


def test_names_in_lower_case_count_too() -> None:
    assert environment_proxy("https://api", {"https_proxy": "http://p:1"}) == "http://p:1"
    assert environment_proxy("https://api", {"https_proxy": "http://p:1", "no_proxy": "api"}) is None


@pytest.mark.parametrize(
    ("exceptions", "url", "direct"),
    [
        ("*", "https://api", True),
        ("10.96.0.0/12", "https://10.96.0.1:443", True),
        ("10.96.0.0/12", "https://10.112.0.1:443", False),
        ("10.96.0.0/zwölf, , API", "https://api", True),
        ("10.96.0.0/zwölf", "https://10.96.0.1", False),
        ("10.96.0.1", "https://10.96.0.1", True),
        ("10.96.0.1:443", "https://10.96.0.1", True),
        ("10.96.0.1:6443", "https://10.96.0.1", False),
        ("fd00::1", "https://[fd00::1]:6443", True),
        ("[fd00::1]:6443", "https://[fd00::1]:6443", True),
        ("[fd00::1]:443", "https://[fd00::1]:6443", False),
        ("[fd00::1]", "https://[fd00::1]:6443", True),
        ("example.org", "https://example.org", True),
        ("example.org", "https://api.example.org", True),
        ("example.org", "https://notexample.org", False),
        (".example.org", "https://example.org", False),
        (".example.org", "https://api.example.org", True),
        ("*.example.org", "https://api.example.org", True),
    ],
)
def test_exceptions(exceptions: str, url: str, direct: bool) -> None:
    found = environment_proxy(url, {**PROXIED, "NO_PROXY": exceptions})
    assert (found is None) is direct
