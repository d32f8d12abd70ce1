"""What the clauses of an audience say about a profile, and which of them made it enter or leave."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Literal, NamedTuple

from headwater.audiences.clause_list import Clause
from headwater.audiences.objects import Reason
from headwater.expressions import NOTHING, to_stored

VALUES_SHOWN = 20
"""Members of a list or map that are shown as what a clause saw."""
TEXT_SHOWN = 200
_NEVER_USED = datetime.min

Result = Literal["true", "false", "not evaluable"]


class ClauseResult(NamedTuple):
    """A clause in canonical form, the audience that it stands in if it was included, its result, and what it read by field name."""

    clause: str
    included_from: str
    result: Result
    values: Mapping[str, Any]


def clause_results(clauses: Sequence[Clause], fields: Mapping[str, Any], now: datetime) -> list[ClauseResult]:
    """Every clause of an audience, includes put in, with the values that it sees in a profile."""
    return [
        ClauseResult(each.text, each.included_from, _result(each.expression.value(fields, now)), _seen(each, fields))
        for each in clauses
    ]


def reason_of_change(
    clauses: Sequence[Clause],
    cause: Literal["profile", "time", "audience", "identity"],
    before: tuple[Mapping[str, Any], datetime],
    after: tuple[Mapping[str, Any], datetime],
    changed: frozenset[str] | None = None,
) -> Reason:
    """Why the answer is another one: the first clause that answers differently, with the value that it sees now.

    Clauses that read none of the `changed` fields are passed over, if these are given.
    """
    for clause in clauses:
        if changed is not None and clause.reads.isdisjoint(changed):
            continue
        old, new = (_result(clause.expression.value(*state)) for state in (before, after))
        if old != new:
            return Reason(cause, clause.text, next(iter(_seen(clause, after[0]).values()), None))
    return Reason(cause)


def _result(value: Any) -> Result:
    if value is True:
        return "true"
    return "false" if value is False else "not evaluable"


def _seen(clause: Clause, fields: Mapping[str, Any]) -> dict[str, Any]:
    """What the fields of a clause hold, as JSON; missing ones are left out."""
    found = {name: expression.value(fields, _NEVER_USED) for name, expression in clause.fields}
    return {name: _short(to_stored(value, iso_times=True)) for name, value in found.items() if value is not NOTHING}


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
