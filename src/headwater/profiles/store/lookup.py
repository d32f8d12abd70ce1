"""Who belongs to a profile: read from the component, so that no index over profiles is needed."""

from __future__ import annotations

from typing import Any

from headwater.profiles.identifiers import Identifier
from headwater.profiles.resolution import Part
from headwater.profiles.store.bodies import component_from
from headwater.profiles.store.tables import statement


async def part_of(connection: Any, generation: int, identifier_id: bytes) -> Part | None:
    """The profile that an identifier is in, by the identifier's id; None when it is not known."""
    row = await connection.fetchrow(statement("component_of", generation), identifier_id)
    if row is None:
        return None
    found = Identifier(row["type"], row["value"])
    return next((part for part in component_from(row["body"]).parts if found in part.members), None)
