"""When, how often and where something was seen: an identifier, or two identifiers together.

A sighting merges in any order: earliest, latest, a count over distinct messages, the earliest message id. The count is
right only if each message is added once; `effects.EventEffect.message_key` is what to keep for that.
"""

from __future__ import annotations

import msgspec

SOURCES_LIMIT = 16
"""Most source names that a sighting remembers; the first ones by alphabet stay."""


class Sighting(msgspec.Struct, frozen=True, array_like=True):
    """`first` and `last` event time in epoch milliseconds, number of events, the id of the first one, its sources."""

    first: int
    last: int
    count: int
    message_id: str
    sources: tuple[str, ...] = ()


def merge_sightings(left: Sighting, right: Sighting) -> Sighting:
    """Both sightings as one. The parts must come from different messages."""
    return Sighting(
        first=min(left.first, right.first),
        last=max(left.last, right.last),
        count=left.count + right.count,
        message_id=min((left.first, left.message_id), (right.first, right.message_id))[1],
        sources=_merge_sources(left.sources, right.sources),
    )


def _merge_sources(left: tuple[str, ...], right: tuple[str, ...]) -> tuple[str, ...]:
    return left if left == right else tuple(sorted({*left, *right})[:SOURCES_LIMIT])
