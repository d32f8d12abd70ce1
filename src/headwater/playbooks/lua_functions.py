"""The helpers that Lua calls back into Python for: Unicode, hashes, times, countries.

Each takes plain values and answers with the value, or with (None, message) when the input cannot be handled: an
exception would cross the interpreter's border as an opaque object.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

import orjson

from headwater.playbooks import layouts
from headwater.playbooks.country_codes import country_code
from headwater.playbooks.scalars import WHITE_SPACE, sorted_json

Failure = tuple[None, str]


def lower(text: str) -> str:
    """Unicode lower case."""
    return text.lower()


def upper(text: str) -> str:
    """Unicode upper case."""
    return text.upper()


def trim(text: str) -> str:
    """Without Unicode white space at both ends."""
    return text.strip(WHITE_SPACE)


def substring(text: str, start: int, end: int) -> str:
    """Characters from `start` up to, not including, `end`."""
    return text[start:end]


def sha256(text: str) -> str:
    """Lower-case hexadecimal SHA-256 of the UTF-8 text."""
    return hashlib.sha256(text.encode()).hexdigest()


def md5(text: str) -> str:
    """Lower-case hexadecimal MD5 of the UTF-8 text."""
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


def date_time(
    text: str,
    input_layout: str | None = None,
    output_layout: str | None = None,
    zone: str | None = None,
    offset: float | None = None,
) -> str | Failure:
    """A time re-written; both layouts default to RFC 3339, the place to UTC."""
    try:
        instant = layouts.parse_time(text, layouts.RFC3339 if input_layout is None else input_layout)
        shift = 0 if offset is None else int(offset)
        return layouts.format_time(
            instant, layouts.RFC3339 if output_layout is None else output_layout, "UTC" if zone is None else zone, shift
        )
    except (ValueError, OverflowError) as fault:
        return None, str(fault)


def epoch_seconds(text: str) -> int | Failure:
    """Seconds since 1970 of an RFC 3339 time, rounded down."""
    try:
        return layouts.parse_time(text).seconds
    except ValueError as fault:
        return None, str(fault)


def epoch_milliseconds(text: str) -> int | Failure:
    """Milliseconds since 1970 of an RFC 3339 time, rounded down."""
    try:
        return layouts.parse_time(text).milliseconds
    except ValueError as fault:
        return None, str(fault)


def json_text(text: str) -> str | Failure:
    """JSON text with its keys sorted."""
    try:
        return sorted_json(orjson.loads(text))
    except orjson.JSONDecodeError as fault:
        return None, str(fault)


CALLBACKS: dict[str, Callable[..., Any]] = {
    "lower": lower,
    "upper": upper,
    "trim": trim,
    "substring": substring,
    "sha256": sha256,
    "md5": md5,
    "date_time": date_time,
    "epoch_seconds": epoch_seconds,
    "epoch_milliseconds": epoch_milliseconds,
    "sorted_json": json_text,
    "country": country_code,
}
"""Name in Lua → function."""
