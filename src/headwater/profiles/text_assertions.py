"""Assertions of a field: what a text must be to be taken (Lytics schema: assertions)."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable, Mapping
from typing import Any

from headwater.profiles.identifiers import InvalidIdentifierError, identifier_text
from headwater.profiles.schema import Assertions

_BASE64 = re.compile(r"(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?")
_HEX = re.compile(r"[0-9A-Fa-f]+")
_INT = re.compile(r"[+-]?[0-9]+")


def _is_uuid(text: str) -> bool:
    try:
        return str(uuid.UUID(text)) == text.lower()
    except ValueError:
        return False


def _is_email(text: str) -> bool:
    try:
        identifier_text(text, "email")
    except InvalidIdentifierError:
        return False
    return True


FORMATS: Mapping[str, Callable[[str], bool]] = {
    "any": lambda _text: True,
    "alpha": str.isalpha,
    "alphanumeric": str.isalnum,
    "uuid": _is_uuid,
    "base64": lambda text: _BASE64.fullmatch(text) is not None,
    "hex": lambda text: _HEX.fullmatch(text) is not None,
    "int": lambda text: _INT.fullmatch(text) is not None,
}
"""The formats that an assertion may name."""


def failed_assertion(assertions: Assertions, value: Any) -> str | None:
    """The reason why a value is not taken, None if it is. Values that are not texts pass all but `filter`."""
    text = value if isinstance(value, str) else str(value)
    if text in assertions.filter:
        return "a filtered value"
    if not isinstance(value, str):
        return None
    if assertions.email and not _is_email(text):
        return "not an e-mail address"
    if assertions.format and not FORMATS[assertions.format](text):
        return f"not of format {assertions.format}"
    length = assertions.length
    if len(text) < length.min or (length.max and len(text) > length.max):
        return f"not {length.min} to {length.max or 'any number of'} characters long"
    return None
