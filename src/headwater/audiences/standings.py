"""Which audiences a profile is in, for whoever shows profiles."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

import msgspec

from headwater.audiences import store, tables
from headwater.audiences.audience_set import AudienceSet
from headwater.audiences.clause_list import clauses_of
from headwater.audiences.memberships import Memberships
from headwater.audiences.objects import Audience, Transition
from headwater.audiences.reasons import ClauseResult, clause_results
from headwater.audiences.statements import of_generation
from headwater.audiences.trees import holds_everybody
from headwater.expressions import Flips, compile_filter, from_stored

EVERYBODY = "all"
"""Slug of the audience that every profile is in."""


class Stay(msgspec.Struct, frozen=True):
    """A time in an audience; `until` None: still in it. `since` None: it began before history was kept."""

    audience: str
    since: datetime | None
    until: datetime | None
    entered_because: str
    left_because: str = ""


class Explanation(msgspec.Struct, frozen=True):
    """Whether a profile is in an audience, what each clause says about it, and when time alone may change that."""

    audience: Audience
    member: bool
    written: bool
    clauses: tuple[ClauseResult, ...]
    next_flip: datetime | None
    stays: tuple[Stay, ...]


async def audiences_of(
    connection: Any, generation: int, profile_ids: Collection[bytes], *, public_only: bool = False
) -> dict[bytes, list[Audience]]:
    """The audiences of each profile, oldest audience first. A profile in none has those that hold everybody."""
    known = {each.number: each for each in await store.every(connection) if each.is_public or not public_only}
    whole = [number for number, each in known.items() if holds_everybody(each.segment_ql)]
    numbers: dict[bytes, Sequence[int]] = {each: [] for each in profile_ids}
    if await tables.is_made(connection, generation):
        rows = await connection.fetch(of_generation("memberships", generation), list(profile_ids))
        numbers.update({bytes(row["profile_id"]): row["audiences"] for row in rows})
    return {
        profile_id: [known[number] for number in sorted({*found, *whole}) if number in known]
        for profile_id, found in numbers.items()
    }


async def slugs_of(connection: Any, generation: int, profile_id: bytes, *, public_only: bool = False) -> list[str]:
    """The slugs of a profile's audiences, `all` among them always, as the Lytics API shows them."""
    found = await audiences_of(connection, generation, [profile_id], public_only=public_only)
    slugs = [each.slug for each in found[profile_id] if each.slug != EVERYBODY]
    return [*slugs, EVERYBODY]


async def explain(
    connection: Any, generation: int, profile_id: bytes, audience: Audience, now: datetime
) -> Explanation | None:
    """Why a profile is in an audience or is not; None if there is no such profile."""
    rows = await connection.fetch(of_generation("fields_of", generation), [profile_id])
    if not rows:
        return None
    fields = from_stored(rows[0]["fields"])
    audience_set = AudienceSet(await store.every(connection), 0)
    tree = audience_set.trees[audience.id]
    resolver = audience_set.trees.get
    mask = audience_set.mask([audience.number])
    member = (
        bool(audience_set.answers(mask, fields, now)) if mask else compile_filter(tree, resolver).matches(fields, now)
    )
    written = await audiences_of(connection, generation, [profile_id])
    history = await stays(connection, generation, profile_id)
    return Explanation(
        audience,
        member,
        any(each.id == audience.id for each in written[profile_id]),
        tuple(clause_results(clauses_of(tree, resolver), fields, now)),
        Flips(tree, resolver).next_flip(fields, now),
        tuple(each for each in history if each.audience == audience.slug),
    )


async def stays(connection: Any, generation: int, profile_id: bytes) -> list[Stay]:
    """Where a profile was and is, by the time of entering. Audiences that were deleted are left out."""
    if not await tables.is_made(connection, generation):
        return []
    slugs = {each.number: each.slug for each in await store.every(connection)}
    history = await Memberships(connection, generation).history(profile_id)
    found = [
        stay
        for number, slug in slugs.items()
        for stay in _stays(slug, [each for each in history if each.audience == number])
    ]
    return sorted(found, key=lambda stay: (stay.since is not None, stay.since))


def _stays(slug: str, history: Sequence[Transition]) -> list[Stay]:
    """Entries paired with the exits that follow. After profiles were joined there may be two entries: the first one counts."""
    found: list[Stay] = []
    opened: Transition | None = None
    for each in history:
        if each.entered:
            opened = opened or each
            continue
        begun = None if opened is None else opened.at
        why = "" if opened is None else because(opened)
        found.append(Stay(slug, begun, each.at, why, because(each)))
        opened = None
    if opened is not None:
        found.append(Stay(slug, opened.at, None, because(opened)))
    return found


def because(transition: Transition) -> str:
    """A reason in a few words."""
    reason = transition.reason
    words = {
        "profile": "",
        "time": "time",
        "audience": "the audience changed",
        "identity": "profiles were joined or taken apart",
    }
    return ": ".join(part for part in (words[reason.cause], reason.clause) if part)
