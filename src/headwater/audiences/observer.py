"""Audiences in the builder's transaction: who enters and who leaves because profiles changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

import msgspec

from headwater.audiences.following import FollowedAudiences
from headwater.audiences.memberships import Memberships
from headwater.audiences.settling import Case, Situation, Standing, earliest, settle
from headwater.audiences.stored_fields import RememberedFields
from headwater.profiles.observers import ProfileDelta

_NOBODY = Standing()


class AudienceObserver:
    """Implements `profiles.observers.ProfileObserver`. It may serve several transactions at a time."""

    def __init__(self, *, announce: bool = True) -> None:
        """`announce` False keeps entries and exits to ourselves: a rebuild repeats what happened long ago."""
        self._audiences = FollowedAudiences()
        self._announce = announce

    async def observe(self, connection: Any, generation: int, deltas: Sequence[ProfileDelta], now: datetime) -> None:
        """Ask changed profiles again about the audiences that the change can matter to, and write what follows."""
        in_force = await self._audiences.in_force(connection, generation)
        situation = in_force.situation
        alive = {delta.id for delta in deltas if delta.after is not None}
        questions = [each for delta in deltas if (each := _question(situation, delta, now)).matters]
        if not questions:
            return
        tables = Memberships(connection, generation)
        touched = {each for delta, _, _ in questions for each in (delta.id, *delta.before_ids)}
        before = await tables.standings(touched)
        settled = {
            each.delta.id: settle(situation, _case(situation, each, before, now), now)
            for each in questions
            if each.delta.after is not None
        }
        # An id that is not in this batch and whose profile lives on keeps its standing.
        gone = {each for each in touched if each not in alive} - await _living(connection, generation, touched - alive)
        after = {each: standing for each, standing in before.items() if each not in gone}
        after.update({profile_id: each.standing for profile_id, each in settled.items()})
        await self._write_history(tables, [each.delta for each in questions], gone, alive)
        transitions = [each for result in settled.values() for each in result.transitions]
        fields = {delta.id: delta.after for delta, _, _ in questions if delta.after is not None}
        events = in_force.announcements(transitions, fields) if self._announce else []
        await tables.write(before, after, transitions, events, in_force.pipeline_id)

    async def _write_history(
        self, tables: Memberships, deltas: Sequence[ProfileDelta], gone: set[bytes], alive: set[bytes]
    ) -> None:
        """History goes where the profile goes; of a profile that was deleted nothing is kept."""
        heirs = [
            (old, delta.id) for delta in deltas for old in delta.before_ids if old != delta.id and delta.id in alive
        ]
        if not heirs and not gone:
            return
        await tables.move_history([(old, new) for old, new in heirs if old not in gone], copy=True)
        moved: dict[bytes, bytes] = {}
        copied: list[tuple[bytes, bytes]] = []
        for old, new in heirs:
            if old in gone and moved.setdefault(old, new) != new:
                copied.append((old, new))
        await tables.move_history(copied, copy=True)
        await tables.move_history(list(moved.items()))
        await tables.forget(gone - moved.keys())


class _Question(NamedTuple):
    """What a change makes us ask: audiences as a mask, and an instant that may be before the one that we hold."""

    delta: ProfileDelta
    asked: int
    moment: datetime | None

    @property
    def matters(self) -> bool:
        """Whether anything can follow; of most changes nothing does."""
        return bool(self.asked) or self.moment is not None or self.delta.after is None or _changes_identity(self.delta)


def _question(situation: Situation, delta: ProfileDelta, now: datetime) -> _Question:
    audience_set, after = situation.audience_set, delta.after
    if after is None:
        return _Question(delta, 0, None)
    if delta.before is None:
        asked = audience_set.affected(None, after, delta.changed, now)
        return _Question(delta, asked | situation.filling, audience_set.next_moment(after, now))
    before = RememberedFields(delta.before)
    known = msgspec.structs.replace(delta, before=before)
    asked = audience_set.affected(before, after, delta.changed, now) | situation.filling
    if _changes_identity(delta):
        return _Question(known, asked, audience_set.next_moment(after, now))
    moment = audience_set.next_moment(after, now, delta.changed)
    if moment is not None:
        # The instant that we hold is not after any that the profile had before: a later one need not be known yet.
        earlier = audience_set.next_moment(before, now, delta.changed)
        moment = None if earlier is not None and earlier <= moment else moment
    return _Question(known, asked, moment)


def _changes_identity(delta: ProfileDelta) -> bool:
    return any(each != delta.id for each in delta.before_ids)


def _case(situation: Situation, question: _Question, standings: Mapping[bytes, Standing], now: datetime) -> Case:
    """What to ask about a profile that has the standings of all profiles that it continues."""
    delta, asked, moment = question
    assert delta.after is not None  # noqa: S101  # callers leave out profiles that are gone
    held = [standings.get(each, _NOBODY) for each in dict.fromkeys((delta.id, *delta.before_ids))]
    numbers = frozenset().union(*(each.audiences for each in held))
    identity = _changes_identity(delta)
    return Case(
        delta.id,
        Standing(numbers, held[0].moment),
        asked | (situation.audience_set.mask(numbers) if identity else 0),
        "identity" if identity else "profile",
        delta.before,
        now,
        delta.after,
        earliest(moment, *(each.moment for each in held)),
        None if delta.before is None or identity else delta.changed,
    )


async def _living(connection: Any, generation: int, ids: set[bytes]) -> set[bytes]:
    """Those ids that are profiles."""
    if not ids:
        return set()
    from_sql = f"SELECT id FROM profiles_{int(generation)}.profiles WHERE id = ANY($1::bytea[])"  # noqa: S608  # a number
    return {row["id"] for row in await connection.fetch(from_sql, list(ids))}
