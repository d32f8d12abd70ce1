"""A profile with its audiences, in one statement: what programs ask for most.

What changes seldom is kept: the live generation with its spelling of identifiers, and the audiences. The statement says whether
that is still right, in the same state of the database as the profile.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import asyncpg

from headwater.audiences import store, tables
from headwater.audiences.objects import Audience
from headwater.audiences.statements import of_generation
from headwater.audiences.trees import holds_everybody
from headwater.database import faults
from headwater.database.transactions import transaction
from headwater.errors import UnavailableError
from headwater.profiles.reading import LiveIdentifiers, ProfileReader, StoredProfile, id_bytes, stored_profile

PROFILE_ID_FIELD = "_id"
"""Asks by an id that the profile has or ever had."""
TRIES = 5
"""Looks until the generation that was asked is the live one."""


class FoundProfile(NamedTuple):
    """A profile with its audiences, oldest first, and the identifiers by which one may ask, strongest first."""

    profile: StoredProfile | None
    audiences: Sequence[Audience]
    by_fields: Sequence[str]


UNKNOWN = FoundProfile(None, (), ())


class _Audiences(NamedTuple):
    version: int
    by_number: Mapping[int, Audience]
    everybody: frozenset[int]


class ProfileLookups:
    """Finds profiles. May be shared between tasks."""

    def __init__(self, pool: Any, reader: ProfileReader) -> None:
        self._pool = pool
        self._reader = reader
        self._live: LiveIdentifiers | None = None
        self._audiences = _Audiences(-1, {}, frozenset())

    async def find(self, field: str, value: str) -> FoundProfile:
        """The profile of an identifier, or of an id if `field` is PROFILE_ID_FIELD. Raises as `transaction` does."""
        live = self._live or await self._look()
        for _ in range(TRIES):
            ranks = tuple(live.rules.types)
            raw = id_bytes(value) if field == PROFILE_ID_FIELD else live.id_of(field, value)
            if raw is None:
                return FoundProfile(None, (), ranks)
            row = await self._row(live, raw)
            if row is not None and (row["generation"], row["revision"]) == (live.generation, live.revision):
                if row["id"] is None:
                    return FoundProfile(None, (), ranks)
                return FoundProfile(stored_profile(row), await self._audiences_of(row), ranks)
            live = await self._look()
        raise UnavailableError("profiles are just being exchanged for others; try again")

    async def _row(self, live: LiveIdentifiers, raw: bytes) -> Any:
        """None where the tables of the generation are gone."""
        try:
            with faults.translated():
                return await self._pool.fetchrow(of_generation("profile_with_audiences", live.generation), raw)
        except asyncpg.UndefinedTableError:
            return None

    async def _look(self) -> LiveIdentifiers:
        async with self._reader.look() as look:
            live = look.identifiers
        async with transaction(self._pool) as connection:
            await tables.ensure(connection, live.generation)
        self._live = live
        return live

    async def _audiences_of(self, row: Any) -> list[Audience]:
        known = self._audiences
        if known.version != row["version"]:
            audiences = await store.every(self._pool)
            everybody = frozenset(each.number for each in audiences if holds_everybody(each.segment_ql))
            known = _Audiences(row["version"], {each.number: each for each in audiences}, everybody)
            self._audiences = known
        chosen = known.everybody.union(row["audiences"] or ()) & known.by_number.keys()
        return [known.by_number[number] for number in sorted(chosen)]
