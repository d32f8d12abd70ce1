"""Edits of a schema as values: fields, mappings and ranks to put or to take away.

An edit is applied to whatever schema is there, so it can be kept (a patch) and applied later, and twice to two schemas
that differ.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping as MappingOf
from typing import Literal, TypeVar

import msgspec

from headwater.errors import InputError
from headwater.profiles.schema import Field, IdentifierSettings, Mapping, Schema
from headwater.profiles.schema_check import check_schema

Part = TypeVar("Part", Field, Mapping)

EditState = Literal["new", "modified", "deleted", "unmodified"]
"""What an edit does to one part of a schema (Lytics schema API, patches)."""


class SchemaEdit(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Parts to put, by name; None takes the part away.

    `mappings` are by `mapping_id`; a new one may have any key. `ranks` replaces the whole order if it is given, `identifiers` the
    settings of the types that it names.
    """

    fields: dict[str, Field | None] = {}
    mappings: dict[str, Mapping | None] = {}
    ranks: tuple[str, ...] | None = None
    identifiers: dict[str, IdentifierSettings] = {}


def mapping_id(mapping: Mapping) -> str:
    """The id of a mapping: its own, which stays when it is changed, or else one made from its content."""
    if mapping.id:
        return mapping.id
    text = "\0".join((mapping.field, mapping.stream, mapping.expr, mapping.guard_expr))
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()


def find_mapping(schema: Schema, wanted: str) -> Mapping | None:
    """The mapping with that id."""
    return next((each for each in schema.mappings if mapping_id(each) == wanted), None)


def apply_edit(schema: Schema, edit: SchemaEdit) -> Schema:
    """The schema after an edit. What the edit takes away may be gone already.

    A new identifier field is ranked last unless the edit ranks it; what refers to a field that goes, goes too.
    """
    fields = _put({field.id: field for field in schema.fields}, edit.fields)
    gone = {name for name, field in edit.fields.items() if field is None}
    known = {mapping_id(each): each for each in schema.mappings}
    mappings = tuple(each for each in _put(known, edit.mappings) if each.field not in gone)
    identifiers = [field.id for field in fields if field.is_identifier]
    wanted = schema.ranks if edit.ranks is None else edit.ranks
    # A rank that names no identifier stays where the edit itself asks for it: checking says what is wrong.
    ranks = [name for name in wanted if name in identifiers or edit.ranks is not None]
    ranks += [name for name in identifiers if name not in ranks]
    settings = schema.identifiers | edit.identifiers
    return msgspec.structs.replace(
        schema,
        fields=fields,
        mappings=mappings,
        aliases=tuple(each for each in schema.aliases if each.field in identifiers),
        ranks=tuple(ranks),
        identifiers={name: each for name, each in settings.items() if name in identifiers or name in edit.identifiers},
    )


def _put(known: MappingOf[str, Part], edits: MappingOf[str, Part | None]) -> tuple[Part, ...]:
    """Replaced parts keep their place, new ones come last."""
    kept = {**known}
    for name, part in edits.items():
        if part is None:
            kept.pop(name, None)
        else:
            kept[name] = part
    return tuple(kept.values())


def edit_states(schema: Schema, edit: SchemaEdit) -> dict[str, dict[str, EditState]]:
    """What an edit would do to each part that it names: by `fields`, `mappings` and `ranks`."""
    fields = {field.id: field for field in schema.fields}
    mappings = {mapping_id(each): each for each in schema.mappings}
    states: dict[str, dict[str, EditState]] = {
        "fields": {name: _state(fields.get(name), field) for name, field in edit.fields.items()},
        "mappings": {name: _state(mappings.get(name), each) for name, each in edit.mappings.items()},
        "ranks": {},
    }
    if edit.ranks is not None:
        states["ranks"] = {"fields": "unmodified" if edit.ranks == schema.ranks else "modified"}
    return states


def _state(before: Field | Mapping | None, after: Field | Mapping | None) -> EditState:
    if after is None:
        return "deleted" if before is not None else "unmodified"
    if before is None:
        return "new"
    return "unmodified" if before == after else "modified"


def join_edits(first: SchemaEdit, second: SchemaEdit) -> SchemaEdit:
    """Both edits as one, the second after the first."""
    return SchemaEdit(
        fields=first.fields | second.fields,
        mappings=first.mappings | second.mappings,
        ranks=first.ranks if second.ranks is None else second.ranks,
        identifiers=first.identifiers | second.identifiers,
    )


def require_sound(schema: Schema) -> Schema:
    """The schema itself. Raises InputError that names the place of its first fault and tells all of them."""
    errors = [problem for problem in check_schema(schema) if problem.severity == "error"]
    if errors:
        others = "".join(f"; {each.place}: {each.message}" for each in errors[1:])
        raise InputError(errors[0].message + others, errors[0].place)
    return schema
