"""Pieces of SQL over a JSONB value: its kind, its number, its seconds, its elements, and bound parameters."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from decimal import Decimal

from headwater.errors import InputError

PARAMETER_LIMIT = 32_000
"""Most values that one statement can carry; PostgreSQL's protocol ends at 32,767 in some clients."""

NUMERAL = r"^[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]{1,2})?$"
"""A text that is read as a number, as in `values.parse_fraction`."""
NUMERAL_LENGTH = 100

_PLACE = re.compile(r"\$([0-9]+)")

NULL, TRUE, FALSE = "NULL::boolean", "TRUE", "FALSE"


class Parameters:
    """The values of a statement, each bound once however often it is used."""

    def __init__(self) -> None:
        self._places: dict[tuple[str, object], int] = {}
        self._values: list[object] = []

    def number_places(self, text: str, first: int) -> tuple[str, tuple[object, ...]]:
        """The statement with its places numbered from `first`, and their values in that order.

        A value may have been bound for a part that was then given up; PostgreSQL refuses values without a place.
        """
        used = sorted({int(place) for place in _PLACE.findall(text)})
        numbers = {str(place): first + count for count, place in enumerate(used)}
        numbered = _PLACE.sub(lambda place: f"${numbers[place[1]]}", text)
        return numbered, tuple(self._values[place] for place in used)

    def text(self, value: str) -> str:
        """A place for a text. A zero character, which PostgreSQL cannot hold, occurs in no stored text."""
        return self._bind("text", value.replace("\x00", "�"))

    def number(self, value: float) -> str:
        """A place for an exact number."""
        return self._bind("numeric", Decimal(repr(value)) if isinstance(value, float) else Decimal(value))

    def texts(self, values: Iterable[str]) -> str:
        """A place for a list of texts."""
        return self._bind("text[]", tuple(sorted(value.replace("\x00", "�") for value in values)))

    def numbers(self, values: Iterable[float]) -> str:
        """A place for a list of exact numbers."""
        return self._bind(
            "numeric[]", tuple(sorted(Decimal(repr(v)) if isinstance(v, float) else Decimal(v) for v in values))
        )

    def _bind(self, kind: str, value: object) -> str:
        place = self._places.get((kind, value))
        if place is None:
            place = self._places[kind, value] = len(self._values)
            self._values.append(list(value) if isinstance(value, tuple) else value)
            if len(self._values) > PARAMETER_LIMIT:
                raise InputError(
                    f"the filter has more than {PARAMETER_LIMIT:,} different values: split it with INCLUDE"
                )
        return f"${place}::{kind}"


def boolean(value: bool | None) -> str:
    """A constant; None is NULL."""
    if value is None:
        return NULL
    return TRUE if value else FALSE


def by_kind(value: str, results: Mapping[str, str]) -> str:
    """The result for the kind of a JSONB value: missing, number, string, boolean, null, time, map or array.

    A kind that has no result is not evaluable (NULL).
    """
    kinds = {"number": "number", "string": "string", "boolean": "boolean", "null": "null", "array": "array"}
    cases = [f"WHEN '{name}' THEN {results[kind]}" for kind, name in kinds.items() if results.get(kind, NULL) != NULL]
    time, mapping = results.get("time", NULL), results.get("map", NULL)
    if time != NULL or mapping != NULL:
        cases.append(f"WHEN 'object' THEN CASE WHEN {is_time(value)} THEN {time} ELSE {mapping} END")
    present = f"CASE jsonb_typeof({value}) {' '.join(cases)} ELSE {NULL} END" if cases else NULL
    missing = results.get("missing", NULL)
    if missing == NULL:
        return present
    return f"CASE WHEN {value} IS NULL THEN {missing} ELSE {present} END"


def is_time(value: str) -> str:
    """Whether an object is an instant."""
    return f"({value} ? '$time' AND {value} - '$time' = '{{}}'::jsonb)"


def second(value: str) -> str:
    """The whole second of an instant."""
    return f"floor(({value}->>'$time')::numeric)"


def text(value: str) -> str:
    """The text of a JSON string."""
    return f"({value}#>>'{{}}')"


def number(value: str) -> str:
    """The number of a JSON number."""
    return f"({value})::numeric"


def is_whole(value: str) -> str:
    """Whether a JSON number is an int of the language."""
    return f"{number(value)} = trunc({number(value)})"


def without_money(value: str) -> str:
    """A text without money signs, commas and blanks."""
    return f"translate({value}, '$£€, ', '')"


def is_numeral(value: str) -> str:
    """Whether a text is read as a number."""
    return f"({value} ~ '{NUMERAL}' AND length({value}) <= {NUMERAL_LENGTH})"


def any_element(value: str, condition: str) -> str:
    """Whether an element of a list, called `item`, meets a condition."""
    # Both are made of fixed text and $n: what a person wrote is bound.
    return f"EXISTS (SELECT 1 FROM jsonb_array_elements({value}) AS item WHERE {condition})"  # noqa: S608 - see above


def is_strings(value: str) -> str:
    """Whether a list that is not empty holds only texts."""
    other = any_element(value, "jsonb_typeof(item) <> 'string'")
    return f"NOT {other}"


ELEMENT_TEXT = (
    "CASE jsonb_typeof(item) WHEN 'number' THEN trim_scale((item)::numeric)::text WHEN 'null' THEN '' "
    f"WHEN 'object' THEN CASE WHEN {is_time('item')} THEN floor((item->>'$time')::numeric * 1000)::text ELSE '' END "
    "ELSE item#>>'{}' END"
)
"""The text of an element of a list."""
