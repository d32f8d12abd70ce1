"""Rows of memberships in and out, a few wide statements for a whole batch."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec

from headwater import jsontext
from headwater.audiences.announcements import Announcement
from headwater.audiences.objects import Reason, Transition
from headwater.audiences.settling import Standing
from headwater.audiences.statements import of_generation

_OUTBOX = """
INSERT INTO outbox (pipeline_id, message_id, user_key, data)
SELECT $1, message_id, user_key, data::jsonb
FROM unnest($2::text[], $3::text[], $4::text[]) AS announced (message_id, user_key, data)
"""


class Memberships:
    """The memberships of one generation, on a connection that is in a transaction. Errors are the driver's."""

    def __init__(self, connection: Any, generation: int) -> None:
        self._connection = connection
        self._generation = generation

    async def standings(self, ids: Collection[bytes]) -> dict[bytes, Standing]:
        """The standing of each profile that is in an audience or waits for a moment."""
        rows = await self._connection.fetch(of_generation("memberships", self._generation), list(ids))
        return {row["profile_id"]: Standing(frozenset(row["audiences"]), row["next_moment"]) for row in rows}

    async def write(self, before: Mapping[bytes, Standing], after: Mapping[bytes, Standing]) -> None:
        """Write what differs. A profile that is not in `after` any more, or is in nothing and waits for nothing, has no row."""
        members: list[tuple[bytes, str, datetime | None]] = []
        moments: list[tuple[bytes, datetime | None]] = []
        gone = [profile_id for profile_id in before if profile_id not in after]
        for profile_id, standing in after.items():
            old = before.get(profile_id)
            if old == standing:
                continue
            if not standing.audiences and standing.moment is None:
                gone += [profile_id] if old is not None else []
            elif old is not None and old.audiences == standing.audiences:
                moments.append((profile_id, standing.moment))
            else:
                members.append((profile_id, _array(standing.audiences), standing.moment))
        await self._execute("write_memberships", members)
        await self._execute("move_moments", moments)
        if gone:
            await self._connection.execute(of_generation("delete_memberships", self._generation), sorted(gone))

    async def add_transitions(self, transitions: Sequence[Transition]) -> None:
        """Keep entries and exits."""
        rows = [(each.profile_id, each.audience, each.at, each.entered, _text(each.reason)) for each in transitions]
        await self._execute("add_transitions", rows)

    async def move_history(self, moves: Sequence[tuple[bytes, bytes]], *, copy: bool = False) -> None:
        """Give the history of each old id to a new one; `copy` leaves it with the old one as well."""
        await self._execute("copy_transitions" if copy else "move_transitions", moves)

    async def forget(self, ids: Collection[bytes]) -> None:
        """Delete the history of profiles."""
        if ids:
            await self._connection.execute(of_generation("delete_transitions", self._generation), sorted(ids))

    async def history(self, profile_id: bytes) -> list[Transition]:
        """Entries and exits of a profile, the oldest first."""
        rows = await self._connection.fetch(of_generation("transitions", self._generation), profile_id)
        return [
            Transition(profile_id, row["audience"], row["entered"], row["at"], msgspec.convert(row["reason"], Reason))
            for row in rows
        ]

    async def change_sizes(self, changes: Mapping[int, int]) -> None:
        """Count members that came and went."""
        rows = sorted((number, change) for number, change in changes.items() if change)
        if rows:
            numbers, counts = zip(*rows, strict=True)
            await self._connection.execute(of_generation("change_sizes", self._generation), numbers, counts)

    async def announce(self, pipeline_id: str | None, announcements: Sequence[Announcement]) -> None:
        """Put events into the outbox; they are in the log exactly once if this transaction is committed."""
        if announcements and pipeline_id is not None:
            rows = [
                (each.message_id, each.user_key, jsontext.encode(each.data).decode().replace("\\u0000", "\ufffd"))
                for each in announcements
            ]
            await self._connection.execute(_OUTBOX, pipeline_id, *map(list, zip(*rows, strict=True)))

    async def _execute(self, name: str, rows: Sequence[Sequence[Any]]) -> None:
        if rows:
            columns = [list(column) for column in zip(*rows, strict=True)]
            await self._connection.execute(of_generation(name, self._generation), *columns)


def size_changes(before: Iterable[Standing], after: Iterable[Standing]) -> Counter[int]:
    """By how much each audience grows when some standings are replaced by others."""
    changes: Counter[int] = Counter()
    for standing in after:
        changes.update(standing.audiences)
    for standing in before:
        changes.subtract(standing.audiences)
    return changes


def _array(numbers: Iterable[int]) -> str:
    return "{" + ",".join(map(str, sorted(numbers))) + "}"


def _text(reason: Reason) -> str:
    return jsontext.encode(msgspec.to_builtins(reason)).decode().replace("\\u0000", "\ufffd")
