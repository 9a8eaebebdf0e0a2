"""Templates as trees: text, actions, controls and definitions.

Errors have Go's texts, `template: NAME:LINE: ...`. Controls and parentheses are nested `MAX_NESTING` deep at most, so
neither this nor carrying a template out can exhaust the stack; a chain of `else if` counts once.
"""

from collections.abc import Container

from kdns.plugins.template.text import literal
from kdns.plugins.template.text.lexer import Item
from kdns.plugins.template.text.node import Action, Branch, Call, Jump, Node, Range, Text, Tree
from kdns.plugins.template.text.pipelines import Pipelines


class Parser(Pipelines):
    """Reads one text; `functions` are the names of those that there are."""

    def __init__(self, name: str, text: str, functions: Container[str]) -> None:
        """`text` in octets."""
        super().__init__(name, text, functions)
        self._trees: dict[str, Tree] = {}
        self._loops = 0

    def parse(self) -> dict[str, Tree]:
        """All templates of the text, by name. Raises `TemplateError`."""
        nodes: list[Node] = []
        while self._peek().kind != "eof":
            item = self._next()
            if item.kind == "left":
                if self._next_word().kind == "define":
                    self._definition()
                    continue
                self._back.append(self._last)
            self._back.append(item)
            node = self._text_or_action()
            if isinstance(node, Item):
                raise self._error(f"unexpected {{{{{node.kind}}}}}")
            nodes.append(node)
        self._add(Tree(self._name, self._name, self._text, nodes))
        return self._trees

    def _list(self) -> tuple[list[Node], Item]:
        """Everything up to `end` or `else`, which is returned too."""
        nodes: list[Node] = []
        while self._peek_word().kind != "eof":
            node = self._text_or_action()
            if isinstance(node, Item):
                return nodes, node
            nodes.append(node)
        raise self._error("unexpected EOF")

    def _text_or_action(self) -> Node | Item:
        """A node, or the word `end` or `else`."""
        item = self._next_word()
        if item.kind == "text":
            return Text(item.at, item.text)
        if item.kind != "left":
            raise self._unexpected(item, "input")
        self._action_line = item.line
        node = self._action()
        self._action_line = 0
        return node

    def _action(self) -> Node | Item:
        item = self._next_word()
        match item.kind:
            case "block":
                return self._block()
            case "break" | "continue":
                return self._jump(item)
            case "else" | "end":
                if item.kind == "end" or self._peek_word().kind not in ("if", "with"):
                    self._expect("right", item.kind)
                return item
            case "if" | "with":
                return self._branch(item)
            case "range":
                return self._range(item)
            case "template":
                return self._template()
        self._back.append(item)
        return Action(item.at, self._pipeline("command"))

    def _jump(self, item: Item) -> Node:
        word = f"{{{{{item.kind}}}}}"
        if (after := self._next_word()).kind != "right":
            raise self._unexpected(after, word)
        if not self._loops:
            raise self._error(f"{word} outside {{{{range}}}}")
        return Jump(item.at, item.kind)

    def _branch(self, item: Item) -> Node:
        known, clauses, otherwise = len(self._variables), [], None
        with self._nested():
            while True:
                pipeline = self._pipeline(item.kind)
                body, end = self._list()
                clauses.append((pipeline, body))
                if end.kind == "else" and self._peek_word().kind == item.kind:
                    self._next_word()
                    continue
                otherwise = self._else(end)
                break
        del self._variables[known:]
        return Branch(item.at, item.kind, clauses, otherwise)

    def _range(self, item: Item) -> Node:
        known = len(self._variables)
        with self._nested():
            pipeline = self._pipeline("range")
            self._loops += 1
            body, end = self._list()
            self._loops -= 1
            otherwise = self._else(end)
        del self._variables[known:]
        return Range(item.at, pipeline, body, otherwise)

    def _else(self, end: Item) -> list[Node] | None:
        if end.kind == "end":
            return None
        nodes, last = self._list()
        if last.kind != "end":
            raise self._error(f"expected end; found {{{{{last.kind}}}}}")
        return nodes

    def _definition(self) -> None:
        name = self._name_of("define clause")
        self._expect("right", "define clause")
        self._inner(name[0], "define clause")

    def _block(self) -> Node:
        item = self._peek_word()
        name, quoted = self._name_of("block clause")
        pipeline = self._pipeline("block clause")
        self._inner(name, "block clause")
        return Call(item.at, name, quoted, pipeline, self._nesting)

    def _template(self) -> Node:
        item = self._peek_word()
        name, quoted = self._name_of("template clause")
        pipeline = None
        if self._peek_word().kind == "right":
            self._next_word()
        else:
            pipeline = self._pipeline("template clause")
        return Call(item.at, name, quoted, pipeline, self._nesting)

    def _name_of(self, context: str) -> tuple[str, str]:
        item = self._expect("string", context)
        name = self._unquoted(item)
        return name, literal.quote(name)

    def _inner(self, name: str, context: str) -> None:
        """A template of its own up to its end, which sees no variables of the one it stands in."""
        outer = self._variables, self._loops
        self._variables, self._loops = ["$"], 0
        with self._nested():
            nodes, end = self._list()
        if end.kind != "end":
            raise self._error(f"unexpected {{{{{end.kind}}}}} in {context}")
        self._add(Tree(name, self._name, self._text, nodes))
        self._variables, self._loops = outer

    def _add(self, tree: Tree) -> None:
        known = self._trees.get(tree.name)
        if known is None or known.is_empty():
            self._trees[tree.name] = tree
        elif not tree.is_empty():
            raise self._error(f"template: multiple definition of template {literal.quote(tree.name)}")
