"""Why is this profile what it is? Everything that decided it, as one value."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal

import msgspec

from headwater.profiles.compiled_schema import CompiledSchema
from headwater.profiles.conflicts import Conflict, conflicts_of
from headwater.profiles.decisions import Decisions
from headwater.profiles.field_plans import FieldPlan
from headwater.profiles.fragments import Fragment, FragmentKey, merge_fields
from headwater.profiles.health import Health, health_of, values_used
from headwater.profiles.identifiers import Identifier, doubts
from headwater.profiles.identity_rules import TypeRule
from headwater.profiles.links import Link, Pair
from headwater.profiles.resolution import Part, Resolution
from headwater.profiles.sightings import Sighting

EXCLUSIVE = frozenset({"latest", "oldest", "max", "min"})
"""Operators by which one candidate wins; by the others all contribute."""

STAMPED = frozenset({"latest", "oldest"})
"""Operators whose state tells the time of its event."""


_NO_RULE = TypeRule(rank=0)
"""For identifiers of a type that a schema has dropped."""


class ExplainedIdentifier(msgspec.Struct, frozen=True):
    """An identifier with its rule, how much of the limit is used (`limit` 0: there is none), and where it was seen."""

    identifier: Identifier
    rank: int
    unique: bool
    used: int
    limit: int
    window_days: int
    seen: Sighting
    doubts: tuple[str, ...]


class ExplainedLink(msgspec.Struct, frozen=True):
    """A link that holds: seen in events, stated by an alias, or allowed by a person. `seen` is None if no event showed it."""

    pair: Pair
    by: Literal["event", "alias", "person"]
    seen: Sighting | None


class Candidate(msgspec.Struct, frozen=True):
    """What one fragment says about a field. `time` of its event where the operator knows it; `counts`: it decided the value."""

    fragment: FragmentKey
    value: Any
    time: int | None
    counts: bool


class ExplainedField(msgspec.Struct, frozen=True):
    """A field, its operator, and the candidates, those that count first."""

    name: str
    operator: str
    candidates: tuple[Candidate, ...]


class Explanation(msgspec.Struct, frozen=True):
    """All that decided a profile. `version` is that of the rules.

    `further_conflicts`: how many more a value under the alarm has; so many people may have shared it that not all are listed.
    """

    founder: Identifier
    version: str
    identifiers: tuple[ExplainedIdentifier, ...]
    links: tuple[ExplainedLink, ...]
    conflicts: tuple[Conflict, ...]
    fields: tuple[ExplainedField, ...]
    health: Health
    further_conflicts: int = 0


class Evidence(msgspec.Struct, frozen=True):
    """A component as it is stored: sightings, all links, fragments, people's decisions, and what was resolved from them.

    `unread` counts links of a value under the alarm that are not among `links`.
    """

    seen: Mapping[Identifier, Sighting]
    links: Mapping[Pair, Link]
    fragments: Mapping[FragmentKey, Fragment]
    decisions: Decisions
    resolution: Resolution
    unread: int = 0


def explain(part: Part, evidence: Evidence, schema: CompiledSchema, at: int, size_bytes: int = 0) -> Explanation:
    """Explain one part of a component as it is at `at` (epoch milliseconds).

    What was dropped before it became an identifier, and the history of merges, are not part of the evidence: they are counted and
    logged where events are applied.
    """
    members = set(part.members)
    conflicts = conflicts_of(evidence.resolution, evidence.links, evidence.decisions)
    own = tuple(each for each in conflicts if part.founder in (each.left, each.right))
    fragments = {key: each for key, each in evidence.fragments.items() if key.identifier in members}
    return Explanation(
        founder=part.founder,
        version=evidence.resolution.version,
        identifiers=_identifiers(part, evidence, schema),
        links=tuple(_link(pair, evidence) for pair in evidence.resolution.held if pair[0] in members),
        conflicts=own,
        fields=_fields(fragments, schema, at),
        health=health_of(part, evidence.resolution, evidence.seen, conflicts, schema.rules, size_bytes),
        further_conflicts=evidence.unread,
    )


def _identifiers(part: Part, evidence: Evidence, schema: CompiledSchema) -> tuple[ExplainedIdentifier, ...]:
    explained = []
    for identifier in part.members:
        rule = schema.rules.types.get(identifier.type, _NO_RULE)
        explained.append(
            ExplainedIdentifier(
                identifier=identifier,
                rank=schema.rules.rank_of(identifier.type),
                unique=rule.unique,
                used=values_used(identifier.type, rule, part, evidence.seen),
                limit=rule.values_limit,
                window_days=rule.window_days,
                seen=evidence.seen[identifier],
                doubts=doubts(identifier, rule.form),
            )
        )
    return tuple(sorted(explained, key=lambda each: (each.rank, each.identifier)))


def _link(pair: Pair, evidence: Evidence) -> ExplainedLink:
    link = evidence.links.get(pair)
    if pair in evidence.decisions.allowed:
        return ExplainedLink(pair, "person", None if link is None else link.seen)
    return ExplainedLink(
        pair, "alias" if link is not None and link.stated else "event", None if link is None else link.seen
    )


def _fields(fragments: Mapping[FragmentKey, Fragment], schema: CompiledSchema, at: int) -> tuple[ExplainedField, ...]:
    explained = (_field(plan, fragments, at) for plan in schema.fields)
    return tuple(each for each in explained if each.candidates)


def _field(plan: FieldPlan, fragments: Mapping[FragmentKey, Fragment], at: int) -> ExplainedField:
    states = {key: each.fields[plan.name] for key, each in fragments.items() if plan.name in each.fields}
    whole: Mapping[str, Any] = {}
    for state in states.values():
        whole = merge_fields(whole, {plan.name: state}, {plan.name: plan.operator})
    candidates = [
        Candidate(
            fragment=key,
            value=plan.operator.read(state, at),
            time=state[0] if plan.operator.name in STAMPED else None,
            counts=plan.operator.name not in EXCLUSIVE or state == whole[plan.name],
        )
        for key, state in states.items()
    ]
    ordered = sorted(candidates, key=lambda each: (not each.counts, str(each.fragment)))
    return ExplainedField(plan.name, plan.operator.name, tuple(ordered))


def chain(left: Identifier, right: Identifier, held: Iterable[Pair]) -> tuple[Pair, ...] | None:
    """Why are these two the same: the shortest chain of links that hold from one to the other, None if there is none."""
    around: dict[Identifier, list[Identifier]] = {}
    for one, other in sorted(held):
        around.setdefault(one, []).append(other)
        around.setdefault(other, []).append(one)
    before: dict[Identifier, Identifier] = {left: left}
    waiting = deque([left])
    while waiting and right not in before:
        here = waiting.popleft()
        for next_one in around.get(here, ()):
            if next_one not in before:
                before[next_one] = here
                waiting.append(next_one)
    return _walk_back(left, right, before) if right in before else None


def _walk_back(left: Identifier, right: Identifier, before: Mapping[Identifier, Identifier]) -> tuple[Pair, ...]:
    steps: list[Pair] = []
    while right != left:
        steps.append((before[right], right))
        right = before[right]
    return tuple(reversed(steps))


def lytics_explanation(
    entity: Mapping[str, Any], part: Part, evidence: Evidence, schema: CompiledSchema
) -> dict[str, Any]:
    """The explanation in the shape of Lytics' entity reply with `explain=true`.

    Fragments of the profile come first, then those that a conflict keeps outside, marked with what they conflict with.
    """
    members = set(part.members)
    outside = {
        end: other
        for refused in evidence.resolution.refused
        for end, other in (refused.pair, refused.pair[::-1])
        if other in members and end not in members
    }
    fragments = [_lytics_fragment(member, evidence, schema, None) for member in part.members]
    fragments += [_lytics_fragment(end, evidence, schema, outside[end]) for end in sorted(outside)]
    return {"entity": dict(entity), "keys": [_key(member) for member in part.members], "fragments": fragments}


def _lytics_fragment(
    identifier: Identifier, evidence: Evidence, schema: CompiledSchema, conflicts_with: Identifier | None
) -> dict[str, Any]:
    owned: Sequence[Fragment] = [each for key, each in evidence.fragments.items() if key.identifier == identifier]
    values: dict[str, Any] = {}
    for plan in schema.fields:
        for fragment in owned:
            if plan.name in fragment.fields:
                values[plan.name] = plan.operator.read(fragment.fields[plan.name], fragment.last)
    meta: dict[str, Any] = {"streams": sorted({stream for fragment in owned for stream in fragment.streams})}
    if conflicts_with is not None:
        meta |= {"conflict": True, "conflicts_with": f"{conflicts_with.type}:{conflicts_with.value}"}
    neighbours = sorted(link.other(identifier) for pair, link in evidence.links.items() if identifier in pair)
    return {
        "key": [_key(identifier)],
        "neighbors": [_key(each) for each in neighbours],
        "fragment": values,
        "meta": meta,
    }


def _key(identifier: Identifier) -> dict[str, str]:
    return {"key": identifier.type, "value": identifier.value}
