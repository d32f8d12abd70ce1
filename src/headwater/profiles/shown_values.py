"""Values of a profile's fields as filters and people see them: instants as datetimes, exact totals as doubles."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from headwater.expressions.stored import RepeatedInstants
from headwater.profiles.field_plans import FieldPlan
from headwater.profiles.instants import instant
from headwater.profiles.kinds import Element
from headwater.profiles.merging import State

ReadState = Callable[[State, int], Any]
"""The value that a merge state shows at an instant (epoch milliseconds), None for nothing."""


def reader_of(plan: FieldPlan) -> ReadState:
    """How the states of a field are read."""
    read, show = plan.operator.read, _SHOWN.get(plan.kind.element)
    if plan.kind.element == "count":
        return _read_repeated(read)
    if show is None:
        return read
    show_all = _shown_members(show)

    def read_shown(state: State, at: int) -> Any:
        value = read(state, at)
        if value is None:
            return None
        return show_all(value) if isinstance(value, dict | list) else show(value)

    return read_shown


def _read_repeated(read: ReadState) -> ReadState:
    """Counts by day as one instant for each event, the start of its day: each is made once."""

    def read_shown(state: State, at: int) -> Any:
        return RepeatedInstants([(instant(time), count) for time, count in read(state, at)])

    return read_shown


def _shown_members(show: Callable[[Any], Any]) -> Callable[[Any], Any]:
    def show_all(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: show(each) for key, each in value.items()}
        return [show(each) for each in value]

    return show_all


def _as_double(value: Any) -> Any:
    return float(value) if isinstance(value, Decimal) else value


_SHOWN: Mapping[Element, Callable[[Any], Any]] = {
    "date": instant,
    "number": _as_double,
    "embedding": _as_double,
}
