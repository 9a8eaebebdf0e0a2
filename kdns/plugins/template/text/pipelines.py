"""Pipelines as trees: commands, their operands, and variables that get a result."""

from kdns.plugins.template.text import literal
from kdns.plugins.template.text.cursor import Cursor
from kdns.plugins.template.text.lexer import Item
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

_OPERANDS = frozenset(("bool", "char", "dot", "field", "identifier", "number", "nil", "string", "variable", "("))


class Pipelines(Cursor):
    """Reads what stands inside an action."""

    def _pipeline(self, context: str, end: str = "right") -> Pipeline:
        pipeline = Pipeline(self._peek_word().at, [], False, [])
        self._declarations(pipeline, context)
        while (item := self._next_word()).kind != end:
            if item.kind not in _OPERANDS:
                raise self._unexpected(item, context)
            self._back.append(item)
            pipeline.commands.append(self._command())
        if not pipeline.commands:
            raise self._error(f"missing value for {context}")
        for stage, command in enumerate(pipeline.commands[1:], 2):
            if isinstance(command.words[0], Constant | Numeric | NilConstant | Dot):
                raise self._error(f"non executable command in pipeline stage {stage}")
        return pipeline

    def _declarations(self, pipeline: Pipeline, context: str) -> None:
        while self._peek_word().kind == "variable":
            variable = self._next_word()
            beside = self._peek()
            after = self._peek_word()
            if after.kind not in (":=", "=") and (after.kind, after.text) != ("mark", ","):
                # It is an argument; the blank behind it counts.
                self._back += ([beside] if beside.kind == "space" else []) + [variable]
                return
            self._next_word()
            pipeline.variables.append(Variable(variable.at, variable.text))
            self._variables.append(variable.text)
            if after.kind in (":=", "="):
                pipeline.assigns = after.kind == "="
                return
            if context != "range" or len(pipeline.variables) > 1:
                raise self._error(f"too many declarations in {context}")
            if self._peek_word().kind not in ("variable", "right", ")"):
                raise self._error("range can only initialize variables")

    def _command(self) -> Command:
        command = Command(self._peek_word().at, [])
        while True:
            self._peek_word()
            operand = self._operand()
            if operand is not None:
                command.words.append(operand)
            item = self._next()
            if item.kind == "space":
                continue
            if item.kind in ("right", ")"):
                self._back.append(item)
            elif item.kind != "|":
                raise self._unexpected(item, "operand")
            if not command.words:
                raise self._error("empty command")
            return command

    def _operand(self) -> Operand | None:
        operand = self._term()
        first = self._peek()
        if operand is None or first.kind != "field":
            return operand
        names: list[str] = []
        while self._peek().kind == "field":
            names.append(self._next().text[1:])
        match operand:
            case Field():
                return Field(first.at, (*operand.names, *names))
            case Variable():
                return Variable(first.at, operand.name, (*operand.names, *names))
            case Constant() | Numeric() | NilConstant() | Dot():
                raise self._error(f"unexpected . after term {literal.quote(str(operand))}")
        return Chain(first.at, operand, tuple(names))

    def _term(self) -> Operand | None:
        item = self._next_word()
        match item.kind:
            case "identifier":
                if item.text not in self._functions:
                    raise self._error(f"function {literal.quote(item.text)} not defined")
                return Identifier(item.at, item.text)
            case "dot":
                return Dot(item.at)
            case "nil":
                return NilConstant(item.at)
            case "variable":
                if item.text not in self._variables:
                    raise self._error(f"undefined variable {literal.quote(item.text)}")
                return Variable(item.at, item.text)
            case "field":
                return Field(item.at, (item.text[1:],))
            case "bool":
                return Constant(item.at, item.text == "true", item.text)
            case "number" | "char":
                return self._numeric(item)
            case "(":
                with self._nested():
                    return self._pipeline("parenthesized pipeline", ")")
            case "string":
                return Constant(item.at, self._unquoted(item), item.text)
        self._back.append(item)
        return None

    def _numeric(self, item: Item) -> Operand:
        try:
            value = literal.number(item.text) if item.kind == "number" else literal.character(item.text)
        except ValueError as error:
            raise self._error(str(error)) from error
        return Numeric(item.at, value, item.text)
