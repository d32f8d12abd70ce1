"""How filled fields are, from a random sample of profiles: ids are keyed hashes, so those that follow one are a sample."""

from __future__ import annotations

import secrets
from typing import Any, NamedTuple

from headwater.audiences.statistics import FieldStatistics, field_statistics
from headwater.profiles.store.generations import namespace_of

SAMPLE = 1_000
"""Profiles that are counted: a share is then off by about 3 percent at most."""

VALUES_SAMPLE = 500
VALUES_SHOWN = 12
_ID_BYTES = 16


class FillRates(NamedTuple):
    """Shares of profiles that have a field, 0 to 1, by name; of `sampled` profiles."""

    shares: dict[str, float]
    sampled: int


async def fill_rates(connection: Any, generation: int) -> FillRates:
    """Count the fields of a sample in the database."""
    rows = await connection.fetch(
        f"WITH {_sample(generation)} SELECT key, count(*) AS filled, (SELECT count(*) FROM sample) AS sampled"  # noqa: S608  # our own parts
        " FROM sample, jsonb_object_keys(fields) AS key GROUP BY key",
        secrets.token_bytes(_ID_BYTES),
        SAMPLE,
    )
    sampled = rows[0]["sampled"] if rows else 0
    return FillRates({row["key"]: row["filled"] / sampled for row in rows}, sampled)


async def field_values(connection: Any, generation: int, field: str) -> FieldStatistics:
    """The commonest values of one field in a sample, and how many have it."""
    rows = await connection.fetch(
        f"WITH {_sample(generation)} SELECT CASE WHEN fields ? $3 THEN jsonb_build_object($3::text, fields -> $3)"  # noqa: S608  # our own parts
        " ELSE '{}'::jsonb END AS fields FROM sample",
        secrets.token_bytes(_ID_BYTES),
        VALUES_SAMPLE,
        field,
    )
    return field_statistics(field, [row["fields"] for row in rows], VALUES_SHOWN)


def _sample(generation: int) -> str:
    """The profiles that follow a random id ($1), $2 of them; from the beginning where there are not enough."""
    table = f"{namespace_of(generation)}.profiles"
    return (
        f"following AS (SELECT fields FROM {table} WHERE id >= $1 ORDER BY id LIMIT $2),"  # noqa: S608  # our own parts
        f" sample AS (SELECT fields FROM following UNION ALL (SELECT fields FROM {table} WHERE id < $1"
        " ORDER BY id LIMIT greatest(0, $2 - (SELECT count(*) FROM following))))"
    )
