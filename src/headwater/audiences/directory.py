"""The audiences as a process that only reads knows them: read again after a change, and not for every profile that is shown."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from headwater.audiences import store, tables
from headwater.audiences.objects import Audience
from headwater.audiences.statements import QUERIES, of_generation
from headwater.audiences.trees import holds_everybody


class _Known(NamedTuple):
    version: int
    by_number: Mapping[int, Audience]
    everybody: frozenset[int]


class AudienceDirectory:
    """Tells the audiences of single profiles. May be shared between tasks."""

    def __init__(self) -> None:
        self._known = _Known(-1, {}, frozenset())
        self._made: frozenset[int] = frozenset()

    async def audiences_of(
        self, connection: Any, generation: int, profile_id: bytes, *, public_only: bool = False
    ) -> list[Audience]:
        """The audiences of a profile, oldest audience first, those that hold everybody among them."""
        version, numbers = await self._standing(connection, generation, profile_id)
        known = await self._audiences(connection, version)
        chosen = sorted(known.everybody.union(numbers) & known.by_number.keys())
        found = (known.by_number[number] for number in chosen)
        return [each for each in found if each.is_public or not public_only]

    async def _standing(self, connection: Any, generation: int, profile_id: bytes) -> tuple[int, list[int]]:
        if generation not in self._made:
            if not await tables.is_made(connection, generation):
                return await connection.fetchval(QUERIES["audiences_version"]), []
            self._made |= {generation}
        row = await connection.fetchrow(of_generation("standing_and_version", generation), profile_id)
        return row["version"], row["audiences"] or []

    async def _audiences(self, connection: Any, version: int) -> _Known:
        known = self._known
        if known.version != version:
            audiences = await store.every(connection)
            everybody = frozenset(each.number for each in audiences if holds_everybody(each.segment_ql))
            known = self._known = _Known(version, {each.number: each for each in audiences}, everybody)
        return known
