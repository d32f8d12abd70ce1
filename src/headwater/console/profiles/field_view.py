"""The fields of a profile as rows: value, where it comes from, when, and by which merge operator."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple

from headwater.profiles.explain import Candidate, ExplainedField, Explanation
from headwater.profiles.identifiers import Identifier
from headwater.profiles.instants import instant
from headwater.profiles.kinds import KINDS
from headwater.profiles.reading import StoredProfile
from headwater.profiles.schema import Field, Schema

CANDIDATES_SHOWN = 20


class Origin(NamedTuple):
    """What one identifier's events say about a field; `counts`: it is in the value that is shown."""

    identifier: Identifier
    value: Any
    at: datetime | None
    counts: bool


class FieldRow(NamedTuple):
    """A field with its value. `origins` are those that count first; empty for what the profile fills itself."""

    name: str
    label: str
    value: Any
    kind: str
    operator: str
    is_personal: bool
    origins: tuple[Origin, ...]


def field_rows(profile: StoredProfile, explanation: Explanation, schema: Schema) -> list[FieldRow]:
    """Fields of the schema in its order, then what is left of fields that it dropped. Meta fields are left out."""
    explained = {each.name: each for each in explanation.fields}
    known = {field.id: field for field in schema.fields}
    names = [name for name in known if name in profile.fields]
    names += [name for name in profile.fields if name not in known and not name.startswith("_")]
    return [_row(profile.fields[name], name, known.get(name), explained.get(name)) for name in names]


def meta_rows(profile: StoredProfile) -> Mapping[str, Any]:
    """What the profile fills itself, by name."""
    return {name: value for name, value in profile.fields.items() if name.startswith("_")}


def _row(value: Any, name: str, field: Field | None, explained: ExplainedField | None) -> FieldRow:
    kind = "" if field is None else field.type
    origins = () if explained is None else explained.candidates[:CANDIDATES_SHOWN]
    return FieldRow(
        name=name,
        label="" if field is None else field.shortdesc,
        value=value,
        kind=kind,
        operator="" if explained is None else explained.operator,
        is_personal=field is not None and field.is_pii,
        origins=tuple(_origin(each, kind) for each in origins),
    )


def _origin(candidate: Candidate, kind: str) -> Origin:
    time = None if candidate.time is None else instant(candidate.time)
    is_time = kind in KINDS and KINDS[kind].element == "date" and isinstance(candidate.value, int)
    value = instant(candidate.value) if is_time else candidate.value
    return Origin(candidate.fragment.identifier, value, time, candidate.counts)
