"""What a form sent, by field."""

from __future__ import annotations

from typing import Any

from litestar import Request
from litestar.datastructures import FormMultiDict
from litestar.exceptions import ClientException

LIMIT = 1_000_000
_DIGITS = 10


class Form:
    """Fields of a form: texts as they were typed. An absent field is an empty text, as browsers send empty ones."""

    def __init__(self, fields: FormMultiDict) -> None:
        self._fields = fields

    @classmethod
    def empty(cls) -> Form:
        """A form in which nothing was typed yet."""
        return cls(FormMultiDict())

    def text(self, name: str) -> str:
        """The field's text with the line ends of this system. Raises ClientException (400) when it is no text."""
        return _text(name, self._fields.get(name, ""))

    def texts(self, name: str) -> list[str]:
        """All texts of a field that may be there several times, as check boxes are."""
        return [_text(name, value) for value in self._fields.getall(name, [])]

    def number(self, name: str) -> int | None:
        """A field's whole number from 0 to the largest that the database holds for such; None for anything else."""
        text = self.text(name)
        return int(text) if text.isascii() and text.isdecimal() and len(text) < _DIGITS else None

    def checked(self, name: str) -> bool:
        """Whether a check box was checked."""
        return name in self._fields


async def form_of(request: Request[Any, Any, Any]) -> Form:
    """The form of a request."""
    return Form(await request.form())


def _text(name: str, value: Any) -> str:
    if not isinstance(value, str) or len(value) > LIMIT or "\x00" in value:
        raise ClientException(f"the field {name} is not acceptable as text")
    return value.replace("\r\n", "\n")
