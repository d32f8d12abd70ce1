"""The tables of memberships, which stand beside the profiles of each generation."""

from __future__ import annotations

from typing import Any

from headwater.audiences.statements import of_generation

_STEPS = (
    "make_memberships",
    "index_moments",
    "make_transitions",
    "index_transitions",
    "index_transition_times",
    "make_sizes",
    "make_size_changes",
)


async def ensure(connection: Any, generation: int) -> bool:
    """Make the tables of a generation unless they are there, and say whether they were. Must be called in a transaction."""
    if await is_made(connection, generation):
        return True
    await connection.execute(of_generation("own_tables", generation))
    if await is_made(connection, generation):
        return True
    for step in _STEPS:
        await connection.execute(of_generation(step, generation))
    return False


async def is_made(connection: Any, generation: int) -> bool:
    """Whether the tables of a generation are there."""
    return bool(await connection.fetchval(of_generation("is_made", generation)))
