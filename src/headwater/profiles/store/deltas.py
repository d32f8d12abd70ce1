"""What observers are told: each profile before and after a batch. Pure.

Nearly every profile keeps its members in a batch, and nobody asks what it was but for a field or two. So for these nothing is read: what they
were is told from their merge states as these were before the batch, field by field, when somebody looks. For the others the stored fields count.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property, reduce
from typing import Any, NamedTuple

import msgspec

from headwater import jsontext
from headwater.expressions.stored import from_stored
from headwater.profiles.compiled_schema import CompiledSchema
from headwater.profiles.documents import profile_document
from headwater.profiles.fold import fold
from headwater.profiles.fragments import Fragment, FragmentKey
from headwater.profiles.identifiers import Identifier
from headwater.profiles.instants import instant
from headwater.profiles.observers import ProfileDelta
from headwater.profiles.resolution import Part
from headwater.profiles.sightings import Sighting
from headwater.profiles.store.folding import FoldedProfile

ALWAYS_CHANGED = frozenset({"_created", "_modified", "_num_events", "_num_streams", "_num_days", "_streamnames"})
"""Meta fields that any event may change."""


class Kept(NamedTuple):
    """A profile that kept its members, as it was: sightings, fragments, and fields that the batch may have changed."""

    seen: Mapping[Identifier, Sighting]
    fragments: Mapping[FragmentKey, Fragment]
    changed: frozenset[str]


class Before(NamedTuple):
    """Profiles before a batch. `kept` by founder; of the others parts and stored fields by id, and the id of the profile that each member was in."""

    kept: Mapping[Identifier, Kept]
    parts: Mapping[bytes, Part]
    fields: Mapping[bytes, Mapping[str, Any]]
    homes: Mapping[Identifier, bytes]


NOTHING_BEFORE = Before({}, {}, {}, {})


class StoredFields(Mapping[str, Any]):
    """Stored fields that are read as values only when somebody looks at them."""

    def __init__(self, stored: Mapping[str, Any]) -> None:
        self._stored = stored

    def __getitem__(self, name: str) -> Any:
        return from_stored(self._stored[name])

    def __iter__(self) -> Iterator[str]:
        return iter(self._stored)

    def __len__(self) -> int:
        return len(self._stored)


class EarlierFields(Mapping[str, Any]):
    """Fields of a profile that kept its members, as they were: those of a schema field by field, identifiers and meta fields together, when somebody looks."""

    def __init__(self, kept: Kept, profile_id: str, health: str, schema: CompiledSchema) -> None:
        self._kept = kept
        self._profile_id = profile_id
        self._health = health
        self._schema = schema
        self._known: dict[str, Any] = {}

    def __getitem__(self, name: str) -> Any:
        if name not in self._known:
            self._known[name] = self._value(name)
        value = self._known[name]
        if value is None:
            raise KeyError(name)
        return value

    def __iter__(self) -> Iterator[str]:
        return iter(self._whole)

    def __len__(self) -> int:
        return len(self._whole)

    def _value(self, name: str) -> Any:
        if name in self._schema.readers:
            return self._field(name)
        if name in _META:
            return _META[name](self._kept)
        if name in self._schema.rules.types and all(member.type != name for member in self._kept.seen):
            return None
        return self._frame.get(name)

    def _field(self, name: str) -> Any:
        states = [each.fields[name] for each in self._kept.fragments.values() if name in each.fields]
        if not states:
            return None
        return self._schema.readers[name](reduce(self._schema.operators[name].merge, states), self._at)

    @property
    def _at(self) -> int:
        """Members that live for a time are there as they were after the last event."""
        return max((each.last for each in self._kept.fragments.values()), default=0)

    @cached_property
    def _frame(self) -> dict[str, Any]:
        """Identifiers and meta fields."""
        bare = {key: msgspec.structs.replace(each, fields={}) for key, each in self._kept.fragments.items()}
        return self._document(bare)

    @cached_property
    def _whole(self) -> dict[str, Any]:
        return self._document(self._kept.fragments)

    def _document(self, fragments: Mapping[FragmentKey, Fragment]) -> dict[str, Any]:
        profile = fold(self._profile_id, self._kept.seen, fragments, self._schema, self._at)
        document = profile_document(profile)
        document["_health"] = self._health
        return document


_META: Mapping[str, Callable[[Kept], Any]] = {
    "_created": lambda kept: instant(min(each.first for each in kept.fragments.values())) if kept.fragments else None,
    "_modified": lambda kept: instant(max(each.last for each in kept.fragments.values())) if kept.fragments else None,
    "_num_aliases": lambda kept: len(kept.seen),
    "_num_conflicts": lambda _kept: 0,
    "_num_events": lambda kept: sum(each.events for each in kept.fragments.values()),
    "_num_streams": lambda kept: len({stream for each in kept.fragments.values() for stream in each.streams}),
}
"""Meta fields that audiences ask for most, told without folding anything."""


def deltas_of(
    before: Before, folded: Sequence[FoldedProfile], schema: CompiledSchema, raw_id: Callable[[Identifier], bytes]
) -> list[ProfileDelta]:
    """One delta for each profile that was folded, and one for each that is gone."""
    deltas: list[ProfileDelta] = []
    now: set[bytes] = set()
    for each in folded:
        profile_id = raw_id(each.part.founder)
        now.add(profile_id)
        kept = before.kept.get(each.part.founder)
        if kept is None:
            deltas.append(_delta(profile_id, each, before))
        else:
            earlier = EarlierFields(kept, each.profile.id, each.health.state, schema)
            deltas.append(ProfileDelta(profile_id, (profile_id,), earlier, each.document, kept.changed))
    for profile_id in sorted(before.parts.keys() - now):
        stored = before.fields.get(profile_id, {})
        deltas.append(ProfileDelta(profile_id, (profile_id,), StoredFields(stored), None, frozenset(stored)))
    return deltas


def _delta(profile_id: bytes, each: FoldedProfile, before: Before) -> ProfileDelta:
    sources = sorted({before.homes[member] for member in each.part.members if member in before.homes})
    stored = _earlier(profile_id, sources, before)
    if stored is None:
        return ProfileDelta(profile_id, tuple(sources), None, each.document, frozenset(each.document))
    current = jsontext.decode(each.text.encode())
    return ProfileDelta(profile_id, tuple(sources), StoredFields(stored), each.document, _changed(stored, current))


def _earlier(profile_id: bytes, sources: Sequence[bytes], before: Before) -> Mapping[str, Any] | None:
    if profile_id in before.fields:
        return before.fields[profile_id]
    return next((before.fields[source] for source in sources if source in before.fields), None)


def _changed(before: Mapping[str, Any], after: Mapping[str, Any]) -> frozenset[str]:
    names = before.keys() | after.keys()
    return frozenset(name for name in names if before.get(name) != after.get(name))
