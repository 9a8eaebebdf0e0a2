"""Tokens to a tree: operators climb by their precedence, as expr's do (`docs/language-definition.md` there)."""

from collections.abc import Collection, Iterator
from typing import Final

from kdns.corefile.expression import literal, node
from kdns.corefile.expression.lexer import tokens
from kdns.corefile.expression.mistake import Mistake
from kdns.corefile.expression.node import Node
from kdns.corefile.expression.precedence import BINARY, COMPARISONS, LOGICAL, NEGATED, PREDICATES, RIGHT, UNARY
from kdns.corefile.expression.reader import Reader
from kdns.corefile.expression.token import Kind, Token

MAX_DEPTH: Final = 60
"""Terms inside one another. A chain of `and` or of `or` is one, however long."""

_CONSTANTS: Final[dict[str, bool | None]] = {"true": True, "false": False, "nil": None}


def parse(text: str, builtins: Collection[str]) -> Node:
    """The tree of an expression; `builtins` are the functions of the language. Raises `Mistake`."""
    parser = Parser(tokens(text), builtins)
    tree = parser.sequence()
    parser.expect(Kind.END)
    return tree


class Parser(Reader):
    """Reads an expression; `builtins` are the functions of the language."""

    def __init__(self, source: Iterator[Token], builtins: Collection[str]) -> None:
        super().__init__(source)
        self._builtins = builtins
        self._depth = 0
        self._predicates = 0

    def sequence(self) -> Node:
        """`a; b; c`."""
        first = self.expression()
        nodes = [first]
        while self._takes(Kind.OPERATOR, ";") and self._token.kind is not Kind.END:
            nodes.append(self.expression())
        return first if len(nodes) == 1 else self._made(node.Sequence(first.at, nodes))

    def expression(self, precedence: int = 0) -> Node:
        """An operand with the operators that bind it at least as much."""
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise Mistake(f"expression is nested more than {MAX_DEPTH} deep", self._token.at)
        if precedence == 0 and self._takes(Kind.OPERATOR, "let"):
            found = self._let()
        elif precedence == 0 and self._token.has(Kind.OPERATOR, "if"):
            found = self._if()
        else:
            found = self._operators(self._primary(), precedence)
            if precedence == 0:
                found = self._conditional(found)
        self._depth -= 1
        return found

    def _operators(self, left: Node, precedence: int) -> Node:
        before = ""
        while self._token.kind is Kind.OPERATOR:
            negated = self._token.text == "not"
            if negated and precedence > BINARY["in"]:
                break
            if negated:
                self._next()
                if self._token.text not in NEGATED:
                    raise self._unexpected()
            operator = self._token
            binds = BINARY.get(operator.text, -1)
            if binds < precedence:
                break
            self._next()
            if before == "??" and operator.text not in ("??", "|"):
                mixed = f"Operator ({operator.text}) and coalesce expressions (??) cannot be mixed."
                raise Mistake(f"{mixed} Wrap either by parentheses.", operator.at)
            left = self._operated(left, operator, binds)
            if negated:
                left = self._made(node.Unary(operator.at, "not", left))
            before = operator.text
        return left

    def _operated(self, left: Node, operator: Token, binds: int) -> Node:
        if operator.text == "|":
            return self._call(self.expect(Kind.IDENTIFIER), [left])
        if operator.text in COMPARISONS:
            return self._comparison(left, operator, binds)
        right = self.expression(binds if operator.text in RIGHT else binds + 1)
        if operator.text in LOGICAL:
            return self._linked(left, operator, right)
        return self._made(node.Binary(operator.at, operator.text, left, right))

    def _linked(self, left: Node, operator: Token, right: Node) -> Node:
        """`and` and `or`: one more link, if what stands before is a chain of the same."""
        link = (operator.text, operator.at)
        name = LOGICAL[operator.text]
        if isinstance(left, node.Logical) and left.operator == name:
            left.operands.append(self._made(right))
            left.links.append(link)
            return left
        return self._made(node.Logical(operator.at, name, [left, right], [link]))

    def _comparison(self, left: Node, operator: Token, binds: int) -> Node:
        """`a < b <= c` is `a < b and b <= c`."""
        root: Node | None = None
        while True:
            right = self.expression(binds + 1)
            one = self._made(node.Binary(operator.at, operator.text, left, right))
            root = one if root is None else self._linked(root, Token(Kind.OPERATOR, "&&", operator.at), one)
            if not self._token.has(Kind.OPERATOR, *COMPARISONS):
                return root
            left, operator = right, self._next()

    def _let(self) -> Node:
        name = self.expect(Kind.IDENTIFIER)
        self.expect(Kind.OPERATOR, "=")
        value = self.expression()
        self.expect(Kind.OPERATOR, ";")
        return self._made(node.Let(name.at, name.text, value, self.sequence()))

    def _if(self) -> Node:
        at = self._next().at
        condition = self.expression()
        yes = self._braced()
        self.expect(Kind.OPERATOR, "else")
        # Each `else if` is a level of the tree.
        no = self.expression() if self._token.has(Kind.OPERATOR, "if") else self._braced()
        return self._made(node.Conditional(at, condition, yes, no))

    def _braced(self) -> Node:
        self.expect(Kind.BRACKET, "{")
        found = self.sequence()
        self.expect(Kind.BRACKET, "}")
        return found

    def _conditional(self, condition: Node) -> Node:
        while self._takes(Kind.OPERATOR, "?"):
            if self._takes(Kind.OPERATOR, ":"):
                yes = condition
            else:
                yes = self.expression()
                self.expect(Kind.OPERATOR, ":")
            no = self.expression()
            condition = self._made(node.Conditional(self._token.at, condition, yes, no))
        return condition

    def _primary(self) -> Node:
        token = self._token
        if token.kind is Kind.OPERATOR and token.text in UNARY:
            self._next()
            return self._postfix(self._made(node.Unary(token.at, token.text, self.expression(UNARY[token.text]))))
        if self._takes(Kind.BRACKET, "("):
            inner = self.sequence()
            self.expect(Kind.BRACKET, ")")
            return self._postfix(inner)
        if self._predicates and token.has(Kind.OPERATOR, "#", "."):
            name = ""
            if self._takes(Kind.OPERATOR, "#") and self._token.kind is Kind.IDENTIFIER:
                name = self._next().text
            return self._postfix(self._made(node.Pointer(token.at, name)))
        if self._takes(Kind.OPERATOR, "::"):
            return self._postfix(self._call(self.expect(Kind.IDENTIFIER), []))
        return self._secondary(token)

    def _secondary(self, token: Token) -> Node:
        if token.kind is Kind.NUMBER:
            return self._number()
        if token.kind is Kind.STRING:
            return self._postfix(self._made(node.Literal(self._next().at, token.text)))
        if token.kind is Kind.IDENTIFIER:
            self._next()
            if token.text in _CONSTANTS:
                return self._made(node.Literal(token.at, _CONSTANTS[token.text]))
            if self._token.has(Kind.BRACKET, "("):
                return self._postfix(self._call(token, []))
            return self._postfix(self._made(node.Name(token.at, token.text)))
        if self._takes(Kind.BRACKET, "["):
            elements = list(self._listed("]", self.expression))
            return self._postfix(self._made(node.Array(token.at, elements)))
        if self._takes(Kind.BRACKET, "{"):
            pairs = list(self._listed("}", self._pair))
            return self._postfix(self._made(node.Map(token.at, pairs)))
        raise self._unexpected()

    def _number(self) -> Node:
        token = self._next()
        try:
            return self._made(node.Literal(token.at, literal.number(token.text)))
        except ValueError as error:
            raise Mistake(str(error), self._token.at) from error

    def _pair(self) -> tuple[Node, Node]:
        token = self._token
        key: Node
        if token.kind in (Kind.NUMBER, Kind.STRING, Kind.IDENTIFIER):
            key = self._made(node.Literal(self._next().at, token.text))
        elif token.has(Kind.BRACKET, "("):
            key = self.expression()
        else:
            text = "a map key must be a quoted string, a number, a identifier, or an expression enclosed in parentheses"
            raise Mistake(f"{text} (unexpected token {token})", token.at)
        self.expect(Kind.OPERATOR, ":")
        return key, self.expression()

    def _call(self, token: Token, arguments: list[Node]) -> Node:
        """A call, of which the first argument may stand in front of a `|`."""
        name = token.text
        if name in PREDICATES:
            return self._made(node.BuiltinCall(token.at, name, self._predicated(name, arguments)))
        self.expect(Kind.BRACKET, "(")
        arguments += self._listed(")", self.expression)
        if name in self._builtins:
            return self._made(node.BuiltinCall(token.at, name, arguments))
        return self._made(node.Call(token.at, self._made(node.Name(token.at, name)), arguments))

    def _predicated(self, name: str, arguments: list[Node]) -> list[Node]:
        needed, more = PREDICATES[name]
        self.expect(Kind.BRACKET, "(")
        given = len(arguments)
        for index in range(given, needed + more):
            if self._token.has(Kind.BRACKET, ")"):
                if index < needed:
                    raise Mistake(f"expected at least {needed + more - given} arguments", self._token.at)
                break
            if index > given:
                self.expect(Kind.OPERATOR, ",")
            arguments.append(self._predicate() if index == 1 else self.expression())
        self._takes(Kind.OPERATOR, ",")
        self.expect(Kind.BRACKET, ")")
        return arguments

    def _predicate(self) -> Node:
        at, braced = self._token.at, self._takes(Kind.BRACKET, "{")
        self._predicates += 1
        found = self.sequence() if braced else self.expression()
        if not braced and self._token.has(Kind.OPERATOR, ";"):
            raise Mistake("wrap predicate with brackets { and }", self._token.at)
        self._predicates -= 1
        if braced:
            self.expect(Kind.BRACKET, "}")
        return self._made(node.Predicate(at, found))

    def _postfix(self, base: Node) -> Node:
        """Members, slices and calls behind an operand."""
        while True:
            token = self._token
            if token.has(Kind.OPERATOR, ".", "?."):
                self._next()
                optional = token.text == "?."
                if optional and self._token.has(Kind.BRACKET, "["):
                    base = self._indexed(base, self._next().at, optional=True)
                else:
                    base = self._member(base, optional=optional)
            elif token.has(Kind.BRACKET, "["):
                self._next()
                base = self._indexed(base, token.at)
            else:
                return base

    def _member(self, base: Node, *, optional: bool) -> Node:
        name = self._next()
        # Words of the language are names here too.
        if name.kind is not Kind.IDENTIFIER and not (name.kind is Kind.OPERATOR and name.text.isidentifier()):
            raise Mistake("expected name", self._token.at)
        inner = base.node if isinstance(base, node.Chain) else base
        member = self._made(node.Member(name.at, inner, self._made(node.Literal(name.at, name.text)), optional))
        found: Node = member
        if self._takes(Kind.BRACKET, "("):
            member.called = True
            found = self._made(node.Call(name.at, member, list(self._listed(")", self.expression))))
        return self._made(node.Chain(name.at, found)) if optional or inner is not base else found

    def _indexed(self, base: Node, at: int, *, optional: bool = False) -> Node:
        """`[key]`, or `[start:end]`, behind its bracket."""
        if self._takes(Kind.OPERATOR, ":"):
            return self._slice(base, at, None)
        key = self.expression()
        if self._takes(Kind.OPERATOR, ":"):
            return self._slice(base, at, key)
        self.expect(Kind.BRACKET, "]")
        member = self._made(node.Member(at, base, key, optional))
        return self._made(node.Chain(at, member)) if optional else member

    def _slice(self, base: Node, at: int, start: Node | None) -> Node:
        end = None if self._token.has(Kind.BRACKET, "]") else self.expression()
        self.expect(Kind.BRACKET, "]")
        return self._made(node.Slice(at, base, start, end))
