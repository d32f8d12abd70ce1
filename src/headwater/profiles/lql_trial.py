"""Try mappings on one event: what profile would it make?"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

import msgspec

from headwater.expressions import Select
from headwater.expressions.mappings import column_name
from headwater.profiles.compiled_schema import CompiledSchema
from headwater.profiles.effects import Dropped, EventEffect
from headwater.profiles.fold import fold
from headwater.profiles.instants import milliseconds_of
from headwater.profiles.lql import statement_edit, statement_mappings
from headwater.profiles.schema import EVERY_STREAM, Blocked, Schema
from headwater.profiles.schema_edits import apply_edit, require_sound


class Trial(msgspec.Struct, frozen=True):
    """The fields of the profile that one event makes; none if it belongs to nobody. `dropped` is what was left out and why."""

    fields: Mapping[str, Any]
    dropped: tuple[Dropped, ...]
    belongs: bool


def try_schema(compiled: CompiledSchema, record: Mapping[str, Any], stream: str, now: datetime) -> Trial:
    """The profile that a schema makes of one event that is received now."""
    return _trial(compiled, compiled.effect(record, stream, now, "trial"), now)


def _trial(compiled: CompiledSchema, effect: EventEffect, now: datetime) -> Trial:
    if effect.owner is None:
        return Trial({}, effect.dropped, belongs=False)
    members = dict.fromkeys(effect.sighted(), effect.sighting())
    profile = fold("", members, {effect.owner: effect.fragment()}, compiled, milliseconds_of(now))
    return Trial(profile.fields, effect.dropped, belongs=True)


def statement_schema(schema: Schema, statements: Iterable[Select]) -> CompiledSchema:
    """The schema's rules with these statements as the only mappings, each reading every stream. Raises InputError for a fault in them."""
    statements = tuple(statements)
    for statement in statements:
        schema = apply_edit(schema, statement_edit(schema, statement))
    named = {column_name(column) for statement in statements for column in statement.columns}
    ranks = tuple(name for name in schema.ranks if name in named)
    alone = msgspec.structs.replace(
        schema,
        fields=tuple(field for field in schema.fields if field.id in named),
        mappings=tuple(
            msgspec.structs.replace(each, stream=EVERY_STREAM)
            for statement in statements
            for each in statement_mappings(statement)
        ),
        aliases=(),
        ranks=ranks,
        identifiers={name: each for name, each in schema.identifiers.items() if name in ranks},
        blocked=Blocked(*({name: texts for name, texts in each.items() if name == "*" or name in ranks} for each in
            (schema.blocked.values, schema.blocked.patterns, schema.blocked.exempt))),
    )  # fmt: skip
    return CompiledSchema(require_sound(alone))
