"""Kinds of profile fields, and how a value of an event becomes a value of a kind.

Names follow the Lytics schema. A kind has a *shape* (one value, a set of values, a map by key, counts by day) and the
*element* that its values are made of. A converted value is plain JSON: an instant is epoch milliseconds, an `int`.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from typing import Any, Literal, NamedTuple

import msgspec

from headwater.profiles.exact_numbers import MAGNITUDE_LIMIT
from headwater.profiles.instants import (
    AFTER_LATEST,
    DAY_MILLISECONDS,
    EARLIEST,
    instant_text,
    milliseconds_of,
    parse_milliseconds,
)

Shape = Literal["scalar", "set", "map", "days"]
Element = Literal["string", "bool", "int", "number", "date", "value", "geolocation", "embedding", "count"]

EMBEDDING_LIMIT = 4096
"""Most dimensions of an embedding."""

RESERVED_KEY = "$time"
"""The key under which the database keeps an instant; no map of an event may have it."""

KEY_LIMIT_BYTES = 256
"""Longest key of a map."""

_SHORT_KEY = KEY_LIMIT_BYTES // 4
"""Characters that fit into the limit whatever they are: no character of UTF-8 has more than four bytes."""

_LISTED_ELEMENTS = frozenset({"value", "geolocation", "embedding"})
_TRUE_WORDS = frozenset({"1", "t", "T", "true", "True", "TRUE"})
_FALSE_WORDS = frozenset({"0", "f", "F", "false", "False", "FALSE"})
_MONEY_SIGNS = str.maketrans("", "", "$£€, ")


class Kind(msgspec.Struct, frozen=True):
    """A kind by its public name. `in_order`: a set that is shown in the order of its times."""

    name: str
    shape: Shape
    element: Element
    in_order: bool = False


KINDS: dict[str, Kind] = {
    kind.name: kind
    for kind in (
        Kind("string", "scalar", "string"),
        Kind("bool", "scalar", "bool"),
        Kind("int", "scalar", "int"),
        Kind("number", "scalar", "number"),
        Kind("date", "scalar", "date"),
        Kind("[]string", "set", "string"),
        Kind("[]time", "set", "date", in_order=True),
        Kind("ts[]string", "set", "string", in_order=True),
        Kind("map[string]string", "map", "string"),
        Kind("map[string]int", "map", "int"),
        Kind("map[string]number", "map", "number"),
        Kind("map[string]bool", "map", "bool"),
        Kind("map[string]time", "map", "date"),
        Kind("map[string]value", "map", "value"),
        Kind("geolocation", "scalar", "geolocation"),
        Kind("embedding", "scalar", "embedding"),
        Kind("membership", "map", "bool"),
        Kind("dynamic", "scalar", "value"),
        Kind("flows", "map", "value"),
        Kind("[]timebucket", "days", "count"),
    )
}
"""Every kind that a field may have."""


class Converted(NamedTuple):
    """A value of the kind, or None where the event has none, with the reasons of what was refused on the way."""

    value: Any
    refused: tuple[str, ...] = ()


_NO_VALUE = Converted(None)


class RefusedError(ValueError):
    """A value cannot become a value of the kind. The message is the reason, short enough to count by."""


def convert(kind: Kind, value: Any) -> Converted:
    """Read `value` as a value of `kind`.

    A missing value (None, "", an empty list or object) gives no value and no refusal. Of a set or map the good members are kept
    beside the refused ones. Nothing is raised.
    """
    return converter(kind)(value)


def converter(kind: Kind) -> Callable[[Any], Converted]:
    """The function that reads values as values of `kind`, as `convert` does."""
    read_shape, read = _SHAPES[kind.shape], _ELEMENTS[kind.element]
    takes_first = kind.shape == "scalar" and kind.element not in _LISTED_ELEMENTS

    def read_value(value: Any) -> Converted:
        if takes_first:
            value = _first(value)
        if not value and (value is None or value == "" or value in ([], {})):
            return _NO_VALUE
        return read_shape(read, value)

    return read_value


def _scalar(read: Callable[[Any], Any], value: Any) -> Converted:
    try:
        return Converted(read(value))
    except RefusedError as reason:
        return Converted(None, (str(reason),))


def _set(read: Callable[[Any], Any], value: Any) -> Converted:
    if isinstance(value, dict):
        return Converted(None, ("an object where a list is expected",))
    members: list[Any] = []
    refused: list[str] = []
    for item in value if isinstance(value, list | tuple | set | frozenset) else [value]:
        if item is None or item == "":
            continue
        try:
            members.append(read(item))
        except RefusedError as reason:
            refused.append(str(reason))
    return Converted(members or None, tuple(refused))


def _map(read: Callable[[Any], Any], value: Any) -> Converted:
    if not isinstance(value, dict):
        return Converted(None, ("not an object of keys and values",))
    entries: dict[str, Any] = {}
    refused: list[str] = []
    for key, item in value.items():
        if key == "" or item is None or item == "":
            continue
        try:
            entries[_key(key)] = read(item)
        except RefusedError as reason:
            refused.append(str(reason))
    return Converted(entries or None, tuple(refused))


def _key(key: Any) -> str:
    text = _string(key)
    if text == RESERVED_KEY:
        raise RefusedError("a reserved key")
    if len(text) > _SHORT_KEY and len(text.encode("utf-8", "surrogatepass")) > KEY_LIMIT_BYTES:
        raise RefusedError(f"a key longer than {KEY_LIMIT_BYTES} bytes")
    return text


def _first(value: Any) -> Any:
    """The first item of a list, as the expression language reads a list where one value is expected."""
    return value[0] if isinstance(value, list) and value else value


def _string(value: Any) -> str:
    value = _first(value)
    if isinstance(value, str):
        # Neither JSON documents of the database nor C strings can hold a NUL.
        return value.replace("\0", "\ufffd") if "\0" in value else value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float | Decimal):
        return _number_text(value)
    if isinstance(value, datetime):
        return instant_text(milliseconds_of(value))
    raise RefusedError("an object or list where text is expected")


def _number_text(value: float | Decimal) -> str:
    if not math.isfinite(value):
        raise RefusedError("not a finite number")
    whole = -MAGNITUDE_LIMIT < value < MAGNITUDE_LIMIT and value == int(value)
    return str(int(value)) if whole else str(value)


def _bool(value: Any) -> bool:
    value = _first(value)
    if isinstance(value, bool):
        return value
    if isinstance(value, int | float) and value in (0, 1):
        return bool(value)
    if isinstance(value, str) and value in _TRUE_WORDS:
        return True
    if isinstance(value, str) and value in _FALSE_WORDS:
        return False
    raise RefusedError("not true or false")


def _number(value: Any) -> int | float | Decimal:
    value = _first(value)
    number: int | float | Decimal
    if isinstance(value, str):
        number = _number_of_text(value)
    elif isinstance(value, int | float | Decimal) and not isinstance(value, bool):
        number = value
    else:
        raise RefusedError("not a number")
    if not -MAGNITUDE_LIMIT < number < MAGNITUDE_LIMIT:  # NaN and infinities as well
        raise RefusedError("a number out of range")
    # 7 and 7.0 are one value: one spelling, so that equal profiles are equal byte for byte.
    return int(number) if number == int(number) else number


def _number_of_text(text: str) -> int | float:
    bare = text.translate(_MONEY_SIGNS)
    if not bare.isascii() or "_" in bare:
        raise RefusedError("not a number")
    try:
        return int(bare) if bare.lstrip("+-").isdigit() else float(bare)
    except ValueError:
        raise RefusedError("not a number") from None


def _int(value: Any) -> int:
    return math.trunc(_number(value))


def _date(value: Any) -> int:
    milliseconds = parse_milliseconds(_first(value))
    if milliseconds is None:
        raise RefusedError("not a date")
    if not EARLIEST <= milliseconds < AFTER_LATEST:
        raise RefusedError("a date outside the years 1800 to 2120")
    return milliseconds


def _value(value: Any) -> Any:
    if isinstance(value, datetime):
        return instant_text(milliseconds_of(value))
    if isinstance(value, str):
        return _string(value)
    if isinstance(value, bool | int):
        return value
    if isinstance(value, float | Decimal):
        return _number(value)
    if isinstance(value, list):
        return [_value(item) for item in value]
    if isinstance(value, dict):
        return {_key(key): _value(value[key]) for key in sorted(value)}
    if value is None:
        return None
    raise RefusedError("not a JSON value")


def _geolocation(value: Any) -> str:
    if isinstance(value, dict):
        latitude, longitude = value.get("lat", value.get("latitude")), value.get("lon", value.get("longitude"))
    elif isinstance(value, str):
        latitude, _, longitude = value.partition(",")
    elif isinstance(value, list) and len(value) == 2:
        latitude, longitude = value
    else:
        raise RefusedError("not a place; write latitude,longitude")
    north, east = _number(latitude), _number(longitude)
    if not (-90 <= north <= 90 and -180 <= east <= 180):
        raise RefusedError("a place outside the globe")
    return f"{north},{east}"


def _embedding(value: Any) -> list[int | float | Decimal]:
    if not isinstance(value, list):
        raise RefusedError("not a list of numbers")
    if len(value) > EMBEDDING_LIMIT:
        raise RefusedError(f"more than {EMBEDDING_LIMIT} dimensions")
    return [_number(item) for item in value]


def _days(read: Callable[[Any], Any], value: Any) -> Converted:
    converted = _set(read, value)
    if converted.value is None:
        return converted
    counts: dict[str, int] = {}
    for milliseconds in converted.value:
        day = str(milliseconds // DAY_MILLISECONDS)
        counts[day] = counts.get(day, 0) + 1
    return Converted(counts, converted.refused)


_SHAPES: dict[Shape, Callable[[Callable[[Any], Any], Any], Converted]] = {
    "scalar": _scalar,
    "set": _set,
    "map": _map,
    "days": _days,
}
_ELEMENTS: dict[Element, Callable[[Any], Any]] = {
    "string": _string,
    "bool": _bool,
    "int": _int,
    "number": _number,
    "date": _date,
    "value": _value,
    "geolocation": _geolocation,
    "embedding": _embedding,
    "count": _date,
}
