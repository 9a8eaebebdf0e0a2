"""An expression, from its text to its value."""

from typing import Final

from kdns.corefile.expression.compiler import RESERVED, Compiler
from kdns.corefile.expression.frame import Fault, Frame
from kdns.corefile.expression.mistake import Mistake
from kdns.corefile.expression.names import Names
from kdns.corefile.expression.parser import parse
from kdns.corefile.expression.types import Type
from kdns.corefile.expression.values import Value


class Expression:
    """An expression that is understood. `names` are what it may ask besides the functions of the language."""

    __slots__ = ("_run", "_variables", "text", "type")

    def __init__(self, text: str, names: Names) -> None:
        """Raises ValueError with expr's text, line and mark."""
        try:
            compiler = Compiler(names)
            code = compiler.code(parse(text, RESERVED))
        except Mistake as mistake:
            raise ValueError(mistake.shown(text)) from mistake
        self.text: Final = text
        self.type: Final[Type] = code.type
        self._run = code.run
        self._variables = compiler.variables

    def evaluate(self, subject: object) -> Value:
        """The value for whom the names are asked about. Raises `Fault` if there is none, or it is too much work."""
        try:
            return self._run(Frame(subject, self._variables))
        except RecursionError as error:
            # An array can be made that is deeper than the stack.
            raise Fault("recursion depth exceeded") from error
