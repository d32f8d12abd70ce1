"""Identifiers of people and messages: text, without characters that no database or header can hold."""

from __future__ import annotations

import re
import uuid
from decimal import Decimal
from typing import Any

from headwater import jsontext
from headwater.errors import InputError

MESSAGE_ID_LIMIT = 100
"""Longest message id in characters. A longer one is refused: cutting it could make two messages one."""

_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f]")


def clean_id(value: Any, field: str) -> str | None:
    """An identifier as text, or None where it is absent, empty or blank.

    Numbers become their JSON text, control characters are removed. Raises InputError for booleans, lists and objects.
    """
    if isinstance(value, str):
        text = value if value.isprintable() else _CONTROL.sub("", value)
        return text if text and not text.isspace() else None
    if value is None:
        return None
    if isinstance(value, int | float | Decimal) and not isinstance(value, bool):
        return jsontext.encode(value).decode("ascii")
    raise InputError("must be text or a number", field, "invalid_id")


def message_id(value: Any, field: str = "messageId") -> str:
    """The sender's message id, or a new one. Raises InputError when it is no text or number, or too long."""
    text = clean_id(value, field)
    if text is None:
        return str(uuid.uuid4())
    if len(text) > MESSAGE_ID_LIMIT:
        raise InputError(
            f"has {len(text)} characters; at most {MESSAGE_ID_LIMIT} are allowed", field, "message_id_too_long"
        )
    return text
