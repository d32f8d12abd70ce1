"""From the answers of filters to entries and exits. Pure: what a profile is now, and what it was in, decide."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal, NamedTuple

from headwater.audiences.audience_set import AudienceSet
from headwater.audiences.objects import Reason, Transition
from headwater.audiences.operands import positions
from headwater.audiences.reasons import reason_of_change

_BY_THE_AUDIENCE = Reason("audience")
_NOBODY: Mapping[str, Any] = {}


class Standing(NamedTuple):
    """The audiences that a profile is in, by number, and the first instant at which time may change that (or None)."""

    audiences: frozenset[int] = frozenset()
    moment: datetime | None = None


class Situation(NamedTuple):
    """What the audiences are, and which of them all profiles are being asked about, without events where `quiet`."""

    audience_set: AudienceSet
    filling: int = 0
    quiet: int = 0


class Settled(NamedTuple):
    """A profile's standing after it was asked, and what changed."""

    standing: Standing
    transitions: tuple[Transition, ...]


class Case(NamedTuple):
    """A profile to be asked about the audiences in the mask `asked`.

    `before` are its fields at the instant `before_at` at which its standing was right; None: there was no profile.
    """

    profile_id: bytes
    held: Standing
    asked: int
    cause: Literal["profile", "time", "audience", "identity"]
    before: Mapping[str, Any] | None
    before_at: datetime
    after: Mapping[str, Any]
    moment: datetime | None
    changed: frozenset[str] | None = None
    """The only fields that differ between `before` and `after`, where that is known."""


def settle(situation: Situation, case: Case, now: datetime) -> Settled:
    """Ask, and compare with what was. Audiences that are not asked, or not known (deleted ones), stay as they are."""
    audience_set = situation.audience_set
    held = audience_set.mask(case.held.audiences)
    answers = audience_set.answers(case.asked, case.after, now)
    entered, exited = answers & ~held, held & case.asked & ~answers
    if not entered and not exited:
        return Settled(Standing(case.held.audiences, case.moment), ())
    same_before = _unchanged(situation, case, entered, exited)
    transitions = tuple(
        _transition(situation, case, position, bool(entered >> position & 1), bool(same_before >> position & 1), now)
        for position in positions(entered | exited)
    )
    added = {each.audience for each in transitions if each.entered}
    removed = {each.audience for each in transitions if not each.entered}
    return Settled(Standing(case.held.audiences - removed | added, case.moment), transitions)


def _unchanged(situation: Situation, case: Case, entered: int, exited: int) -> int:
    """Of the audiences that are being filled, those whose answer was the same before: it is not the profile that changed."""
    # What a joined profile leaves it may have brought along from another one, whose fields are not those of `before`.
    doubtful = (entered if case.cause == "identity" else entered | exited) & situation.filling
    if not doubtful or case.before is None:
        return 0
    before = situation.audience_set.answers(doubtful, case.before, case.before_at)
    return doubtful & ~(before ^ entered)


def _transition(
    situation: Situation, case: Case, position: int, entered: bool, same_before: bool, now: datetime
) -> Transition:
    audience = situation.audience_set.members[position].audience
    reason = _BY_THE_AUDIENCE
    if not same_before:
        before = (_NOBODY if case.before is None else case.before, case.before_at)
        clauses = situation.audience_set.clauses(audience.number)
        reason = reason_of_change(clauses, case.cause, before, (case.after, now), case.changed)
    quiet = same_before and bool(situation.quiet >> position & 1)
    return Transition(case.profile_id, audience.number, entered, now, reason, audience.emit_trigger and not quiet)


def earliest(*moments: datetime | None) -> datetime | None:
    """The first of several instants, None being never."""
    return min((moment for moment in moments if moment is not None), default=None)
