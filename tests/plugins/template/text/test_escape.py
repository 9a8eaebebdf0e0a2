from kdns.plugins.template.text import escape
from kdns.plugins.template.text.value import octets


def test_html() -> None:
    assert escape.html("<a href='x'>&\"") == "&lt;a href=&#39;x&#39;&gt;&amp;&#34;"
    assert escape.html(None) == "&lt;no value&gt;"
    assert escape.html("\0") == octets("\ufffd")


def test_js() -> None:
    assert escape.js(octets("a'\"<=\\\né\u2028")) == octets("a\\'\\\"\\u003C\\u003D\\\\\\u000Aé\\u2028")


def test_urlquery() -> None:
    assert escape.urlquery(octets("a b&é~-_."), 1) == "a+b%26%C3%A9~-_.1"
