"""What the clauses of an audience say about a profile, and which of them made it enter or leave."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, Literal, NamedTuple

from headwater.audiences.audience_set import AudienceSet, CompiledAudience
from headwater.audiences.objects import Reason
from headwater.expressions import NOTHING, canonical, compile_expression, to_stored
from headwater.expressions.includes import resolve
from headwater.expressions.tree import Field, Group, Include, Logic, Node, Not, children, walk

VALUES_SHOWN = 20
"""Members of a list or map that are shown as what a clause saw."""
TEXT_SHOWN = 200

Result = Literal["true", "false", "not evaluable"]


class ClauseResult(NamedTuple):
    """A clause in canonical form, the audience that it stands in if it was included, its result, and what it read by field name."""

    clause: str
    included_from: str
    result: Result
    values: Mapping[str, Any]


class _Clause(NamedTuple):
    node: Node
    included_from: str


def clause_results(
    audience_set: AudienceSet, compiled: CompiledAudience, fields: Mapping[str, Any], now: datetime
) -> list[ClauseResult]:
    """Every clause of an audience, includes put in, with the values that it sees in a profile."""
    return [
        ClauseResult(
            canonical(clause.node),
            clause.included_from,
            _result(_value(clause.node, audience_set, fields, now)),
            _seen(clause.node, fields),
        )
        for clause in _clauses(audience_set, compiled)
    ]


def reason_of_change(
    audience_set: AudienceSet,
    compiled: CompiledAudience,
    cause: Literal["profile", "time", "audience", "identity"],
    before: tuple[Mapping[str, Any], datetime],
    after: tuple[Mapping[str, Any], datetime],
) -> Reason:
    """Why the answer is another one: the first clause that answers differently, with the value that it sees now."""
    for clause in _clauses(audience_set, compiled):
        old, new = (_result(_value(clause.node, audience_set, *state)) for state in (before, after))
        if old != new:
            seen = _seen(clause.node, after[0])
            return Reason(cause, canonical(clause.node), next(iter(seen.values()), None))
    return Reason(cause)


def _clauses(audience_set: AudienceSet, compiled: CompiledAudience) -> Iterator[_Clause]:
    """The parts between AND, OR and NOT, of the tree and of what it includes, each audience once."""
    yield from (_Clause(leaf, "") for leaf in _leaves(compiled.tree))
    for name, found in resolve(compiled.tree, audience_set.trees.get).items():
        if isinstance(found, Node):
            yield from (_Clause(leaf, name) for leaf in _leaves(found))


def _leaves(node: Node) -> Iterator[Node]:
    if isinstance(node, Group | Logic | Not):
        for child in children(node):
            yield from _leaves(child)
    elif not isinstance(node, Include):
        yield node


def _value(node: Node, audience_set: AudienceSet, fields: Mapping[str, Any], now: datetime) -> Any:
    return compile_expression(node, audience_set.trees.get).value(fields, now)


def _result(value: Any) -> Result:
    if value is True:
        return "true"
    return "false" if value is False else "not evaluable"


def _seen(node: Node, fields: Mapping[str, Any]) -> dict[str, Any]:
    """What the fields of a clause hold, as JSON; missing ones are left out."""
    seen: dict[str, Any] = {}
    for part in walk(node):
        if isinstance(part, Field):
            value = compile_expression(part).value(fields, _NEVER_USED)
            if value is not NOTHING:
                seen[part.name] = _short(to_stored(value, iso_times=True))
    return seen


_NEVER_USED = datetime.min


def _short(value: Any) -> Any:
    if isinstance(value, str):
        return value if len(value) <= TEXT_SHOWN else f"{value[:TEXT_SHOWN]}…"
    if isinstance(value, list):
        return [_short(each) for each in value[:VALUES_SHOWN]]
    if isinstance(value, dict):
        if value.keys() == {"$time"}:
            return value["$time"]
        return {key: _short(value[key]) for key in list(value)[:VALUES_SHOWN]}
    return value
