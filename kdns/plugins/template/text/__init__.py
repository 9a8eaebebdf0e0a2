"""Go's `text/template`: actions, pipelines, variables, controls, definitions and functions.

A template is read once and carried out often::

    template = Template("answer", "{{ .Name }} 60 IN A 10.0.0.{{ parseInt .Group.n 16 8 }}")
    text = template.execute(data)

Texts, numbers of characters and errors are as in Go. Complex numbers are not read; functions are no values, so `call`
fails always. See `state` for the bounds.

    lexer, literal, cursor, pipelines, parser, node    text to tree
    value                                              what is computed with
    state, calls, evaluator                            tree and data to text
    builtin, escape, printing, printf                  functions
"""

from kdns.plugins.template.text.builtin import FUNCTIONS
from kdns.plugins.template.text.errors import TemplateError
from kdns.plugins.template.text.evaluator import Evaluator
from kdns.plugins.template.text.node import Text, source
from kdns.plugins.template.text.parser import Parser
from kdns.plugins.template.text.value import Pointer, octets, readable

__all__ = ["Template", "TemplateError"]


class Template:
    """A template that was read; `source` is its normal form, `constant` whether its output is always the same."""

    __slots__ = ("_tree", "_trees", "constant", "source")

    def __init__(self, name: str, text: str) -> None:
        """Raises `TemplateError`."""
        try:
            trees = Parser(name, octets(text), FUNCTIONS).parse()
        except TemplateError as error:
            raise TemplateError(readable(str(error))) from error
        self._trees = trees
        self._tree = trees[name]
        self.source = readable(source(self._tree.nodes))
        self.constant = all(isinstance(node, Text) for node in self._tree.nodes)

    def execute(self, data: Pointer) -> str:
        """The output for some data. Raises `TemplateError`."""
        try:
            return readable(Evaluator(self._trees, self._tree, data).run())
        except TemplateError as error:
            raise TemplateError(readable(str(error))) from error
