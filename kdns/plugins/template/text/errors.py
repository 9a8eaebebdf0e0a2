"""What goes wrong with templates; the texts are those of Go's library, in octets."""


class TemplateError(ValueError):
    """A template that cannot be read, or not be carried out."""


class CallError(ValueError):
    """Why a function has no result for its arguments."""
