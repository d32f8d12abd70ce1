"""What is wrong with a text in the expression language, and where."""

from __future__ import annotations

from headwater.errors import InputError


class ExpressionError(InputError):
    """A filter, mapping or expression cannot be read or must not be saved.

    `offset` is the place in the text in characters from 0, `line` and `column` the same place counted from 1.
    """

    def __init__(self, message: str, text: str, offset: int) -> None:
        self.offset = min(offset, len(text))
        before = text[: self.offset]
        self.line = before.count("\n") + 1
        self.column = self.offset - (before.rfind("\n") + 1) + 1
        self.problem = message
        super().__init__(f"{message} (line {self.line}, column {self.column})", code="invalid_expression")
