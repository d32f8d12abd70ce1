"""Values as text, text as numbers: the rules that hold everywhere outside JSON and Lua."""

from __future__ import annotations

import math
import re
from decimal import Decimal
from typing import Any

import orjson

from headwater import jsontext

WHITE_SPACE = "\t\n\v\f\r \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000"
"""Unicode white space: what TRIM takes off."""

_NUMBER = re.compile(r"[ \t\n\v\f\r]*[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?[ \t\n\v\f\r]*")
_INTEGER = re.compile(r"[ \t\n\v\f\r]*[+-]?[0-9]+[ \t\n\v\f\r]*")
_FRACTION_OF_WHOLE = re.compile(rb"\.0(?![0-9])|[0-9][eE]")
"""What the JSON text of a whole double can look like (1.0, 1e16); a match inside a string only costs time."""
_INTEGRAL_LIMIT = 10**21
"""From here on integral numbers are written with 14 digits and an exponent."""

Number = int | float | Decimal


def number_text(value: Number) -> str:
    """A number as text: integral and below 1e21 in plain digits, else at most 14 significant digits (C `%.14g`)."""
    if isinstance(value, int):
        return str(value) if -_INTEGRAL_LIMIT < value < _INTEGRAL_LIMIT else f"{float(value):.14g}"
    if not math.isfinite(value):
        return f"{float(value):.14g}"
    if value == int(value) and -_INTEGRAL_LIMIT < value < _INTEGRAL_LIMIT:
        return str(int(value))
    return f"{float(value):.14g}"


def scalar_text(value: Any) -> str | None:
    """Text of text, a number or a boolean; None for anything else."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float | Decimal):
        return number_text(value)
    return None


def value_text(value: Any) -> str:
    """Text of any JSON value: objects and lists as compact JSON with sorted keys, null as `null`."""
    text = scalar_text(value)
    return sorted_json(value) if text is None else text


def sorted_json(value: Any) -> str:
    """Compact JSON, keys in the order of their code points, no ASCII escaping, whole numbers without a fraction."""
    try:
        text = orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
    except TypeError:  # a Decimal, or an integer beyond 64 bits
        text = b""
    if not text or _FRACTION_OF_WHOLE.search(text):
        text = jsontext.encode(_sorted(value))
    return text.decode()


def _sorted(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _sorted(value[key]) for key in sorted(value)}
    if isinstance(value, list):
        return [_sorted(item) for item in value]
    if isinstance(value, float | Decimal) and -_INTEGRAL_LIMIT < value < _INTEGRAL_LIMIT and value == int(value):
        return int(value)
    return value


def text_number(text: str) -> int | float | None:
    """The number that text writes: sign, digits, fraction, exponent, white space around; None for anything else."""
    if len(text) > 400 or not _NUMBER.fullmatch(text):
        return None
    if _INTEGER.fullmatch(text):
        return int(text)
    value = float(text)
    return value if math.isfinite(value) else None


def number_of(value: Any) -> Number | None:
    """A number as it is, numeric text as number, None for anything else."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float | Decimal):
        return value
    return text_number(value) if isinstance(value, str) else None


def at_14_digits(value: Number) -> float:
    """The number at 14 significant digits, so that the error of a binary fraction does not show."""
    return float(f"{float(value):.14g}")


def truncated_int(value: Any) -> int | None:
    """Cut toward zero; integers of any size stay exact. None for what is no finite number."""
    number = number_of(value)
    if number is None or isinstance(number, int):
        return number
    return int(at_14_digits(number)) if math.isfinite(number) else None


def rounded_int(value: Any) -> int | None:
    """Rounded half away from zero. None for what is no finite number."""
    number = number_of(value)
    if number is None or isinstance(number, int):
        return number
    if not math.isfinite(number):
        return None
    close = at_14_digits(number)
    return -math.floor(-close + 0.5) if close < 0 else math.floor(close + 0.5)


def truncated_float(value: Any, places: int) -> int | float | None:
    """Cut toward zero to a number of decimals. None for what is no finite number."""
    number = number_of(value)
    if number is None or isinstance(number, int):
        return number
    if not math.isfinite(number):
        return None
    scale = 10.0**places
    return math.trunc(at_14_digits(float(number) * scale)) / scale


_TRUE = frozenset({"1", "t", "T", "true", "True", "TRUE"})
_FALSE = frozenset({"0", "f", "F", "false", "False", "FALSE"})


def to_bool(value: Any) -> bool | None:
    """A boolean as it is, a number is true unless 0, the usual words as text; None for anything else."""
    if isinstance(value, bool):
        return value
    if isinstance(value, int | float | Decimal):
        return value != 0
    if isinstance(value, str):
        return True if value in _TRUE else False if value in _FALSE else None
    return None
