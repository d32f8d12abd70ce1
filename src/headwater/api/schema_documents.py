"""Parts of a schema as the second Lytics API reads and writes them."""

from __future__ import annotations

from collections.abc import Mapping as MappingOf
from typing import Any

import msgspec

from headwater.api.lytics_replies import converted, object_of
from headwater.errors import InputError
from headwater.profiles.schema import Field, IdentifierSettings, Mapping, Schema
from headwater.profiles.schema_edits import EditState, SchemaEdit, find_mapping, mapping_id

_SET_HERE = frozenset({"state"})
"""Keys of replies that a request may carry back; they say nothing."""
_NOT_OURS = {"many_to": [], "compact_over": 0, "compact_after_days": 0}
"""Settings of Lytics' identity that have no meaning here, with the values that are accepted."""


def plain(part: msgspec.Struct) -> dict[str, Any]:
    """A part with all its attributes, defaults too."""
    return {name: _plain(getattr(part, name)) for name in part.__struct_fields__}


def _plain(value: Any) -> Any:
    if isinstance(value, msgspec.Struct):
        return plain(value)
    return list(value) if isinstance(value, tuple) else value


def field_document(field: Field, state: EditState = "unmodified") -> dict[str, Any]:
    """A field as the API shows it; `state` is what the draft did to it."""
    return {**plain(field), "state": state}


def mapping_document(mapping: Mapping, state: EditState = "unmodified") -> dict[str, Any]:
    """A mapping as the API shows it, with its id."""
    return {**plain(mapping), "id": mapping_id(mapping), "state": state}


def rank_document(schema: Schema) -> dict[str, Any]:
    """The order of identifiers and the settings of each."""
    return {"id_ranks": {"fields": list(schema.ranks)}, "id_config": config_documents(schema)}


def config_documents(schema: Schema) -> list[dict[str, Any]]:
    """The settings of each identifier, strongest first."""
    return [
        {"field": name, **plain(schema.identifiers.get(name, IdentifierSettings())), **_NOT_OURS}
        for name in schema.ranks
    ]


def read_field(body: bytes, name: str | None = None) -> Field:
    """A field from a request: all of it, as the API replaces fields whole. `name` is the one in the path.

    Raises InputError that names the attribute.
    """
    document = object_of(body, (*Field.__struct_fields__, *_SET_HERE), other_names={"field": "id"})
    document = {key: value for key, value in document.items() if key not in _SET_HERE and value is not None}
    if name is not None and document.setdefault("id", name) != name:
        raise InputError(f"the path names {name!r}", "id")
    if document.get("mergeop") and document.get("is_identifier"):
        raise InputError("Identifier Field cannot define a Merge Operation.", "mergeop")
    field: Field = converted(document, Field)
    return field


def read_mapping(body: bytes, schema: Schema, name: str | None = None) -> tuple[str, Mapping]:
    """A mapping from a request and the id to put it under; `name` is the id in the path.

    Raises InputError that names the attribute, and for another stream than that of the mapping that is changed.
    """
    document = object_of(body, (*Mapping.__struct_fields__, *_SET_HERE))
    document = {key: value for key, value in document.items() if key not in _SET_HERE and value is not None}
    if name is not None and document.setdefault("id", name) != name:
        raise InputError(f"the path names {name!r}", "id")
    mapping: Mapping = converted(document, Mapping)
    if not mapping.id:
        return mapping_id(mapping), mapping
    before = find_mapping(schema, mapping.id)
    if before is None:
        raise InputError(f"there is no mapping {mapping.id!r}", "id", "not_found")
    if "stream" not in document:
        mapping = msgspec.structs.replace(mapping, stream=before.stream)
    elif mapping.stream != before.stream:
        raise InputError("the stream of a mapping cannot change; delete it and make another one", "stream")
    bare = msgspec.structs.replace(mapping, id="")
    return mapping.id, bare if mapping_id(bare) == mapping.id else mapping


def read_ranks(body: bytes) -> SchemaEdit:
    """Ranks from a request, with settings if it has any: `{"fields": […]}` or `{"id_ranks": {"fields": […]}, "id_config": […]}`."""
    document = object_of(body, ("id_ranks", "id_config", "fields"))
    ranks = document.get("id_ranks", {"fields": document["fields"]} if "fields" in document else None)
    if ranks is not None and (not isinstance(ranks, dict) or set(ranks) != {"fields"}):
        raise InputError('expected {"fields": […]}', "id_ranks")
    return SchemaEdit(
        ranks=None if ranks is None else converted(ranks["fields"], tuple[str, ...], "fields"),
        identifiers=settings_of(document.get("id_config", [])),
    )


def settings_of(documents: Any) -> dict[str, IdentifierSettings]:
    """Settings of identifiers by field, from a list of objects. Raises InputError for one that has no meaning here."""
    settings: dict[str, IdentifierSettings] = {}
    for document in converted(documents, list[dict[str, Any]], "id_config"):
        name = document.get("field")
        if not isinstance(name, str):
            raise InputError("each entry must name its field", "id_config.field")
        for key, harmless in _NOT_OURS.items():
            if document.get(key) not in (None, harmless):
                raise InputError(
                    "has no meaning here; unique, limit, window_days and alarm say how an identifier joins profiles",
                    f"id_config.{name}.{key}",
                )
        own = {key: value for key, value in document.items() if key != "field" and key not in _NOT_OURS}
        settings[name] = converted(own, IdentifierSettings, f"id_config.{name}")
    return settings


def states_of(before: Schema, after: Schema) -> tuple[MappingOf[str, EditState], MappingOf[str, EditState]]:
    """What the way from one schema to another did to fields and to mappings, by name and id. What is gone is "deleted"."""
    return (
        _states({field.id: field for field in before.fields}, {field.id: field for field in after.fields}),
        _states(
            {mapping_id(each): each for each in before.mappings}, {mapping_id(each): each for each in after.mappings}
        ),
    )


def _states(before: MappingOf[str, Any], after: MappingOf[str, Any]) -> dict[str, EditState]:
    states: dict[str, EditState] = {}
    for name, part in after.items():
        if name not in before:
            states[name] = "new"
        else:
            states[name] = "unmodified" if part == before[name] else "modified"
    return states | dict.fromkeys(before.keys() - after.keys(), "deleted")
