"""Mapping expressions of a schema: LQL text in, a function over records out."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

import msgspec

_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


class MappingExpression(msgspec.Struct, frozen=True):
    """A compiled expression. `evaluate(record, event_time)` gives a value, None where there is none.

    `key` is the record's key if the expression is nothing but that key, else "". `keys` are all keys that it names.
    """

    evaluate: Callable[[Mapping[str, Any], datetime], Any]
    key: str
    keys: frozenset[str]
    counts: bool = False


def compile_mapping(text: str) -> MappingExpression:
    """Compile an expression. Raises InputError that says what is wrong and where in the text."""
    return MappingExpression(lambda record, _now: record.get(text), text, frozenset({text}))
