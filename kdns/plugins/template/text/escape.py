"""`html`, `js` and `urlquery`: text for places where some characters mean something else."""

from urllib.parse import quote_plus

from kdns.plugins.template.text.printing import show, sprint
from kdns.plugins.template.text.value import Value, readable

_HTML = str.maketrans({
    "\0": "\xef\xbf\xbd", '"': "&#34;", "'": "&#39;", "&": "&amp;", "<": "&lt;", ">": "&gt;",
})  # fmt: skip
_JS = {"\\": "\\\\", "'": "\\'", '"': '\\"', "<": "\\u003C", ">": "\\u003E", "&": "\\u0026", "=": "\\u003D"}


def html(*values: Value) -> str:
    """Values as text for HTML."""
    return _printed(values).translate(_HTML)


def js(*values: Value) -> str:
    """Values as text for a string of JavaScript."""
    return "".join([_JS.get(char) or _js(char) for char in readable(_printed(values))])


def urlquery(*values: Value) -> str:
    """Values as text for the query of a URL."""
    return quote_plus(_printed(values).encode("latin-1"))


def _js(char: str) -> str:
    code = ord(char)
    if code < 0x20:
        return f"\\u{code:04X}"
    return char.encode().decode("latin-1") if code < 0x80 or char.isprintable() else f"\\u{code:04X}"


def _printed(values: tuple[Value, ...]) -> str:
    """Values in a row; what is not there is printed as an action prints it."""
    if len(values) == 1:
        return "<no value>" if values[0] is None else show(values[0])
    return sprint(*["<no value>" if value is None else value for value in values])
