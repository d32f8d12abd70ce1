"""What observers are told: each profile before and after a batch. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from headwater import jsontext
from headwater.expressions.stored import from_stored
from headwater.profiles.identifiers import Identifier
from headwater.profiles.observers import ProfileDelta
from headwater.profiles.resolution import Part
from headwater.profiles.store.folding import FoldedProfile


class Before(NamedTuple):
    """Profiles before a batch: their parts and stored fields by id, and the id of the profile that each member was in."""

    parts: Mapping[bytes, Part]
    fields: Mapping[bytes, Mapping[str, Any]]
    homes: Mapping[Identifier, bytes]


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


def deltas_of(before: Before, folded: Sequence[FoldedProfile]) -> list[ProfileDelta]:
    """One delta for each profile that was folded, and one for each that is gone."""
    deltas: list[ProfileDelta] = []
    now: set[bytes] = set()
    for each in folded:
        profile_id = bytes.fromhex(each.profile.id)
        now.add(profile_id)
        sources = sorted({before.homes[member] for member in each.part.members if member in before.homes})
        stored = _earlier(profile_id, sources, before)
        current = jsontext.decode(each.text.encode())
        deltas.append(
            ProfileDelta(
                id=profile_id,
                before_ids=tuple(sources),
                before=None if stored is None else StoredFields(stored),
                after=each.document,
                changed=_changed(stored or {}, current),
            )
        )
    for profile_id in sorted(before.parts.keys() - now):
        stored = before.fields.get(profile_id, {})
        deltas.append(ProfileDelta(profile_id, (profile_id,), StoredFields(stored), None, frozenset(stored)))
    return deltas


def _earlier(profile_id: bytes, sources: Sequence[bytes], before: Before) -> Mapping[str, Any] | None:
    if profile_id in before.fields:
        return before.fields[profile_id]
    return next((before.fields[source] for source in sources if source in before.fields), None)


def _changed(before: Mapping[str, Any], after: Mapping[str, Any]) -> frozenset[str]:
    names = before.keys() | after.keys()
    return frozenset(name for name in names if before.get(name) != after.get(name))
