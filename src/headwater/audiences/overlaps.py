"""How audiences overlap: exact numbers, from what is written down about members."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from typing import Any

import msgspec

from headwater.audiences import tables
from headwater.audiences.objects import Audience
from headwater.audiences.sizes import sizes_of
from headwater.audiences.trees import holds_everybody
from headwater.profiles.store.generations import namespace_of

OVERLAP_LIMIT = 20
"""Audiences that are compared at once."""


class Pair(msgspec.Struct, frozen=True):
    """How many are in both audiences (ids)."""

    left: str
    right: str
    both: int


class Overlap(msgspec.Struct, frozen=True):
    """Sizes by id, and every pair."""

    sizes: dict[str, int]
    pairs: tuple[Pair, ...]


async def overlap(connection: Any, generation: int, audiences: Sequence[Audience]) -> Overlap:
    """Sizes of audiences and of what each pair of them shares. Reads all memberships once."""
    sizes = await sizes_of(connection, generation, audiences)
    partial = [each for each in audiences if not holds_everybody(each.segment_ql)]
    pairs = list(combinations(partial, 2))
    counts = await _counts(connection, generation, pairs) if pairs else []
    both = {(left.id, right.id): count for (left, right), count in zip(pairs, counts, strict=True)}
    return Overlap(
        sizes,
        tuple(
            Pair(left.id, right.id, both.get((left.id, right.id), min(sizes[left.id], sizes[right.id])))
            for left, right in combinations(audiences, 2)
        ),
    )


async def _counts(connection: Any, generation: int, pairs: Sequence[tuple[Audience, Audience]]) -> list[int]:
    if not await tables.is_made(connection, generation):
        return [0] * len(pairs)
    columns = ", ".join(
        f"count(*) FILTER (WHERE audiences @> ARRAY[{int(left.number)}, {int(right.number)}])" for left, right in pairs
    )
    text = f"SELECT {columns} FROM {namespace_of(generation)}.memberships"  # noqa: S608  # numbers
    return list(await connection.fetchrow(text))
