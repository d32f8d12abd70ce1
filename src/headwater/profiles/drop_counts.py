"""What was dropped on the way into profiles, counted: by kind, field and reason, with one example of each."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

import msgspec

from headwater.profiles.effects import DropKind, Dropped, EventEffect

NOBODY = "no identifier"
"""The reason under which events that belong to nobody are counted."""


class DropKey(NamedTuple):
    """What is counted together. `kind` "event" is a whole event that belongs to nobody."""

    kind: DropKind | str
    field: str
    reason: str


class DropCount(msgspec.Struct, frozen=True):
    """How many, with the message and value of the example: the one with the smallest message id."""

    count: int
    message_id: str
    example: str


def count_drops(effects: Iterable[EventEffect]) -> dict[DropKey, DropCount]:
    """Count what effects dropped. Each message must come once."""
    counts: dict[DropKey, DropCount] = {}
    for effect in effects:
        for dropped in effect.dropped:
            _add(counts, _key(dropped), DropCount(1, effect.message_id, dropped.example))
        if effect.owner is None:
            _add(counts, DropKey("event", "", NOBODY), DropCount(1, effect.message_id, ""))
    return counts


def merge_drop_counts(
    left: Mapping[DropKey, DropCount], right: Mapping[DropKey, DropCount]
) -> dict[DropKey, DropCount]:
    """Both counts as one, in any order the same."""
    counts = dict(left)
    for key, count in right.items():
        _add(counts, key, count)
    return counts


def _key(dropped: Dropped) -> DropKey:
    return DropKey(dropped.kind, dropped.field, dropped.reason)


def _add(counts: dict[DropKey, DropCount], key: DropKey, more: DropCount) -> None:
    held = counts.get(key)
    if held is None:
        counts[key] = more
        return
    message, example = min((held.message_id, held.example), (more.message_id, more.example))
    counts[key] = DropCount(held.count + more.count, message, example)
