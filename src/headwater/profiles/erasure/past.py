"""The past of deleted persons stays away: whoever builds profiles passes over its records."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple
from uuid import UUID

from headwater.archive import forgetting
from headwater.database.queries import load

QUERIES = load("headwater.profiles.erasure")
DELETED = "the past of a deleted person"
"""The reason under which records that are passed over are counted."""


class Erased(NamedTuple):
    """What was asked for about one identifier."""

    erasure: UUID
    until_sequence: int
    records_too: bool


class Taken(NamedTuple):
    """A record that was just taken as new: its sequence, the key of its message, and the id of the identifier that it belongs to."""

    sequence: int
    key: UUID
    owner: bytes


async def pass_over(connection: Any, generation: int, taken: Sequence[Taken]) -> frozenset[int]:
    """The sequences of records that are the past of a deleted person; they are forgotten where that was asked for.

    A record that several pipelines shaped may belong to several; it is past if one of them was deleted.
    """
    erased = await erased_among(connection, list({each.owner for each in taken}))
    past = {
        each.sequence: erased[each.owner]
        for each in taken
        if each.owner in erased and each.sequence <= erased[each.owner].until_sequence
    }
    if past:
        forget_messages = QUERIES["forget_taken"].replace("{namespace}", f"profiles_{int(generation)}")
        await connection.execute(forget_messages, [each.key for each in taken if each.sequence in past])
        records: dict[UUID, list[int]] = {}
        for sequence, each in past.items():
            if each.records_too:
                records.setdefault(each.erasure, []).append(sequence)
        await forget_records(connection, records)
    return frozenset(past)


async def erased_among(connection: Any, ids: Sequence[bytes]) -> dict[bytes, Erased]:
    """Identifiers, by id, whose past was deleted."""
    rows = await connection.fetch(QUERIES["erased_among"], list(ids))
    return {bytes(row["id"]): Erased(row["erasure"], row["until_sequence"], row["records_too"]) for row in rows}


async def forget_records(connection: Any, records: Mapping[UUID, Sequence[int]]) -> None:
    """Let log and archive forget records, by the erasure that asked for it, with the commit of the caller's transaction."""
    for erasure, sequences in records.items():
        await connection.execute(QUERIES["add_records"], erasure, list(sequences))
        await forgetting.forget(connection, list(sequences))
