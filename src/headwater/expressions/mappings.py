"""LQL mappings ready to run: an event in, values for profile fields out."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple

import msgspec

from headwater.expressions.compiler import Evaluate, compile_node
from headwater.expressions.context import Context
from headwater.expressions.functions import find_function
from headwater.expressions.includes import Resolver, no_includes
from headwater.expressions.statements import Column, Select
from headwater.expressions.tree import Call, Field, MatchAll, Node, walk
from headwater.expressions.values import NOTHING, Value, from_field

_PREFIXES = {"count": "ct", "valuect": "cts", "mapct": "cts"}
_UNPREFIXED = frozenset({"todate", "toint", "tostring", "tonumber"})
_PLAIN_KIND = "string"


class CompiledColumn(NamedTuple):
    """A column of a mapping: the profile field it fills, its kind and merge operator (None: the kind's own)."""

    field: str
    kind: str
    merge_op: str | None
    guard: Evaluate | None
    value: Evaluate


class Row(msgspec.Struct, frozen=True):
    """What a mapping made of an event. `matched` is False if WHERE or FILTER dropped the whole event."""

    matched: bool
    fields: Mapping[str, Value]
    evaluable: bool = True
    """False if WHERE or FILTER could not be evaluated."""


_DROPPED = Row(matched=False, fields={})
_UNDECIDED = Row(matched=False, fields={}, evaluable=False)


class CompiledMapping:
    """A SELECT statement ready to run."""

    def __init__(self, statement: Select, resolver: Resolver = no_includes) -> None:
        self.statement = statement
        condition = statement.where if statement.where is not None else statement.filter
        self._condition = None if condition is None else compile_node(condition, resolver)
        self.takes_all = any(isinstance(column.expression, MatchAll) for column in statement.columns)
        self.columns = tuple(
            _compile_column(column, resolver)
            for column in statement.columns
            if not isinstance(column.expression, MatchAll)
        )

    def run(self, event: Mapping[str, Any], now: datetime, event_time: datetime | None = None) -> Row:
        """The values for the profile. A column is there only if its guard is absent or true and it has a value."""
        context = Context(event, now, event_time)
        if self._condition is not None:
            verdict = self._condition(context)
            if verdict is not True:
                return _UNDECIDED if verdict is NOTHING else _DROPPED
        fields: dict[str, Value] = {name: from_field(value) for name, value in event.items()} if self.takes_all else {}
        for column in self.columns:
            if column.guard is None or column.guard(context) is True:
                value = column.value(context)
                if value is not NOTHING:
                    fields[column.field] = value
        return Row(matched=True, fields=fields)


def _compile_column(column: Column, resolver: Resolver) -> CompiledColumn:
    return CompiledColumn(
        field=column_name(column),
        kind=column_kind(column),
        merge_op=column.merge_op,
        guard=None if column.guard is None else compile_node(column.guard, resolver),
        value=compile_node(column.expression, resolver),
    )


def column_name(column: Column) -> str:
    """The profile field: the name after AS, a plain field's own name, else function and first field: `ct_visits`."""
    if column.name is not None:
        return column.name
    first = next((part.name for part in walk(column.expression) if isinstance(part, Field)), "")
    prefix = _prefix(column.expression)
    return "_".join(part for part in (prefix, first) if part)


def _prefix(node: Node) -> str:
    if not isinstance(node, Call):
        return ""
    spec = find_function(node.name)
    name = node.name.lower() if spec is None else spec.name
    return "" if name in _UNPREFIXED else _PREFIXES.get(name, node.name.lower())


def column_kind(column: Column) -> str:
    """The kind of a column: what KIND says, else the function's own, else string."""
    if column.kind is not None:
        return column.kind
    spec = find_function(column.expression.name) if isinstance(column.expression, Call) else None
    if spec is None or spec.kind == "any":
        return _PLAIN_KIND
    return "date" if spec.kind == "time" else spec.kind
