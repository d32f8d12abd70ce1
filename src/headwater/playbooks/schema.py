"""JSON Schema (2020-12) of the documents of a kit, from the same shapes that the checker uses."""

from __future__ import annotations

from typing import Any

from headwater.playbooks.connection_shape import CONNECTION
from headwater.playbooks.grammar import Flag, ListOf, MapOf, Number, Object, Reference, Shape, Text
from headwater.playbooks.playbook_shape import METADATA, PLAYBOOK, SHAPES

DOCUMENTS: dict[str, Object] = {"playbook": PLAYBOOK, "connection": CONNECTION, "metadata": METADATA}

_PLACEHOLDER = {"type": "string", "pattern": r"\$\$[A-Z][A-Z0-9_]*\$\$"}


def schemas() -> dict[str, Any]:
    """The schema of each document by its name."""
    return {name: document_schema(name) for name in DOCUMENTS}


def document_schema(name: str) -> dict[str, Any]:
    """The schema of one document: `playbook`, `connection` or `metadata`."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"Headwater {name}",
        **_object(DOCUMENTS[name]),
        "$defs": {shape: _object(SHAPES[shape]) for shape in SHAPES},
    }


def _schema(shape: Shape) -> dict[str, Any]:
    if isinstance(shape, Object):
        return _object(shape)
    if isinstance(shape, Reference):
        return {"$ref": f"#/$defs/{shape.name}"}
    if isinstance(shape, ListOf):
        items: dict[str, Any] = {"type": "array", "items": _schema(shape.item)}
        return {"anyOf": [items, {"type": "string"}]} if shape.or_text else items
    if isinstance(shape, MapOf):
        return {"type": "object", "additionalProperties": _schema(shape.value)}
    return _scalar(shape)


def _scalar(shape: Text | Number | Flag) -> dict[str, Any]:
    if isinstance(shape, Flag):
        return {"anyOf": [{"type": "boolean"}, _PLACEHOLDER]}
    if isinstance(shape, Number):
        number: dict[str, Any] = {"type": "integer" if shape.whole else "number"}
        if shape.minimum is not None:
            number["minimum"] = shape.minimum
        return {"anyOf": [number, {"type": "string"}]}
    if shape.choices:
        return {"anyOf": [{"enum": list(shape.choices)}, _PLACEHOLDER]}
    return {"type": "string", "pattern": f"^(?:{shape.pattern})$"} if shape.pattern else {"type": "string"}


def _object(shape: Object) -> dict[str, Any]:
    schema: dict[str, Any] = {
        "type": "object",
        "properties": {
            field.name: {**_schema(field.shape), "description": field.description} for field in shape.fields
        },
        "additionalProperties": shape.loose_names,
    }
    required = [field.name for field in shape.fields if field.required]
    if required and not shape.loose_names:
        schema["required"] = required
    if shape.one_of:
        alternatives = [{"required": [name]} for name in shape.one_of]
        none = {"not": {"anyOf": alternatives}}
        schema["oneOf"] = [*alternatives, none] if shape.at_most else alternatives
    return schema
