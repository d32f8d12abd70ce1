"""Audiences when profiles were built anew: memberships and their history go to the profiles that continue the old ones.

Then everybody is asked about every audience, as after a change of filters. So whoever is in other audiences than before enters or
leaves them once, and all others notice nothing.
"""

from __future__ import annotations

from typing import Any

from headwater.audiences import tables
from headwater.audiences.statements import QUERIES
from headwater.database.queries import load
from headwater.profiles.store.generations import namespace_of

_SUCCESSION = load("headwater.audiences", "succession.sql")
_STEPS = ("pair_profiles", "know_pairs", "carry_memberships", "carry_transitions", "count_members")


class AudienceSuccession:
    """Implements `profiles.rebuild.companions.Companion`."""

    async def move(self, connection: Any, before: int, after: int, *, quiet: bool) -> None:
        """Carry memberships over and have all profiles asked, `quiet`: without events."""
        # Whoever writes memberships waits, and finds another generation live afterwards.
        await connection.execute(QUERIES["own_audiences"])
        await tables.ensure(connection, after)
        if await tables.is_made(connection, before):
            names = {"{before}": namespace_of(before), "{after}": namespace_of(after)}
            for step in _STEPS:
                statement = _SUCCESSION[step]
                for mark, name in names.items():
                    statement = statement.replace(mark, name)
                await connection.execute(statement)
        numbers = await connection.fetchval(_SUCCESSION["numbers"])
        if numbers:
            await connection.execute(QUERIES["ask_everybody"], numbers, [], not quiet)
