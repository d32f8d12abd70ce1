"""Make a field of a key that records have: the field, and the mapping that fills it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Protocol

import msgspec

from headwater.errors import InputError
from headwater.expressions.printer import field_text
from headwater.expressions.tree import Field as KeyName
from headwater.profiles.kind_guess import reading_expression
from headwater.profiles.schema import EVERY_STREAM, Field, Mapping, Schema
from headwater.profiles.schema_edits import SchemaEdit, mapping_id

_PREFIX = re.compile(r"^(?:context_traits|context|traits|properties)[_.]")
_NO_NAME = re.compile(r"[^a-z0-9_]+")
_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


class Promotion(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which key of which stream, and perhaps the name and kind of the field. `every_stream`: read it on all streams."""

    stream: str
    key: str
    field: str = ""
    type: str = ""
    shortdesc: str = ""
    is_pii: bool = False
    every_stream: bool = False


class SeenKey(Protocol):
    """What is known of a key."""

    @property
    def name(self) -> str:
        """The key."""

    @property
    def suggested_kind(self) -> str:
        """The kind that would suit its values."""


def promotion_edit(schema: Schema, wanted: Promotion, seen: Iterable[SeenKey]) -> SchemaEdit:
    """The edit that adds field and mapping. Raises InputError for a key that was not seen, or a field name that is taken."""
    key = next((each for each in seen if each.name == wanted.key), None)
    if key is None:
        raise InputError(
            f"no record of the stream {wanted.stream!r} was seen with the key {wanted.key!r}", "key", "not_found"
        )
    name = wanted.field or field_name(wanted.key)
    held = schema.field(name)
    kind = wanted.type or (key.suggested_kind if held is None else held.type)
    if held is not None and held.type != kind:
        raise InputError(f"there is a field {name!r} of kind {held.type}; give another name", "field", "conflict")
    field = held or Field(name, kind, wanted.shortdesc, is_pii=wanted.is_pii)
    expression = reading_expression(field_text(KeyName(name=wanted.key, at=0)), kind)
    mapping = Mapping(name, expression, EVERY_STREAM if wanted.every_stream else wanted.stream)
    return SchemaEdit(fields={} if held else {name: field}, mappings={mapping_id(mapping): mapping})


def field_name(key: str) -> str:
    """A name for the field of a key: `traits_favouriteColour` becomes `favourite_colour`."""
    bare = _NO_NAME.sub("_", _HUMP.sub("_", _PREFIX.sub("", key)).lower()).strip("_")[:100]
    return bare if bare[:1].isalpha() else f"key_{bare}"
