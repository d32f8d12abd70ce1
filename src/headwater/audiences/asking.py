"""Ask stored profiles again, in a transaction that keeps builders away from them: because time passed, or a filter changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Literal, NamedTuple

from headwater.audiences.following import InForce
from headwater.audiences.memberships import Memberships
from headwater.audiences.objects import Transition
from headwater.audiences.settling import Case, Situation, Standing, earliest, settle
from headwater.audiences.statements import of_generation
from headwater.audiences.stored_fields import StoredFields

_NOBODY = Standing()
_SECOND = timedelta(seconds=1)

StoredProfile = tuple[bytes, Mapping[str, Any]]
"""Id and stored fields."""


class Answered(NamedTuple):
    """What asking brought."""

    asked: int
    entered: int
    exited: int


async def lock(connection: Any, generation: int, components: Sequence[int]) -> set[int]:
    """Keep builders from changing the profiles of components. Returns those that are still there."""
    numbers = sorted(set(components))
    return {row["id"] for row in await connection.fetch(of_generation("lock_components", generation), numbers)}


async def ask(
    connection: Any,
    generation: int,
    in_force: InForce,
    profiles: Sequence[StoredProfile],
    mask: int,
    cause: Literal["time", "audience"],
    now: datetime,
    deleted: frozenset[int] = frozenset(),
) -> Answered:
    """Ask profiles, whose components are locked, about the audiences in `mask`, and write what follows.

    Their moments are calculated anew. Memberships in `deleted` audiences are taken away without a trace.
    """
    tables = Memberships(connection, generation)
    before = await tables.standings([profile_id for profile_id, _ in profiles])
    fields = {profile_id: StoredFields(stored) for profile_id, stored in profiles}
    after: dict[bytes, Standing] = {}
    transitions: list[Transition] = []
    for profile_id, known in fields.items():
        held = before.get(profile_id, _NOBODY)
        case = _case(in_force.situation, profile_id, held, known, mask, cause, now)
        settled = settle(in_force.situation, case, now)
        after[profile_id] = Standing(settled.standing.audiences - deleted, settled.standing.moment)
        transitions += settled.transitions
    await tables.write(before, after, transitions, in_force.announcements(transitions, fields), in_force.pipeline_id)
    entered = sum(each.entered for each in transitions)
    return Answered(len(fields), entered, len(transitions) - entered)


def _case(
    situation: Situation,
    profile_id: bytes,
    held: Standing,
    fields: Mapping[str, Any],
    mask: int,
    cause: Literal["time", "audience"],
    now: datetime,
) -> Case:
    """The profile is what it was; time has gone on since the moment that was waited for, or the filters are others."""
    before_at = now
    if cause == "time" and held.moment is not None:
        before_at = held.moment - _SECOND
    moment = situation.audience_set.next_moment(fields, now)
    if cause == "audience" and held.moment is not None and held.moment <= now:
        moment = earliest(moment, held.moment)  # what time has changed meanwhile is not lost: the scheduler asks
    return Case(profile_id, held, mask, cause, fields, before_at, fields, moment)
