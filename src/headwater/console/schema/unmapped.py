"""Keys that records have and nothing reads, each with the mapping that would suit it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from headwater.expressions.printer import field_text
from headwater.expressions.tree import Field as KeyName
from headwater.profiles.kind_guess import reading_expression
from headwater.profiles.mapping_expressions import compile_mapping
from headwater.profiles.schema import EVERY_STREAM, Field, Mapping, Schema
from headwater.profiles.schema_check import RESERVED_NAMES, RESERVED_PREFIXES
from headwater.profiles.schema_edits import SchemaEdit
from headwater.profiles.versions.stream_store import ObservedField, ObservedStream

SHOWN = 100


class UnmappedKey(NamedTuple):
    """A key with the field that it would become."""

    stream: str
    key: ObservedField
    field: str
    kind: str


def unmapped_keys(streams: Sequence[ObservedStream], schema: Schema) -> list[UnmappedKey]:
    """Keys that no mapping of their stream names, the most frequent first."""
    read = _keys_read(schema)
    prefixes = _prefixes_read(schema)
    found = [
        UnmappedKey(stream.name, key, field_name(key.name), key.suggested_kind)
        for stream in streams
        for key in stream.fields
        if key.name not in read.get(EVERY_STREAM, set()) | read.get(stream.name, set())
        and not key.name.startswith(prefixes)
    ]
    return sorted(found, key=lambda each: (-each.key.count, each.stream, each.key.name))[:SHOWN]


def edit_for(schema: Schema, stream: str, key: str, name: str, kind: str) -> SchemaEdit:
    """The edit that maps a key of a stream to a field, which is made unless it is there."""
    held = schema.field(name)
    expression = reading_expression(field_text(KeyName(name=key, at=0)), kind if held is None else held.type)
    fields: dict[str, Field | None] = {} if held is not None else {name: Field(id=name, type=kind)}
    return SchemaEdit(fields=fields, mappings={"new": Mapping(field=name, expr=expression, stream=stream)})


def field_name(key: str) -> str:
    """A name that a field may have, from a key."""
    plain = re.sub(r"[^a-z0-9_]+", "_", key.lower()).strip("_")[:100] or "field"
    plain = plain if re.match(r"[a-z]", plain) else f"f_{plain}"
    reserved = plain in RESERVED_NAMES or plain.startswith(RESERVED_PREFIXES)
    return f"{plain}_value" if reserved else plain


def _keys_read(schema: Schema) -> dict[str, set[str]]:
    read: dict[str, set[str]] = {EVERY_STREAM: {*schema.event_time, *schema.message_id}}
    for source in schema.sources:
        keys = read.setdefault(source.stream, set())
        keys.update(compile_mapping(source.expr).keys)
        if source.guard_expr:
            keys.update(compile_mapping(source.guard_expr).keys)
    return read


def _prefixes_read(schema: Schema) -> tuple[str, ...]:
    return tuple({prefix for each in schema.mappings for prefix in compile_mapping(each.expr).prefixes if prefix})
