"""Fragments: what the events say whose strongest identifier was one and the same.

An event belongs to exactly one fragment, so fragments can be put together and taken apart without counting anything twice.
A fragment is plain JSON inside: merge states by field, and a few numbers about its events.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

import msgspec

from headwater.profiles.identifiers import Identifier
from headwater.profiles.merging import Operator, State

STREAMS_LIMIT = 64
"""Streams that a fragment counts; the first ones by alphabet stay."""

DayRange = tuple[int, int]
"""First and last of consecutive days with events, in days since 1970."""


class FragmentKey(NamedTuple):
    """Whose fragment it is. `slot` is a session slot where the type's anonymous events may follow a login, else None."""

    identifier: Identifier
    slot: int | None = None


class Fragment(msgspec.Struct, frozen=True):
    """The merged effect of a fragment's events. `first` and `last` are event times in epoch milliseconds."""

    fields: Mapping[str, State]
    events: int
    first: int
    last: int
    streams: Mapping[str, int]
    days: tuple[DayRange, ...]


def merge_fragments(left: Fragment, right: Fragment, operators: Mapping[str, Operator]) -> Fragment:
    """Both fragments as one. They must hold different events. Fields without an operator are no longer in the schema and go."""
    return Fragment(
        fields=merge_fields(left.fields, right.fields, operators),
        events=left.events + right.events,
        first=min(left.first, right.first),
        last=max(left.last, right.last),
        streams=_merge_counts(left.streams, right.streams),
        days=_merge_days(left.days, right.days),
    )


def merge_fields(
    left: Mapping[str, State], right: Mapping[str, State], operators: Mapping[str, Operator]
) -> dict[str, State]:
    """The merge states of both sides, field by field."""
    merged = dict(left)
    for name, state in right.items():
        if name in operators:
            merged[name] = operators[name].merge(merged[name], state) if name in merged else state
    if merged.keys() <= operators.keys():
        return merged
    return {name: state for name, state in merged.items() if name in operators}


def _merge_counts(left: Mapping[str, int], right: Mapping[str, int]) -> dict[str, int]:
    counts = dict(left)
    for name, count in right.items():
        counts[name] = counts.get(name, 0) + count
    if len(counts) <= STREAMS_LIMIT:
        return counts
    return {name: counts[name] for name in sorted(counts)[:STREAMS_LIMIT]}


def _merge_days(left: tuple[DayRange, ...], right: tuple[DayRange, ...]) -> tuple[DayRange, ...]:
    if left == right or not right:
        return left
    merged: list[DayRange] = []
    for first, last in sorted((*left, *right)):
        if merged and first <= merged[-1][1] + 1:
            merged[-1] = (merged[-1][0], max(merged[-1][1], last))
        else:
            merged.append((first, last))
    return tuple(merged)


def days_count(days: Iterable[DayRange]) -> int:
    """Number of different days."""
    return sum(last - first + 1 for first, last in days)
