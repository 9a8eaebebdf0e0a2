"""A tree to closures, with the types of everything found on the way.

What can be told before there is anything to evaluate is told as an error: names that there are not, operands that do
not go together. Literals are reckoned with at once.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

from kdns.corefile.expression import node, predicates
from kdns.corefile.expression.access import chained, fetched, sliced
from kdns.corefile.expression.arithmetic import NUMBER_FUNCTIONS
from kdns.corefile.expression.code import Code, constant
from kdns.corefile.expression.containers import CONTAINER_FUNCTIONS
from kdns.corefile.expression.frame import Fault, Frame
from kdns.corefile.expression.logic import check_link, conditional, linked, negated, signed
from kdns.corefile.expression.mistake import Mistake
from kdns.corefile.expression.names import Bound, Function, Names, Variable, apply
from kdns.corefile.expression.node import Node
from kdns.corefile.expression.operators import binary, coalesced, within
from kdns.corefile.expression.precedence import PREDICATES
from kdns.corefile.expression.signature import Builtin, check
from kdns.corefile.expression.strings import STRING_FUNCTIONS
from kdns.corefile.expression.types import ARRAY, BOOL, FLOAT, INT, MAP, NIL, STRING, UNKNOWN, Type, array_of
from kdns.corefile.expression.values import Value, kind_of

BUILTINS: Final[Mapping[str, Builtin]] = {**STRING_FUNCTIONS, **NUMBER_FUNCTIONS, **CONTAINER_FUNCTIONS}
ABSENT: Final = frozenset(["toJSON", "fromJSON", "now", "duration", "date", "timezone"])
"""Functions of expr that are not here."""
RESERVED: Final = frozenset((*BUILTINS, *ABSENT, *PREDICATES))
"""Every function of the language; `type` is not one of them where an environment has that name, as CoreDNS's has."""

MAX_LEVELS: Final = 120
"""Nodes inside one another, of which a term has one to three."""
MAX_COMPILED: Final = 20_000
"""Nodes that are compiled; `a ?: b` compiles `a` twice."""


