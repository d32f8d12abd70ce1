"""Which profiles a gathering touches, and what they are then. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import msgspec

from headwater.profiles.compiled_schema import CompiledSchema
from headwater.profiles.conflicts import Conflict, conflicts_of
from headwater.profiles.decisions import Decisions
from headwater.profiles.documents import profile_document, stored_text
from headwater.profiles.fold import Profile, fold
from headwater.profiles.fragments import Fragment, FragmentKey
from headwater.profiles.health import SIZE_LIMIT_BYTES, Health, health_of
from headwater.profiles.identifiers import Identifier
from headwater.profiles.identity_rules import IdentityRules
from headwater.profiles.resolution import Part
from headwater.profiles.session_following import fragment_parts
from headwater.profiles.store.bodies import Component
from headwater.profiles.store.gathering import Gathered, decisions_about


class Affected(NamedTuple):
    """A component with those of its profiles that must be folded again."""

    gathered: Gathered
    parts: tuple[Part, ...]


class FoldedProfile(msgspec.Struct, frozen=True):
    """A profile as it is written: `text` is its document as JSON."""

    part: Part
    component: int
    profile: Profile
    document: Mapping[str, Any]
    text: str
    health: Health


def affected(gathered: Gathered, before: frozenset[Part], rules: IdentityRules, *, again: bool = False) -> Affected:
    """The profiles of a component that may have changed: an event named a member, or the members are others than before.

    `again`: decisions changed, and with them the conflicts and the health of any of them.
    """
    parts = gathered.component.parts
    if not again and len(parts) > 1 and not follows_sessions(rules):
        parts = tuple(part for part in parts if part not in before or not gathered.touched.isdisjoint(part.members))
    return Affected(gathered, parts)


def follows_sessions(rules: IdentityRules) -> bool:
    """Whether fragments may move between profiles that keep their members."""
    return any(rule.session_minutes for rule in rules.types.values())


def is_undisputed(gathered: Gathered, stored: Component, before: frozenset[Part]) -> bool:
    """Whether a component was and is one profile of the same members, with no link that does not hold."""
    parts = gathered.component.parts
    if len(parts) != 1 or len(stored.parts) != 1 or parts[0] not in before or gathered.resolution.refused:
        return False
    seen = stored.seen
    return not stored.alarmed and all(left in seen and right in seen for left, right in stored.links)


def members_read(each: Affected, rules: IdentityRules) -> Iterable[Identifier]:
    """The identifiers whose fragments are needed to fold the affected profiles."""
    if follows_sessions(rules):
        return each.gathered.component.seen
    return (member for part in each.parts for member in part.members)


def fold_affected(
    each: Affected,
    fragments: Mapping[Identifier, Mapping[FragmentKey, Fragment]],
    schema: CompiledSchema,
    decisions: Decisions,
    at: int,
    profile_id: Callable[[Identifier], str],
) -> list[FoldedProfile]:
    """Fold the affected profiles of one component as they are at `at` (epoch milliseconds)."""
    gathered = each.gathered
    conflicts = _conflicts(gathered, decisions)
    owned = _owned(each, fragments, schema.rules)
    folded: list[FoldedProfile] = []
    for part in each.parts:
        members = {member: gathered.component.seen[member] for member in part.members}
        opposite = _opposite(part, conflicts) if conflicts else ()
        profile = fold(profile_id(part.founder), members, owned[part.founder], schema, at, opposite)
        document = profile_document(profile)
        seen = gathered.component.seen
        health = health_of(part, gathered.resolution, seen, conflicts, schema.rules)
        document["_health"] = health.state
        text = stored_text(document)
        if len(text) > SIZE_LIMIT_BYTES:
            health = health_of(part, gathered.resolution, seen, conflicts, schema.rules, len(text))
            document["_health"] = health.state
            text = stored_text(document)
        folded.append(FoldedProfile(part, gathered.number, profile, document, text, health))
    return folded


def _conflicts(gathered: Gathered, decisions: Decisions) -> tuple[Conflict, ...]:
    if not gathered.resolution.refused and not decisions:
        return ()
    return conflicts_of(
        gathered.resolution, gathered.component.links, decisions_about(gathered.component.seen, decisions)
    )


def _owned(
    each: Affected, fragments: Mapping[Identifier, Mapping[FragmentKey, Fragment]], rules: IdentityRules
) -> dict[Identifier, dict[FragmentKey, Fragment]]:
    """The fragments of each affected profile by its founder."""
    owned: dict[Identifier, dict[FragmentKey, Fragment]] = {part.founder: {} for part in each.parts}
    if not follows_sessions(rules):
        for part in each.parts:
            own = owned[part.founder]
            for member in part.members:
                own.update(fragments.get(member, {}))
        return owned
    component = each.gathered.component
    held = {key: one for member in component.seen for key, one in fragments.get(member, {}).items()}
    homes = fragment_parts(held, each.gathered.resolution, component.links.values(), rules)
    for key, fragment in held.items():
        if homes[key].founder in owned:
            owned[homes[key].founder][key] = fragment
    return owned


def _opposite(part: Part, conflicts: Sequence[Conflict]) -> list[str]:
    """The identifiers that open conflicts keep outside, as text."""
    members = set(part.members)
    return [
        f"{end.type}:{end.value}"
        for each in conflicts
        if each.state == "open"
        for end, other in (each.pair, each.pair[::-1])
        if other in members
    ]


def allowed_partners(decisions: Decisions) -> dict[Identifier, set[Identifier]]:
    """Whom people joined with whom."""
    partners: dict[Identifier, set[Identifier]] = {}
    for left, right in decisions.allowed:
        partners.setdefault(left, set()).add(right)
        partners.setdefault(right, set()).add(left)
    return partners
