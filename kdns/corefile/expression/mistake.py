"""What is wrong with an expression, and where: expr's text, the line, and a mark below the place."""


class Mistake(Exception):
    """An error at a character of an expression, counted from 0."""

    def __init__(self, message: str, at: int) -> None:
        super().__init__(message)
        self.at = at

    def shown(self, text: str) -> str:
        """The message as expr prints it; `text` is the expression."""
        before = text[: self.at]
        start = before.rfind("\n") + 1
        line, column = text[start:].partition("\n")[0], len(before) - start
        if not line:
            return str(self)
        row = before.count("\n") + 1
        return f"{self} ({row}:{column + 1})\n | {line.replace(chr(9), ' ')}\n | {'.' * column}^"
