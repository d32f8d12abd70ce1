"""Is a profile one person? Healthy, watched or quarantined, with reasons.

A quarantined profile keeps collecting and can be read; it is marked in every reply and counted beside the audiences that it
is left out of.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Literal

import msgspec

from headwater.profiles.components import most_within
from headwater.profiles.conflicts import Conflict
from headwater.profiles.identifiers import Identifier
from headwater.profiles.identity_rules import WATCHED_SHARE, IdentityRules, TypeRule
from headwater.profiles.resolution import Part, Resolution
from headwater.profiles.sightings import Sighting

CONFLICTS_LIMIT = 50
"""Open conflicts beyond which a profile is quarantined."""

SIZE_LIMIT_BYTES = 1_000_000
"""Largest JSON of a profile that is not quarantined, the limit of Lytics as well."""

HealthState = Literal["healthy", "watched", "quarantined"]


class Health(msgspec.Struct, frozen=True):
    """The state of a profile and every reason for it, the most serious ones only."""

    state: HealthState
    reasons: tuple[str, ...] = ()


_HEALTHY = Health("healthy")


def health_of(
    part: Part,
    resolution: Resolution,
    seen: Mapping[Identifier, Sighting],
    conflicts: Sequence[Conflict],
    rules: IdentityRules,
    size_bytes: int = 0,
) -> Health:
    """The health of one part of a resolution. `conflicts` are those of the component, `size_bytes` the length of its JSON."""
    own = [each for each in conflicts if each.state == "open" and part.founder in (each.left, each.right)]
    alarmed = not resolution.alarmed.isdisjoint(part.members)
    serious = _serious(alarmed, own, size_bytes)
    if serious:
        return Health("quarantined", tuple(serious))
    if not own and len(part.members) <= rules.watched_beyond:
        return _HEALTHY  # nearly all are
    notable = _notable(part, seen, own, rules)
    return Health("watched", tuple(notable)) if notable else _HEALTHY


def _serious(alarmed: bool, own: Sequence[Conflict], size_bytes: int) -> list[str]:
    reasons: list[str] = []
    if any(each.rule == "profile size" for each in own):
        reasons.append("more identifiers than a profile may have; some stayed outside")
    if alarmed:
        reasons.append("seen with too many people in a short time")
    if len(own) > CONFLICTS_LIMIT:
        reasons.append(f"more than {CONFLICTS_LIMIT} open conflicts")
    if size_bytes > SIZE_LIMIT_BYTES:
        reasons.append(f"larger than {SIZE_LIMIT_BYTES} bytes")
    return reasons


def _notable(
    part: Part, seen: Mapping[Identifier, Sighting], own: Sequence[Conflict], rules: IdentityRules
) -> list[str]:
    reasons = [f"{len(own)} open conflict{'s' if len(own) > 1 else ''}"] if own else []
    if len(part.members) > rules.profile_limit * WATCHED_SHARE:
        reasons.append(f"{len(part.members)} of {rules.profile_limit} identifiers")
    values = Counter(member.type for member in part.members)
    for name, rule in rules.types.items():
        most = rule.limit * WATCHED_SHARE
        if rule.unique or not rule.limit or values[name] <= most:
            continue
        used = values_used(name, rule, part, seen)
        if used > most:
            reasons.append(f"{used} of {rule.limit} values of {name}")
    return reasons


def values_used(name: str, rule: TypeRule, part: Part, seen: Mapping[Identifier, Sighting]) -> int:
    """How many values of a type count against its limit: the most that one window has."""
    return most_within(sorted(seen[each].first for each in part.members if each.type == name), rule.window)
