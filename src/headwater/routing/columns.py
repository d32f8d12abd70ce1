"""Columns of a Parquet object: the declared ones with their types, and a column of text for every other key.

Types never depend on the values that happen to come: two objects whose columns of one name had different types could not be
read as one table. What is not declared is therefore text, with JSON text for numbers, objects and lists.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec

from headwater import jsontext
from headwater.errors import ConfigurationError
from headwater.playbooks.scalars import number_of, to_bool

OTHER = "_other"
"""The last column of every object: what has no column, as the JSON text of an object."""
RESERVED = frozenset({OTHER, "event_date", "event_hour"})
"""Taken by that column and by the folders of the partitions."""
UNDECLARED_LIMIT = 500
"""Columns that outputs may add to an object: whoever may send events must not be able to add without end."""
_LARGEST = 2**63


class Columns(msgspec.Struct, frozen=True):
    """The declared columns, name → type, in their order."""

    types: Mapping[str, str] = {}

    def misfits(self, output: Mapping[str, Any]) -> list[str]:
        """For each declared column whose value is not of its type: a sentence. Such a value is null in the table."""
        return [
            f"{name}: {output[name]!r:.100} is no {kind}; the column is left empty, and the value is in {OTHER}"
            for name, kind in self.types.items()
            if output.get(name) is not None and fitted(kind, output[name]) is None
        ]

    def undeclared(self, outputs: Sequence[Mapping[str, Any]]) -> list[str]:
        """Names of the text columns, sorted. Two names that differ in case only would be one for most readers."""
        taken = {name.lower() for name in (*self.types, *RESERVED)}
        names: list[str] = []
        for name in sorted({name for output in outputs for name in output}):
            if name.lower() not in taken and len(names) < UNDECLARED_LIMIT:
                names.append(name)
                taken.add(name.lower())
        return names

    def rest(self, output: Mapping[str, Any], columns: Iterable[str]) -> str | None:
        """What of an output has no place in these columns or in the declared ones, as JSON text; None when all has."""
        homeless = {
            name: value
            for name, value in output.items()
            if name not in columns and not (name in self.types and fitted(self.types[name], value) is not None)
        }
        kept = {name: value for name, value in homeless.items() if value is not None}
        return jsontext.encode(kept).decode() if kept else None


def columns_of(written: Any) -> Columns:
    """The columns of a connection: a list of `name:type`, or one text with commas. Raises ConfigurationError."""
    rows = written.split(",") if isinstance(written, str) else [str(row) for row in written or ()]
    types: dict[str, str] = {}
    for row in (row.strip() for row in rows if row.strip()):
        name, _, kind = row.rpartition(":")
        if not name or kind not in _FITTING:
            raise ConfigurationError(f"{row!r} is not name:type with a type of {', '.join(_FITTING)}", "columns")
        if name.lower() in {*RESERVED, *(known.lower() for known in types)}:
            raise ConfigurationError(f"{name!r} is there twice or reserved; remove it", "columns")
        types[name] = kind
    return Columns(types)


def fitted(kind: str, value: Any) -> Any:
    """A value as its column holds it; None when it is not of the type."""
    return None if value is None else _FITTING[kind](value)


def text_of(value: Any) -> str | None:
    """Text as it is, anything else as JSON text."""
    return value if value is None or isinstance(value, str) else jsontext.encode(value).decode()


def _number(value: Any) -> float | None:
    number = number_of(value)
    try:
        found = None if number is None else float(number)
    except OverflowError:  # an integer beyond the range of a double
        return None
    return found if found is not None and math.isfinite(found) else None


def _integer(value: Any) -> int | None:
    number = number_of(value)
    if number is None or _number(number) is None or number != int(number) or not -_LARGEST <= number < _LARGEST:
        return None
    return int(number)


def _time(value: Any) -> datetime | None:
    try:
        moment = datetime.fromisoformat(value) if isinstance(value, str) else None
        if moment is None:
            return None
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


_FITTING: Mapping[str, Callable[[Any], Any]] = {
    "text": text_of,
    "number": _number,
    "integer": _integer,
    "boolean": to_bool,
    "time": _time,
}
