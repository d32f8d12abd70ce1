"""What was observed of the keys of streams, in PostgreSQL."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec

from headwater.profiles.instants import instant
from headwater.profiles.kind_guess import suggested_kind
from headwater.profiles.observed_fields import Observation
from headwater.profiles.versions.version_store import QUERIES


class ObservedField(msgspec.Struct, frozen=True):
    """A key that records of a stream have. `count` is an estimate; `suggested_kind` is the kind that would suit its values."""

    name: str
    count: int
    kinds: Mapping[str, int]
    example: str
    first_seen: datetime
    last_seen: datetime

    @property
    def suggested_kind(self) -> str:
        """The kind that would suit the values."""
        return suggested_kind(self.name, self.kinds)


class ObservedStream(msgspec.Struct, frozen=True):
    """A stream with its keys, the most frequent first."""

    name: str
    fields: tuple[ObservedField, ...]

    @property
    def last_seen(self) -> datetime:
        """When its newest record was received."""
        return max(field.last_seen for field in self.fields)


async def add(connection: Any, observations: Sequence[Observation]) -> None:
    """Add what a process has seen. Written twice it counts twice: counts are estimates."""
    columns = [
        [each.stream for each in observations],
        [each.name for each in observations],
        [each.count for each in observations],
        [dict(each.kinds) for each in observations],
        [each.example for each in observations],
        [instant(each.first) for each in observations],
        [instant(each.last) for each in observations],
    ]
    if observations:
        await connection.execute(QUERIES["add_observations"], *columns)


async def known_names(connection: Any) -> dict[str, list[str]]:
    """The names that are on record, by stream: what `ObservedFields` begins with."""
    names: dict[str, list[str]] = {}
    for row in await connection.fetch(QUERIES["observed_fields"], None):
        names.setdefault(row["stream"], []).append(row["name"])
    return names


async def streams(connection: Any, stream: str | None = None) -> list[ObservedStream]:
    """Every stream with its keys, or one; by name."""
    found: dict[str, list[ObservedField]] = {}
    for row in await connection.fetch(QUERIES["observed_fields"], stream):
        content = {name: row[name] for name in ObservedField.__struct_fields__}
        found.setdefault(row["stream"], []).append(ObservedField(**content))
    return [ObservedStream(name, tuple(fields)) for name, fields in found.items()]
