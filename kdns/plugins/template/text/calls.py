"""Pipelines carried out: commands with the result of the one before, fields, functions and their arguments."""

from collections.abc import Callable
from typing import Any

from kdns.plugins.template.text.builtin import FUNCTIONS
from kdns.plugins.template.text.errors import CallError
from kdns.plugins.template.text.node import (
    Chain,
    Command,
    Constant,
    Dot,
    Field,
    Identifier,
    NilConstant,
    Numeric,
    Operand,
    Pipeline,
    Variable,
)
from kdns.plugins.template.text.state import Slot, State
from kdns.plugins.template.text.value import (
    ANY,
    INT,
    STRING,
    VALUE,
    Function,
    Nil,
    Pointer,
    Table,
    Value,
    truth,
    type_name,
)

_ABSENT: Any = object()
"""The value in front of the first command of a pipeline."""


class Calls(State):
    """Gives pipelines their values."""

    def _pipeline(self, pipeline: Pipeline, dot: Value) -> Value:
        self._on(pipeline)
        value = _ABSENT
        for command in pipeline.commands:
            value = self._command(command, dot, value)
        for variable in pipeline.variables:
            if pipeline.assigns:
                self._assign(variable.name, value)
            else:
                self._variables.append(Slot(variable.name, value))
        return value

    def _command(self, command: Command, dot: Value, final: Value) -> Value:
        word, words = command.words[0], command.words
        match word:
            case Field():
                self._on(word)
                return self._chain(dot, dot, word, word.names, words, final)
            case Chain():
                return self._chained(word, dot, words, final)
            case Identifier():
                self._on(word)
                return self._function(FUNCTIONS[word.name], command, word.name, words, dot, final)
            case Variable() if word.names:
                self._on(word)
                return self._chain(dot, self._slot(word.name).value, word, word.names, words, final)
        if not isinstance(word, Pipeline):
            self._on(word)
        if len(words) > 1 or final is not _ABSENT:
            raise self._error(f"can't give argument to non-function {word}")
        if isinstance(word, NilConstant):
            raise self._error("nil is not a command")
        return self._operand(word, dot)

    def _operand(self, word: Operand, dot: Value) -> Value:
        """The value of an operand by itself; numbers have the type that their form says."""
        match word:
            case Pipeline():
                return self._pipeline(word, dot)
            case Chain():
                return self._chained(word, dot, [word], _ABSENT)
            case Identifier():
                self._on(word)
                return self._function(FUNCTIONS[word.name], word, word.name, [word], dot, _ABSENT)
        self._on(word)
        match word:
            case Field():
                return self._chain(dot, dot, word, word.names, [word], _ABSENT)
            case Variable():
                value = self._slot(word.name).value
                return self._chain(dot, value, word, word.names, [word], _ABSENT) if word.names else value
            case Dot():
                return dot
            case Constant():
                return word.value
            case Numeric():
                if word.value.ideal is None:
                    raise self._error(f"{word.source} overflows int")
                return word.value.ideal
        return None

    def _chained(self, node: Chain, dot: Value, words: list[Operand], final: Value) -> Value:
        self._on(node)
        if isinstance(node.operand, NilConstant):
            raise self._error(f"indirection through explicit nil in {node}")
        return self._chain(dot, self._operand(node.operand, dot), node, node.names, words, final)

    def _chain(
        self, dot: Value, receiver: Value, node: Operand, names: tuple[str, ...], words: list[Operand], final: Value
    ) -> Value:
        """Fields one after the other; the last one may be a method and gets the arguments."""
        for name in names[:-1]:
            receiver = self._field(dot, receiver, node, name, [], _ABSENT)
        return self._field(dot, receiver, node, names[-1], words, final)

    def _field(
        self, dot: Value, receiver: Value, node: Operand, name: str, words: list[Operand], final: Value
    ) -> Value:
        given = len(words) > 1 or final is not _ABSENT
        match receiver:
            case None:
                return None
            case Table():
                if given:
                    raise self._error(f"{name} is not a method but has arguments")
                return receiver.items.get(name)
            case Nil():
                raise self._error(f"nil pointer evaluating {receiver.type}.{name}")
            case Pointer():
                if (method := receiver.METHODS.get(name)) is not None:
                    bound = method._replace(call=_bound(method.call, receiver))
                    return self._function(bound, node, name, words, dot, final)
                if (read := receiver.FIELDS.get(name)) is not None:
                    if given:
                        raise self._error(f"{name} has arguments but cannot be invoked as function")
                    return read(receiver)
        raise self._error(f"can't evaluate field {name} in type {type_name(receiver)}")

    def _function(
        self, function: Function, node: Operand | Command, name: str, words: list[Operand], dot: Value, final: Value
    ) -> Value:
        words = words[1:]
        kinds = self._kinds(function, name, len(words), final is not _ABSENT)
        if name in ("and", "or") and function is FUNCTIONS[name]:
            return self._shortcut(name == "or", words, dot, final)
        values = [self._argument(word, kind, dot) for word, kind in zip(words, kinds, strict=False)]
        if final is not _ABSENT:
            values.append(self._checked(final, kinds[-1]))
        try:
            return self._made(function.call(*values))
        except CallError as error:
            self._node, self._at = node, node.at
            raise self._error(f"error calling {name}: {error}") from error

    def _kinds(self, function: Function, name: str, words: int, piped: bool) -> list[str]:
        """The types of so many arguments, the piped one too."""
        fixed, given = len(function.fixed), words + piped
        if function.rest is not None:
            if given < fixed:
                raise self._error(f"wrong number of args for {name}: want at least {fixed} got {words}")
            return [*function.fixed, *[function.rest] * (given - fixed)]
        if given != fixed:
            raise self._error(f"wrong number of args for {name}: want {fixed} got {given}")
        return list(function.fixed)

    def _shortcut(self, wanted: bool, words: list[Operand], dot: Value, final: Value) -> Value:
        """`and` and `or`: the first value that settles it, or the last one."""
        value = None
        for word in words:
            value = self._argument(word, VALUE, dot)
            if truth(value) == wanted:
                return value
        return value if final is _ABSENT else final

    def _argument(self, word: Operand, kind: str, dot: Value) -> Value:
        """An argument of a type; a constant is read as the type wants it."""
        if isinstance(word, Constant | Numeric | NilConstant) and kind in (STRING, INT):
            self._on(word)
            if isinstance(word, NilConstant):
                raise self._error(f"cannot assign nil to {kind}")
            if kind == STRING and isinstance(word, Constant) and isinstance(word.value, str):
                return word.value
            if kind == INT and isinstance(word, Numeric) and word.value.integer is not None:
                return word.value.integer
            raise self._error(f"expected {'string' if kind == STRING else 'integer'}; found {word}")
        return self._checked(self._operand(word, dot), kind)

    def _checked(self, value: Value, kind: str) -> Value:
        if kind in (ANY, VALUE):
            return value
        if value is None:
            raise self._error(f"invalid value; expected {kind}")
        if type(value) is not (str if kind == STRING else int):
            raise self._error(f"wrong type for value; expected {kind}; got {type_name(value)}")
        return value


def _bound(call: Callable[..., Value], receiver: Pointer) -> Callable[..., Value]:
    return lambda *values: call(receiver, *values)
