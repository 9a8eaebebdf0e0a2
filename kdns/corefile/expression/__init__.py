"""Expressions in the language of expr-lang/expr 1.17, as `view` and `template` take them, in bounded time.

    expression = Expression("type() in ['A', 'AAAA'] and incidr(client_ip(), '10.0.0.0/8')", functions)
    expression.evaluate(query)                      # a value, or Fault

The text is the operator's, but what it works on (a query name) is anybody's. What there is to ask about a query is not
known here: the names of an expression are given by whoever reads one, as `Function` and `Variable`.

    lexer, literal       text to tokens           types, operators, logic, access   what goes with what, and its result
    reader, parser       tokens to a tree         strings, arithmetic, containers   the functions of the language
    node, precedence     what the tree is of      predicates                        those that ask something of elements
    compiler, program    the tree to a value      values, frame                     Go's values, and how much of them

An expression is refused with expr's own text. Evaluated, it is what expr's would be, with these limits: `MAX_DEPTH`
nested terms, and `frame.MAX_WORK` steps for each evaluation. Not in the language: dates, JSON, literals of bytes.
"""

from kdns.corefile.expression.compiler import RESERVED
from kdns.corefile.expression.frame import Fault
from kdns.corefile.expression.names import Function, Variable
from kdns.corefile.expression.parser import MAX_DEPTH
from kdns.corefile.expression.program import Expression
from kdns.corefile.expression.types import BOOL, FLOAT, INT, STRING, UNKNOWN, Type

__all__ = [
    "Expression",
    "Fault",
    "Function",
    "Variable",
    "Type",
    "BOOL",
    "FLOAT",
    "INT",
    "STRING",
    "UNKNOWN",
    "MAX_DEPTH",
    "RESERVED",
]
