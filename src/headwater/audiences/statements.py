"""The SQL of this room by name."""

from __future__ import annotations

from functools import lru_cache

from headwater.database.queries import load
from headwater.profiles.store.generations import namespace_of

QUERIES = load("headwater.audiences")
_MEMBERSHIP = load("headwater.audiences", "membership.sql")


@lru_cache(maxsize=256)
def of_generation(name: str, generation: int) -> str:
    """A statement about the memberships of one generation of profiles."""
    return _MEMBERSHIP[name].replace("{namespace}", namespace_of(generation))
