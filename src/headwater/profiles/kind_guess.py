"""Which kind of field would suit values that were seen? For suggestions to people, who decide."""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

TEXT = "string"

_BEGINNINGS = frozenset("-0123456789")
_INTEGER = re.compile(r"-?(?:0|[1-9][0-9]{0,14})")
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]{0,14})\.[0-9]{1,15}")
_DATE = re.compile(r"[12][0-9]{3}-[01][0-9]-[0-3][0-9](?:[T ][0-2][0-9]:[0-5][0-9].*)?")
_ID_NAME = re.compile(r"(?:^|[_.])(?:id|uid|uuid|guid|key|code|zip|postal_?code|phone|sku)s?$|[a-z]Id$", re.IGNORECASE)


def kind_of(value: Any) -> str:
    """The kind that fits one value: `string`, `bool`, `int`, `number`, `date`, `[]string` or `map[string]value`.

    Text is looked into, because query strings and CSV files know nothing else. A number with leading zeros is a code, and text.
    """
    if isinstance(value, bool):
        return "bool"
    if isinstance(value, str):
        return _kind_of_text(value)
    if isinstance(value, int):
        return "int"
    if isinstance(value, float | Decimal):
        return "number"
    if isinstance(value, dict):
        return "map[string]value"
    return "[]string" if isinstance(value, list | tuple) else TEXT


def _kind_of_text(text: str) -> str:
    if text[:1] not in _BEGINNINGS:
        return TEXT
    if _INTEGER.fullmatch(text):
        return "int"
    if _NUMBER.fullmatch(text):
        return "number"
    return "date" if _DATE.fullmatch(text) else TEXT


def suggested_kind(name: str, kinds: Mapping[str, int]) -> str:
    """The kind for a field of that name, from how often each kind was seen. What looks like an id or a code stays text."""
    seen = set(kinds)
    if "[]string" in seen:
        return "[]string"
    if len(seen) == 1 and not (seen <= {"int", "number"} and _ID_NAME.search(name)):
        return seen.pop()
    return "number" if seen == {"int", "number"} and not _ID_NAME.search(name) else TEXT


def reading_expression(key: str, kind: str) -> str:
    """The expression by which a mapping reads a record's key as a value of the kind; the key stands bare or in backticks."""
    function = {"int": "toint", "number": "tonumber", "date": "todate"}.get(kind)
    return key if function is None else f"{function}({key})"
