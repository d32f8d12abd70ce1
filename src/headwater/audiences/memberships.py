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

_NOBODY = Standing()


class Memberships:
    """The memberships of one generation, on a connection that is in a transaction. Errors are the driver's."""

    def __init__(self, connection: Any, generation: int) -> None:
        self._connection = connection
        self._generation = generation

    async def standings(self, ids: Collection[bytes]) -> dict[bytes, Standing]:
        """The standing of each profile that is in an audience or waits for a moment."""
        rows = await self._connection.fetch(of_generation("memberships", self._generation), list(ids))
        return {row["profile_id"]: Standing(frozenset(row["audiences"]), row["next_moment"]) for row in rows}

    async def write(
        self,
        before: Mapping[bytes, Standing],
        after: Mapping[bytes, Standing],
        transitions: Sequence[Transition] = (),
        announcements: Sequence[Announcement] = (),
        pipeline_id: str | None = None,
    ) -> None:
        """Write what a batch decided: where standings differ, sizes with them; entries and exits; and what is announced.

        A profile that is not in `after` any more, or is in nothing and waits for nothing, has no row. Announcements are in the log
        exactly once if the transaction is committed; without a pipeline there are none.
        """
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
        announced = announcements if pipeline_id is not None else ()
        if members or moments or gone or transitions or announced:
            await self._connection.execute(
                of_generation("write", self._generation),
                *_columns(sorted(members), 3),
                *_columns(sorted(moments), 2),
                sorted(gone),
                *_columns([_transition_row(each) for each in transitions], 5),
                *_columns(sorted(size_changes(before, after).items()), 2),
                "" if pipeline_id is None else pipeline_id,
                *_columns([_announcement_row(each) for each in announced], 3),
            )

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

    async def _execute(self, name: str, rows: Sequence[Sequence[Any]]) -> None:
        if rows:
            columns = [list(column) for column in zip(*rows, strict=True)]
            await self._connection.execute(of_generation(name, self._generation), *columns)


def size_changes(before: Mapping[bytes, Standing], after: Mapping[bytes, Standing]) -> dict[int, int]:
    """By how much each audience grows when some standings are replaced by others; without those that stay as large."""
    changes: Counter[int] = Counter()
    for profile_id in before.keys() | after.keys():
        old, new = (standings.get(profile_id, _NOBODY).audiences for standings in (before, after))
        if old is not new:
            changes.update(new - old)
            changes.subtract(old - new)
    return {number: change for number, change in changes.items() if change}


def _columns(rows: Sequence[Sequence[Any]], width: int) -> list[list[Any]]:
    return [list(column) for column in zip(*rows, strict=True)] if rows else [[] for _ in range(width)]


def _transition_row(each: Transition) -> tuple[Any, ...]:
    return (each.profile_id, each.audience, each.at, each.entered, _text(msgspec.to_builtins(each.reason)))


def _announcement_row(each: Announcement) -> tuple[str, str, str]:
    return (each.message_id, each.user_key, _text(each.data))


def _text(document: Any) -> str:
    """JSON without U+0000, which PostgreSQL cannot hold."""
    return jsontext.encode(document).decode().replace("\\u0000", "\ufffd")


def _array(numbers: Iterable[int]) -> str:
    return "{" + ",".join(map(str, sorted(numbers))) + "}"
