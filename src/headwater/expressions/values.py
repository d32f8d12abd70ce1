"""The values of the language: their kinds, and how one kind is read as another.

| Python value | kind | | Python value | kind |
|---|---|---|---|---|
| int, whole float | int | | list of texts only | strings |
| other float | number | | other list, tuple | list |
| str | string | | dict | map |
| bool | bool | | aware datetime | time |
| None | nil | | `NOTHING` | missing |

A list written in an expression is a tuple: its kind is `list` even if it holds only texts.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final, final

Value = Any
"""A value of the language: anything in the table above."""


@final
class Nothing:
    """The type of `NOTHING`."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "NOTHING"


NOTHING: Final = Nothing()
"""No value: a field that is absent, or an expression that cannot be evaluated."""

_INT64_LIMIT = 2.0**63
EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
ZERO_TIME: Final = datetime(1, 1, 1, tzinfo=UTC)
"""The instant that stands for "never": it exists, but functions treat it as empty."""

_KINDS: Final[dict[type, str]] = {
    int: "int",
    float: "number",
    str: "string",
    bool: "bool",
    type(None): "nil",
    dict: "map",
    datetime: "time",
    tuple: "list",
    Nothing: "missing",
}


def kind_of(value: Value) -> str:
    """The kind of a value, by the table of this module."""
    kind = _KINDS.get(type(value))
    if kind is not None:
        return kind
    if type(value) is not list:
        return kind_of(from_field(value))
    return "strings" if value and all(type(item) is str for item in value) else "list"


_PLAIN: Final = frozenset({str, int, bool, type(None), dict, list})


def from_field(raw: Any) -> Value:
    """A field's content as a value: whole fractions become ints, a time without zone is UTC, infinity is nothing.

    Anything that has no place in the language is NOTHING.
    """
    kind = type(raw)
    if kind in _PLAIN:
        return raw
    if kind is float:
        if raw.is_integer() and abs(raw) < _INT64_LIMIT:
            return int(raw)
        return raw if math.isfinite(raw) else NOTHING
    if kind is Decimal:
        if not raw.is_finite():
            return NOTHING
        return int(raw) if raw == raw.to_integral_value() and abs(raw) < _INT64_LIMIT else float(raw)
    if kind is datetime:
        return raw if raw.tzinfo is not None else raw.replace(tzinfo=UTC)
    if isinstance(raw, tuple | set | frozenset):
        return list(raw)
    return dict(raw) if isinstance(raw, Mapping) else NOTHING


def epoch_second(instant: datetime) -> int:
    """Whole seconds since 1970, rounded down: times are compared to the second."""
    gap = instant - EPOCH
    return gap.days * 86400 + gap.seconds


def epoch_microsecond(instant: datetime) -> int:
    """Whole microseconds since 1970."""
    gap = instant - EPOCH
    return (gap.days * 86400 + gap.seconds) * 1_000_000 + gap.microseconds


def is_empty(value: Value) -> bool:
    """Missing, nil, an empty text, list or map, or the zero time. 0 and false are not empty."""
    if value is NOTHING or value is None:
        return True
    if isinstance(value, str | list | tuple | dict):
        return not value
    return isinstance(value, datetime) and value == ZERO_TIME


_INTEGER = re.compile(r"[+-]?[0-9]+")
_FRACTION = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]{1,2})?")
_MONEY = str.maketrans("", "", "$£€, ")
_DIGITS_LIMIT = 100
"""Longest text that is read as a number. With an exponent of two digits at most, every such text fits a double, in
Python as in PostgreSQL, which refuses what does not."""


def parse_integer(text: str) -> int | None:
    """A text of decimal digits with an optional sign; None for anything else."""
    return int(text) if len(text) <= _DIGITS_LIMIT and _INTEGER.fullmatch(text) else None


def parse_fraction(text: str) -> float | None:
    """A decimal number, exponent of one or two digits allowed; None for anything else."""
    return float(text) if len(text) <= _DIGITS_LIMIT and _FRACTION.fullmatch(text) else None


def parse_amount(text: str) -> float | None:
    """Like `parse_fraction`, after taking out `$`, `£`, `€`, commas and blanks."""
    return parse_fraction(text.translate(_MONEY))


def parse_numeral(text: str) -> int | float | None:
    """An integer if the text is one, else a fraction, else None: how a text beside a number is read."""
    whole = parse_integer(text)
    return whole if whole is not None else parse_fraction(text)


def to_number(value: Value) -> float | None:
    """Any value as a double: numbers, money texts, booleans as 0 and 1, times as milliseconds. None if it is none."""
    kind = type(value)
    if kind is int or kind is float or kind is bool:
        return _finite(value)
    if kind is str:
        return parse_amount(value)
    if kind is Decimal:
        return to_number(from_field(value))
    return float(epoch_microsecond(value) // 1000) if kind is datetime else None


def _finite(value: float) -> float | None:
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None


def to_integer(value: Value) -> int | None:
    """Any value as an integer, cut towards zero. Texts may hold money signs and a fraction but no exponent.

    A list gives its first element, a time its milliseconds, a boolean None.
    """
    kind = type(value)
    if kind is int:
        return int(value)
    if kind is float:
        return int(value) if math.isfinite(value) else None
    if kind is str:
        return _text_to_integer(value)
    if kind is datetime:
        return epoch_microsecond(value) // 1000
    if kind is Decimal:
        return to_integer(from_field(value))
    return to_integer(value[0]) if isinstance(value, list | tuple) and value else None


def _text_to_integer(text: str) -> int | None:
    bare = text.translate(_MONEY)
    if "." not in bare:
        return parse_integer(bare)
    fraction = parse_fraction(bare)
    return None if fraction is None else int(fraction)


TRUE_WORDS: Final = frozenset({"1", "t", "T", "true", "TRUE", "True"})
FALSE_WORDS: Final = frozenset({"0", "f", "F", "false", "FALSE", "False"})


def parse_boolean(text: str) -> bool | None:
    """The words for true and false; None for any other text."""
    if text in TRUE_WORDS:
        return True
    return False if text in FALSE_WORDS else None


def to_boolean(value: Value) -> bool | None:
    """A boolean, its words, or a number that is 0 or 1 when cut; None for anything else."""
    kind = type(value)
    if kind is bool:
        return bool(value)
    if kind is str:
        return parse_boolean(value)
    if kind is int or kind is float:
        number = to_integer(value)
        return bool(number) if number in (0, 1) else None
    return None


def to_text(value: Value) -> str:
    """The text of any value: times in epoch milliseconds, lists joined with commas, nothing and nil as ""."""
    kind = type(value)
    if kind is str:
        return str(value)
    if kind is bool:
        return "true" if value else "false"
    if kind is int:
        return str(value)
    if kind is float:
        return _fraction_text(value)
    if kind is datetime:
        return str(epoch_microsecond(value) // 1000)
    if kind is Decimal:
        return to_text(from_field(value))
    return ",".join(map(to_text, value)) if isinstance(value, list | tuple) else ""


def _fraction_text(value: float) -> str:
    if not math.isfinite(value):
        return ""
    text = format(Decimal(repr(value)), "f")
    return text.removesuffix(".0")


def one_text(value: Value) -> str | None:
    """The text of a scalar or of a list's first element; None for maps, nil and nothing."""
    if isinstance(value, list | tuple):
        return one_text(value[0]) if value else None
    if value is None or value is NOTHING or isinstance(value, dict):
        return None
    return to_text(value)
