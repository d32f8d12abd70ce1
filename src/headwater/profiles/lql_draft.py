"""A first LQL statement from a sample of CSV data, for a person to improve."""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Iterable, Sequence

from headwater.errors import InputError
from headwater.expressions.printer import field_text
from headwater.expressions.tree import Field as KeyName
from headwater.profiles.kind_guess import kind_of, reading_expression, suggested_kind
from headwater.profiles.schema import Schema

ROWS_LIMIT = 1_000
"""Rows of a sample that are looked at."""

EMAIL = "email"

_EMAIL_NAME = re.compile(r"e.?mail(?:[ _.-]?addr(?:ess)?)?", re.IGNORECASE)
_IDENTIFYING_NAME = re.compile(r"(?:^|[_.])(?:uid|user_?id|customer_?id|id)$", re.IGNORECASE)


def draft_statement(schema: Schema, sample: str, stream: str, alias: str) -> str:
    """An LQL statement for rows like those of the sample, whose first row are the names.

    Columns that the schema knows keep their names; kinds are guessed. Raises InputError for a sample without names or rows.
    """
    rows = _rows(sample)
    names = [name.strip() for name in rows[0]] if rows else []
    if not any(names):
        raise InputError("no names; the first row of the sample must be the names of the columns", "body")
    columns = []
    taken: set[str] = set()
    for place, name in enumerate(names):
        field = _field_of(schema, name)
        if name and field not in taken:
            taken.add(field)
            columns.append((field, _column(schema, name, field, [row[place] for row in rows[1:] if place < len(row)])))
    by = _identifying(schema, [field for field, _ in columns])
    lines = ",\n    ".join(text for _, text in columns)
    return f"SELECT\n    {lines}\nFROM {_name(stream)}\nINTO {schema.table}\nBY {' OR '.join(map(_name, by))}\nALIAS {_name(alias)}"


def _rows(sample: str) -> list[list[str]]:
    try:
        reader = csv.reader(io.StringIO(sample, newline=""), strict=True)
        return [row for _, row in zip(range(ROWS_LIMIT), reader, strict=False)]
    except csv.Error as fault:
        raise InputError(f"not CSV: {fault}", "body") from None


def _column(schema: Schema, name: str, field: str, values: Sequence[str]) -> str:
    held = schema.field(field)
    kind = suggested_kind(name, Counter(kind_of(value) for value in values if value)) if held is None else held.type
    key = _name(name)
    expression = f"email({key})" if _EMAIL_NAME.search(name) and kind == "string" else reading_expression(key, kind)
    shown = "" if kind == "string" else f" KIND {kind}"
    return f"{expression} AS {_name(field)}{shown}"


def _field_of(schema: Schema, name: str) -> str:
    return EMAIL if _EMAIL_NAME.fullmatch(name) and schema.field(EMAIL) is not None else _field_name(name)


def _field_name(name: str) -> str:
    """A column's name as a field's name: small letters, digits and _, beginning with a letter or _."""
    bare = re.sub(r"[^a-z0-9_.]+", "_", name.lower()).strip("_") if not name.startswith("_") else name.lower()
    bare = re.sub(r"[^a-z0-9_.]+", "_", bare)[:100]
    return bare if re.match(r"[a-z_]", bare) else f"c_{bare}"


def _identifying(schema: Schema, fields: Iterable[str]) -> list[str]:
    """The identifiers among the fields; if the schema knows none of them, those that look like one, or the first field."""
    fields = list(fields)
    known = [name for name in schema.ranks if name in fields]
    looking = [name for name in fields if _IDENTIFYING_NAME.search(name)]
    return known or looking[:1] or fields[:1]


def _name(name: str) -> str:
    return field_text(KeyName(name=name, at=0))
