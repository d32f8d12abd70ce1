"""Conflicts: links that do not hold, as values that a person can see and decide about."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

import msgspec

from headwater.profiles.components import Rule
from headwater.profiles.decisions import Decisions
from headwater.profiles.identifiers import Identifier
from headwater.profiles.identity_rules import IdentityRules
from headwater.profiles.links import Link, Pair, pair_of
from headwater.profiles.resolution import Part, Resolution, resolve
from headwater.profiles.sightings import Sighting

ConflictState = Literal["open", "allowed", "kept apart", "value blocked"]

_REASONS: Mapping[Rule, str] = {
    "value blocked": "a person blocked one of the two values",
    "kept apart": "a person keeps the two profiles apart",
    "unique": "both profiles have a value of a type of which one person has one only",
    "limit": "the profile would gain more values of this type than its limit allows in the window",
    "profile size": "the profile would have more identifiers than a profile may have",
    "degree alarm": "the value was seen with too many people in a short time",
    "ambiguous": "the value was seen with several people, so it belongs to nobody",
    "taken": "the value was seen with several people and belongs to another one by the type's setting",
}


class Conflict(msgspec.Struct, frozen=True):
    """One link about which rules, or a person, had to decide.

    `left`, `right` are the founders of the two profiles (the same where a person allowed the link). `seen` tells the event that
    first showed the link; None where no event did. `reason` is the rule in words.
    """

    pair: Pair
    rule: Rule | None
    reason: str
    version: str
    state: ConflictState
    left: Identifier
    right: Identifier
    seen: Sighting | None


class Consequence(msgspec.Struct, frozen=True):
    """What one more decision would change: the parts that would be there before, and those after it."""

    before: tuple[Part, ...]
    after: tuple[Part, ...]


def conflicts_of(resolution: Resolution, links: Mapping[Pair, Link], decisions: Decisions) -> tuple[Conflict, ...]:
    """The conflicts of a component, by pair: refused links, and links that hold because a person allowed them."""
    parts = resolution.part_of()
    refused = (
        _conflict(each.pair, each.rule, _state(each.pair, decisions), resolution, parts, links)
        for each in resolution.refused
    )
    allowed = (
        _conflict(pair, None, "allowed", resolution, parts, links) for pair in decisions.allowed & set(resolution.held)
    )
    return tuple(sorted((*refused, *allowed), key=lambda conflict: conflict.pair))


def _conflict(
    pair: Pair,
    rule: Rule | None,
    state: ConflictState,
    resolution: Resolution,
    parts: Mapping[Identifier, Part],
    links: Mapping[Pair, Link],
) -> Conflict:
    link = links.get(pair)
    return Conflict(
        pair=pair,
        rule=rule,
        reason="a person allowed it" if rule is None else _REASONS[rule],
        version=resolution.version,
        state=state,
        left=parts[pair[0]].founder,
        right=parts[pair[1]].founder,
        seen=None if link is None else link.seen,
    )


def _state(pair: Pair, decisions: Decisions) -> ConflictState:
    if not decisions.blocked.isdisjoint(pair):
        return "value blocked"
    return "kept apart" if pair in decisions.apart else "open"


def consequence(
    seen: Mapping[Identifier, Sighting],
    links: Sequence[Link],
    rules: IdentityRules,
    decisions: Decisions,
    proposed: Decisions,
) -> Consequence:
    """What would change if `proposed` were in force instead of `decisions`: for a preview of allow, keep apart or block."""
    before = set(resolve(seen, links, rules, decisions).parts)
    after = set(resolve(seen, links, rules, proposed).parts)
    return Consequence(tuple(sorted(before - after, key=_founder)), tuple(sorted(after - before, key=_founder)))


def _founder(part: Part) -> Identifier:
    return part.founder


def pairs_that_separate(part: Part, leaving: frozenset[Identifier]) -> frozenset[Pair]:
    """The pairs to keep apart so that `leaving` leaves a profile for ever: everyone who goes with everyone who stays.

    Raises ValueError when `leaving` is no real part of the profile, or when it is everything.
    """
    members = set(part.members)
    if not leaving < members or not leaving:
        raise ValueError("name some identifiers of the profile, but not all of them")
    return frozenset(pair_of(one, other) for one in leaving for other in members - leaving)