class Compiler:
    """Compiles one expression; `variables` counts those of `let`."""

    def __init__(self, names: Names) -> None:
        self.variables = 0
        self._names = names
        self._let: dict[str, tuple[int, Type]] = {}
        self._scopes: list[tuple[Type, Mapping[str, Type]]] = []
        self._level = 0
        self._compiled = 0

    def code(self, each: Node) -> Code:
        """The code of a node. Raises `Mistake`."""
        self._level += 1
        self._compiled += 1
        if self._level > MAX_LEVELS or self._compiled > MAX_COMPILED:
            raise Mistake("expression is too complex", each.at)
        code = _METHODS[type(each)](self, each)
        self._level -= 1
        return code

    def _literal(self, each: node.Literal) -> Code:
        types = {str: STRING, int: INT, float: FLOAT, bool: BOOL}
        return constant(types.get(type(each.value), NIL), each.value)

    def _name(self, each: node.Name) -> Code:
        if each.name in self._let:
            index, type_ = self._let[each.name]
            return Code(type_, lambda frame: frame.variables[index])
        if each.name == "$env":
            return self._environment()
        return self._named(each.name, each.at, builtins=True)

    def _named(self, name: str, at: int, *, builtins: bool) -> Code:
        found = self._names.get(name)
        if isinstance(found, Variable):
            read = found.read
            return Code(found.type, lambda frame: read(frame.subject))
        if found is not None:
            function = found
            return Code(function.type, lambda frame: Bound(function, frame.subject))
        if builtins and name in BUILTINS:
            return Code(BUILTINS[name].type, lambda frame: None)
        raise Mistake(f"unknown name {name}", at)

    def _environment(self) -> Code:
        codes = {name: self._named(name, 0, builtins=False) for name in self._names}
        return Code(UNKNOWN, lambda frame: {name: code.run(frame) for name, code in codes.items()})

    def _unary(self, each: node.Unary) -> Code:
        operand = self.code(each.operand)
        make = negated if each.operator in ("!", "not") else signed
        return make(each.operator, operand, each.at)

    def _binary(self, each: node.Binary) -> Code:
        left, right = self.code(each.left), self.code(each.right)
        if each.operator == "??":
            return coalesced(left, right)
        code = binary(each.operator, left, right, each.at)
        ends = each.right
        if each.operator == "in" and left.type is INT and isinstance(ends, node.Binary) and ends.operator == "..":
            low, high = self.code(ends.left).constant, self.code(ends.right).constant
            if type(low) is int and type(high) is int:
                return within(left, low, high)
        return code

    def _logical(self, each: node.Logical) -> Code:
        operands = [self.code(each.operands[0])]
        for operand, (operator, at) in zip(each.operands[1:], each.links, strict=True):
            before = operands[0].type if len(operands) == 1 else BOOL
            operands.append(self.code(operand))
            check_link(operator, before, operands[-1].type, at)
        return linked(each.operator, operands)

    def _conditional(self, each: node.Conditional) -> Code:
        condition = self.code(each.condition)
        if condition.type is not BOOL and not condition.type.is_unknown:
            raise Mistake(f"non-bool expression (type {condition.type}) used as condition", each.condition.at)
        return conditional(condition, self.code(each.yes), self.code(each.no))

    def _member(self, each: node.Member) -> Code:
        if isinstance(each.base, node.Name) and each.base.name == "$env" and isinstance(each.key, node.Literal):
            name = str(each.key.value)
            if each.optional and name not in self._names:
                return constant(UNKNOWN, None)
            return self._named(name, each.at, builtins=False)
        return fetched(each, self.code(each.base), self.code(each.key))

    def _chain(self, each: node.Chain) -> Code:
        return chained(self.code(each.node))

    def _slice(self, each: node.Slice) -> Code:
        base = self.code(each.base)
        start = None if each.start is None else self.code(each.start)
        end = None if each.end is None else self.code(each.end)
        return sliced(each, base, start, end)

    def _call(self, each: node.Call) -> Code:
        callee = self.code(each.callee)
        arguments = [self.code(argument) for argument in each.arguments]
        name = _name_of(each.callee)
        if callee.type.kind == "nil":
            raise Mistake(f"{name} is nil; cannot call nil as function", each.at)
        if callee.type.parameters is not None and callee.type.result is not None:
            return self._called(each, name, callee, arguments)
        if not callee.type.is_unknown:
            raise Mistake(f"{callee.type} is not callable", each.at)
        run, runs = callee.run, [argument.run for argument in arguments]
        return Code(UNKNOWN, lambda frame: apply(run(frame), [one(frame) for one in runs]))

    def _called(self, each: node.Call, name: str, callee: Code, arguments: list[Code]) -> Code:
        places = [argument.at for argument in each.arguments]
        runs = check(name, callee.type.parameters or (), arguments, places, each.at)
        result = callee.type.result or UNKNOWN
        known = self._names.get(each.callee.name) if isinstance(each.callee, node.Name) else None
        if isinstance(known, Function) and name not in self._let:
            call = known.call
            if not runs:
                return Code(result, lambda frame: call(frame.subject))
            return Code(result, lambda frame: call(frame.subject, *[run(frame) for run in runs]))
        run = callee.run
        return Code(result, lambda frame: apply(run(frame), [one(frame) for one in runs]))

    def _builtin(self, each: node.BuiltinCall) -> Code:
        if each.name in PREDICATES:
            return self._predicated(each)
        if each.name in ABSENT:
            raise Mistake(f"builtin {each.name} is not supported", each.at)
        arguments = [self.code(argument) for argument in each.arguments]
        return BUILTINS[each.name].code(each.name, arguments, [argument.at for argument in each.arguments], each.at)

    def _predicated(self, each: node.BuiltinCall) -> Code:
        array = self.code(each.arguments[0])
        if not array.type.is_array and not array.type.is_unknown:
            text = f"builtin {each.name} takes only array (got {array.type})"
            raise Mistake(text, each.arguments[0].at)
        predicate = None
        if len(each.arguments) > 1:
            self._scopes.append((array.type, predicates.POINTERS.get(each.name, {})))
            predicate = self.code(each.arguments[1])
            self._scopes.pop()
            if predicate.type.kind == "nil":
                text = "predicate should has one input and one output param"
                raise Mistake(text, each.arguments[1].at)
            if each.name in predicates.ASKED_FOR_BOOLS and predicate.type.kind not in ("bool", "unknown"):
                text = f"predicate should return boolean (got {predicate.type})"
                raise Mistake(text, each.arguments[1].at)
        more = [self.code(argument) for argument in each.arguments[2:]]
        if more and each.name == "sortBy" and more[0].type.kind not in ("string", "unknown"):
            raise Mistake(f"sortBy order argument must be a string (got {more[0].type})", each.arguments[2].at)
        return predicates.code(each.name, array, predicate, more)

    def _predicate(self, each: node.Predicate) -> Code:
        return self.code(each.node)

    def _pointer(self, each: node.Pointer) -> Code:
        array, pointers = self._scopes[-1]
        if not each.name:
            return Code(UNKNOWN if array.is_unknown else array.of(), predicates.element)
        if each.name not in pointers:
            raise Mistake(f"unknown pointer #{each.name}", each.at)
        if each.name == "index":
            return Code(INT, lambda frame: frame.scope.index)
        return Code(UNKNOWN, lambda frame: frame.scope.acc)

    def _let_in(self, each: node.Let) -> Code:
        kinds = {"": self._names, "builtin ": RESERVED, "variable ": self._let}
        taken = next((kind for kind, names in kinds.items() if each.name in names), None)
        if taken is not None:
            raise Mistake(f"cannot redeclare {taken}{each.name}", each.at)
        value = self.code(each.value)
        index = self.variables
        self.variables += 1
        self._let[each.name] = (index, value.type)
        then = self.code(each.then)
        del self._let[each.name]
        store, run = value.run, then.run

        def let(frame: Frame) -> Value:
            frame.variables[index] = store(frame)
            return run(frame)

        return Code(then.type, let)

    def _sequence(self, each: node.Sequence) -> Code:
        codes = [self.code(one) for one in each.nodes]
        runs = [code.run for code in codes]
        return Code(codes[-1].type, lambda frame: [run(frame) for run in runs][-1])

    def _array(self, each: node.Array) -> Code:
        codes = [self.code(one) for one in each.nodes]
        same = len({code.type.kind for code in codes}) <= 1
        type_ = (array_of(codes[-1].type) if codes else array_of(UNKNOWN)) if same else ARRAY
        if codes and all(code.is_scalar for code in codes):
            return constant(type_, [code.constant for code in codes])
        runs = [code.run for code in codes]

        def array(frame: Frame) -> Value:
            frame.spend(len(runs))
            return [run(frame) for run in runs]

        return Code(type_, array)

    def _map(self, each: node.Map) -> Code:
        pairs = [(self.code(name).run, self.code(value).run) for name, value in each.pairs]

        def made(frame: Frame) -> dict[str, Value]:
            frame.spend(len(pairs))
            return {_text(name(frame)): value(frame) for name, value in pairs}

        return Code(MAP, made)


_METHODS: Final[Mapping[type[Node], Callable[[Compiler, Any], Code]]] = {
    node.Literal: Compiler._literal,
    node.Name: Compiler._name,
    node.Unary: Compiler._unary,
    node.Binary: Compiler._binary,
    node.Logical: Compiler._logical,
    node.Conditional: Compiler._conditional,
    node.Member: Compiler._member,
    node.Chain: Compiler._chain,
    node.Slice: Compiler._slice,
    node.Call: Compiler._call,
    node.BuiltinCall: Compiler._builtin,
    node.Predicate: Compiler._predicate,
    node.Pointer: Compiler._pointer,
    node.Let: Compiler._let_in,
    node.Sequence: Compiler._sequence,
    node.Array: Compiler._array,
    node.Map: Compiler._map,
}


def _name_of(callee: Node) -> str:
    if isinstance(callee, node.Name):
        return callee.name
    if isinstance(callee, node.Member) and isinstance(callee.key, node.Literal):
        return str(callee.key.value)
    return "function"


def _text(value: Value) -> str:
    if type(value) is not str:
        raise Fault(f"a key of a map is {kind_of(value)}, not string")
    return value
