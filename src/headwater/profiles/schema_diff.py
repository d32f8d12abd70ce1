"""The difference between two versions of a schema, and what publishing the second one takes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Literal

import msgspec

from headwater.profiles.schema import Alias, Field, IdentifierSettings, Mapping, Schema

ChangeKind = Literal["added", "removed", "changed"]
Effect = Literal["none", "new events", "identity", "rebuild"]
"""What a change touches: only descriptions; events from now on; which links hold, at once, for everybody; values already
merged, which must be computed again from the archive."""

_COSMETIC = frozenset({"shortdesc", "longdesc", "tags", "is_pii", "disable_indexing"})
_STATEFUL = frozenset({"type", "mergeop", "capacity", "is_identifier"})
_SPELLING = frozenset({"form", "region", "session_minutes"})


class SchemaChange(msgspec.Struct, frozen=True):
    """One difference. `attribute` is "" where the whole thing was added or removed; values are plain data."""

    kind: ChangeKind
    place: str
    attribute: str
    before: Any
    after: Any
    effect: Effect


class SchemaDiff(msgspec.Struct, frozen=True):
    """All differences, in the order of a schema file."""

    changes: tuple[SchemaChange, ...]

    @property
    def needs_rebuild(self) -> bool:
        """Whether old events must be read again before profiles are what the new schema says."""
        return any(change.effect == "rebuild" for change in self.changes)

    @property
    def rebuilt_fields(self) -> tuple[str, ...]:
        """Fields whose stored states the new schema cannot read: these states go before new events are applied."""
        places = {change.place for change in self.changes if change.effect == "rebuild"}
        return tuple(sorted(place.removeprefix("fields.") for place in places if place.startswith("fields.")))

    @property
    def changes_identity(self) -> bool:
        """Whether profiles may split or join when the new schema is published."""
        return any(change.effect == "identity" for change in self.changes)


def compare_schemas(before: Schema, after: Schema) -> SchemaDiff:
    """What changes from one version to the next. The version's own name is no difference."""
    return SchemaDiff(
        (
            *_fields(before, after),
            *_sources("mappings", before.mappings, after.mappings),
            *_sources("aliases", before.aliases, after.aliases),
            *_whole("ranks", before.ranks, after.ranks, "rebuild"),
            *_identifiers(before, after),
            *_whole("blocked", before.blocked, after.blocked, "rebuild"),
            *_whole("event_time", before.event_time, after.event_time, "new events"),
            *_whole("message_id", before.message_id, after.message_id, "new events"),
            *_whole("profile_limit", before.profile_limit, after.profile_limit, "identity"),
            *_whole("degree_limit", before.degree_limit, after.degree_limit, "identity"),
        )
    )


def _fields(before: Schema, after: Schema) -> Iterable[SchemaChange]:
    old = {field.id: field for field in before.fields}
    new = {field.id: field for field in after.fields}
    for name in (*old, *(name for name in new if name not in old)):
        place = f"fields.{name}"
        if name not in new:
            yield SchemaChange("removed", place, "", _plain(old[name]), None, _effect_of_field(old[name]))
        elif name not in old:
            yield SchemaChange("added", place, "", None, _plain(new[name]), _effect_of_field(new[name]))
        else:
            yield from _attributes(place, old[name], new[name])


def _effect_of_field(field: Field) -> Effect:
    return "rebuild" if field.is_identifier else "new events"


def _attributes(place: str, old: msgspec.Struct, new: msgspec.Struct) -> Iterable[SchemaChange]:
    for name in old.__struct_fields__:
        before, after = getattr(old, name), getattr(new, name)
        if before != after:
            yield SchemaChange("changed", place, name, _plain(before), _plain(after), _effect_of(name, old))


def _effect_of(attribute: str, owner: msgspec.Struct) -> Effect:
    if isinstance(owner, IdentifierSettings):
        return "rebuild" if attribute in _SPELLING else "identity"
    if attribute in _COSMETIC:
        return "none"
    return "rebuild" if attribute in _STATEFUL else "new events"


def _sources(
    place: str, before: tuple[Mapping, ...] | tuple[Alias, ...], after: tuple[Mapping, ...] | tuple[Alias, ...]
) -> Iterable[SchemaChange]:
    for index, source in enumerate(before):
        if source not in after:
            yield SchemaChange("removed", f"{place}.{index}", "", _plain(source), None, "new events")
    for index, source in enumerate(after):
        if source not in before:
            yield SchemaChange("added", f"{place}.{index}", "", None, _plain(source), "new events")
    if [each for each in before if each in after] != [each for each in after if each in before]:
        yield SchemaChange("changed", place, "order", _plain(before), _plain(after), "new events")


def _identifiers(before: Schema, after: Schema) -> Iterable[SchemaChange]:
    for name in sorted({*before.identifiers, *after.identifiers}):
        old = before.identifiers.get(name, IdentifierSettings())
        yield from _attributes(f"identifiers.{name}", old, after.identifiers.get(name, IdentifierSettings()))


def _whole(place: str, before: Any, after: Any, effect: Effect) -> Iterable[SchemaChange]:
    if before != after:
        yield SchemaChange("changed", place, "", _plain(before), _plain(after), effect)


def _plain(value: Any) -> Any:
    return msgspec.to_builtins(value)
