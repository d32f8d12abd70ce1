"""Merge operators: how the values of many events become one value.

Each operator is a commutative, associative merge of *states*. A state is plain JSON and holds what the operator needs
so that order cannot matter: `latest` keeps the event's time beside the value, a set keeps the last time of each member.

All operators but `sum` and `count` are idempotent as well: merging an event's state again changes nothing. A sum cannot be,
so whoever applies events applies each message once per fragment (see `effects.EventEffect.message_key`).

State by family (t = event time in epoch milliseconds, tie = number derived from the message id):

    latest, oldest of one value     [t, tie, value]
    max, min, sum, count            value
    set                             {member: t}
    map, latest or oldest per key   {key: [t, tie, value]}
    map, max or min per key         {key: [value, t of the latest event with that value]}
    map, sum per key                {key: [total, t of the latest event]}
    counts by day                   {day: count}
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, cast

import msgspec

from headwater import jsontext
from headwater.errors import ConfigurationError
from headwater.profiles.exact_numbers import add, addend
from headwater.profiles.instants import DAY_MILLISECONDS
from headwater.profiles.kinds import Kind

COLLECTION_LIMIT = 10_000
"""Members that the state of a set or map holds at most, whatever the schema says."""

DAYS_LIMIT = 62
"""Days that a `[]timebucket` holds: the longest window of `timewindow`, 30 days, twice over."""

DAY_EVENTS_LIMIT = 100
"""Events of one day that a `[]timebucket` shows: the largest threshold of `timewindow`."""

State = Any
"""A merge state: JSON."""


class Stamp(NamedTuple):
    """When an event happened, and a number of its message id that decides between events of the same millisecond."""

    time: int
    tie: int


class Bounds(NamedTuple):
    """Limits of a collection: members shown (0 = no limit) and milliseconds that a member lives (0 = for ever)."""

    capacity: int = 0
    keep: int = 0


UNBOUNDED = Bounds()


class Operator(msgspec.Struct, frozen=True):
    """A merge operator for one field.

    `start(value, stamp)` is the state of one event, `merge(a, b)` joins two states and changes neither,
    `read(state, at)` is the value that a profile shows at the instant `at` (epoch milliseconds), None for nothing.
    """

    name: str
    start: Callable[[Any, Stamp], State]
    merge: Callable[[State, State], State]
    read: Callable[[State, int], Any]


OPERATORS: Mapping[str, frozenset[str]] = {
    "sum": frozenset({"int", "number", "map[string]int", "map[string]number", "[]timebucket"}),
    "count": frozenset({"int"}),
    "max": frozenset({"int", "number", "date"}),
    "min": frozenset({"int", "number", "date"}),
    "latest": frozenset({"string", "bool", "int", "number", "date", "geolocation", "embedding", "dynamic"}),
    "oldest": frozenset({"string", "bool", "int", "number", "date", "geolocation", "embedding", "dynamic"}),
    "merge": frozenset(
        {
            "[]string",
            "[]time",
            "ts[]string",
            "map[string]string",
            "map[string]int",
            "map[string]number",
            "map[string]bool",
            "map[string]time",
            "map[string]value",
            "membership",
            "flows",
        }
    ),
    "capped": frozenset({"[]string", "[]time", "ts[]string"}),
    "mapmax": frozenset({"map[string]int", "map[string]number", "map[string]time"}),
    "mapmin": frozenset({"map[string]int", "map[string]number", "map[string]time"}),
    "latestmap": frozenset(
        {
            "map[string]string",
            "map[string]int",
            "map[string]number",
            "map[string]bool",
            "map[string]time",
            "map[string]value",
            "membership",
            "flows",
        }
    ),
    "oldestmap": frozenset(
        {
            "map[string]string",
            "map[string]int",
            "map[string]number",
            "map[string]bool",
            "map[string]time",
            "map[string]value",
        }
    ),
}
"""Which kinds each operator fits (Lytics schema: merge operators)."""

_DEFAULT_BY_KIND = {"map[string]int": "sum", "map[string]number": "sum", "[]timebucket": "sum"}
_DEFAULT_BY_SHAPE = {"scalar": "latest", "set": "merge", "map": "latestmap"}


def default_operator(kind: Kind, counts: bool = False) -> str:
    """The operator of a field that names none. `counts`: all its mappings are `count(…)` or `sum(…)`."""
    if counts and kind.name in OPERATORS["sum"]:
        return "sum"
    return _DEFAULT_BY_KIND.get(kind.name) or _DEFAULT_BY_SHAPE[kind.shape]


def operator_for(name: str, kind: Kind, bounds: Bounds = UNBOUNDED) -> Operator:
    """The operator `name` for fields of `kind`. Raises ConfigurationError when it does not fit the kind."""
    fitting = OPERATORS.get(name)
    if fitting is None:
        raise ConfigurationError(f"unknown merge operator {name!r}; known are {', '.join(sorted(OPERATORS))}")
    if kind.name not in fitting:
        usable = ", ".join(sorted(each for each, kinds in OPERATORS.items() if kind.name in kinds))
        raise ConfigurationError(f"merge operator {name!r} does not fit kind {kind.name!r}; usable here: {usable}")
    if kind.shape == "scalar":
        return _SCALAR_OPERATORS[name]
    if kind.shape == "days":
        return _DAYS
    return _set_operator(name, bounds, kind) if kind.shape == "set" else _map_operator(name, bounds, kind)


# One value


def canonical_bytes(value: Any) -> bytes:
    """One spelling for equal values, for comparing values that have no order of their own."""
    return jsontext.encode(_sorted_keys(value))


def _sorted_keys(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _sorted_keys(value[key]) for key in sorted(value)}
    return [_sorted_keys(item) for item in value] if isinstance(value, list) else value


def _stamped(value: Any, stamp: Stamp) -> State:
    return [stamp.time, stamp.tie, value]


def _later(left: State, right: State) -> State:
    if left[0] != right[0]:
        return left if left[0] > right[0] else right
    if left[1] != right[1]:
        return left if left[1] > right[1] else right
    return left if canonical_bytes(left[2]) >= canonical_bytes(right[2]) else right


def _earlier(left: State, right: State) -> State:
    return right if _later(left, right) is left else left


def _stamped_value(state: State, _at: int) -> Any:
    return state[2]


def _bare(value: Any, _stamp: Stamp) -> State:
    return value


def _itself(state: State, _at: int) -> Any:
    return state


_SCALAR_OPERATORS: dict[str, Operator] = {
    "latest": Operator("latest", _stamped, _later, _stamped_value),
    "oldest": Operator("oldest", _stamped, _earlier, _stamped_value),
    "max": Operator("max", _bare, max, _itself),
    "min": Operator("min", _bare, min, _itself),
    "sum": Operator("sum", lambda value, _stamp: addend(value), add, _itself),
    "count": Operator("count", lambda _value, _stamp: 1, add, _itself),
}


# Collections: `united` joins two objects key by key, then drops what no order could bring back.

Entry = Any
Rank = Callable[[str, Entry], tuple[Any, ...]]


def _united(
    left: dict[str, Entry], right: dict[str, Entry], join: Callable[[Entry, Entry], Entry], limit: int, rank: Rank
) -> dict[str, Entry]:
    base, other = (left, right) if len(left) >= len(right) else (right, left)
    united = base.copy()
    for key, entry in other.items():
        held = united.get(key)
        united[key] = entry if held is None else join(held, entry)
    return united if len(united) <= limit else _truncated(united, limit, rank)


def _truncated(entries: dict[str, Entry], limit: int, rank: Rank) -> dict[str, Entry]:
    if len(entries) <= limit:
        return entries
    kept = sorted(entries.items(), key=lambda item: rank(*item), reverse=True)[:limit]
    return dict(kept)


def _limit(capacity: int) -> int:
    return min(capacity, COLLECTION_LIMIT) if capacity > 0 else COLLECTION_LIMIT


def _alive(entries: dict[str, Entry], time_of: Callable[[Entry], int], bounds: Bounds, at: int) -> dict[str, Entry]:
    if not bounds.keep:
        return entries
    return {key: entry for key, entry in entries.items() if time_of(entry) > at - bounds.keep}


# Sets


def _set_operator(name: str, bounds: Bounds, kind: Kind) -> Operator:
    limit = _limit(bounds.capacity)
    instants = kind.element == "date"

    def start(members: list[Any], stamp: Stamp) -> State:
        if len(members) == 1:
            return {str(members[0]): stamp.time}
        return _truncated({str(member): stamp.time for member in members}, limit, _by_time)

    def merge(left: State, right: State) -> State:
        base, other = (left, right) if len(left) >= len(right) else (right, left)
        united = base.copy()
        for member, time in other.items():
            if member not in united or united[member] < time:
                united[member] = time
        return united if len(united) <= limit else _truncated(united, limit, _by_time)

    def read(state: State, at: int) -> Any:
        alive = _alive(state, _own_time, bounds, at)
        if instants:
            return sorted(map(int, alive)) or None
        if len(alive) == 1:
            return list(alive)
        if kind.in_order:
            return [member for _, member in sorted(zip(alive.values(), alive, strict=True))] or None
        return sorted(alive) or None

    return Operator(name, start, merge, read)


def _by_time(member: str, time: Entry) -> tuple[Any, ...]:
    return (time, member)


def _own_time(time: Entry) -> int:
    return cast("int", time)


# Maps


def _map_operator(name: str, bounds: Bounds, kind: Kind) -> Operator:
    if name in ("mapmax", "mapmin", "sum"):
        return _valued_map(name, bounds, kind)
    # The state is cut by the order in which the operator prefers entries, so an entry that was cut stays out.
    oldest = name == "oldestmap"
    limit = _limit(bounds.capacity)
    join, rank = (_earlier, _by_earliness) if oldest else (_later, _by_lateness)

    def start(entries: dict[str, Any], stamp: Stamp) -> State:
        if len(entries) == 1:
            ((key, value),) = entries.items()
            return {key: [*stamp, value]}
        stamped = {key: [stamp.time, stamp.tie, value] for key, value in entries.items()}
        return _truncated(stamped, limit, rank)

    def merge(left: State, right: State) -> State:
        return _united(left, right, join, limit, rank)

    def read(state: State, at: int) -> Any:
        alive = _alive(state, _stamped_time, bounds, at)
        return _shown(alive, 2, kind)

    return Operator(name, start, merge, read)


def _stamped_time(entry: Entry) -> int:
    return cast("int", entry[0])


def _by_lateness(key: str, entry: Entry) -> tuple[Any, ...]:
    return (entry[0], key)


def _by_earliness(key: str, entry: Entry) -> tuple[Any, ...]:
    return (-entry[0], key)


def _shown(entries: dict[str, Entry], place: int, kind: Kind) -> Any:
    """The values of entries, which stand at `place`, by key."""
    if kind.name == "membership":
        return sorted(key for key, entry in entries.items() if entry[place]) or None
    return {key: entry[place] for key, entry in entries.items()} or None


def _valued_map(name: str, bounds: Bounds, kind: Kind) -> Operator:
    join: Callable[[Entry, Entry], Entry] = {"mapmax": _greater, "mapmin": _smaller, "sum": _summed}[name]
    # A total that lost some of its addends would be wrong, and recency changes with every event. So a map of totals is cut by
    # something that never changes, the key, and only far above the capacity; the capacity applies on reading.
    limit = COLLECTION_LIMIT if name == "sum" else _limit(bounds.capacity)
    rank = {"mapmax": _by_greatness, "mapmin": _by_smallness, "sum": _by_key}[name]

    first = addend if name == "sum" else _unchanged

    def start(entries: dict[str, Any], stamp: Stamp) -> State:
        if len(entries) == 1:
            ((key, value),) = entries.items()
            return {key: [first(value), stamp.time]}
        return _truncated({key: [first(value), stamp.time] for key, value in entries.items()}, limit, rank)

    def merge(left: State, right: State) -> State:
        return _united(left, right, join, limit, rank)

    def read(state: State, at: int) -> Any:
        alive = _alive(state, _update_time, bounds, at)
        if name == "sum" and bounds.capacity:
            alive = _truncated(alive, bounds.capacity, _by_update)
        return _shown(alive, 0, kind)

    return Operator(name, start, merge, read)


def _unchanged(value: Any) -> Any:
    return value


def _update_time(entry: Entry) -> int:
    return cast("int", entry[1])


def _greater(left: Entry, right: Entry) -> Entry:
    return max(left, right)


def _smaller(left: Entry, right: Entry) -> Entry:
    return min(left, right, key=lambda entry: (entry[0], -entry[1]))


def _summed(left: Entry, right: Entry) -> Entry:
    return [add(left[0], right[0]), max(left[1], right[1])]


def _by_update(key: str, entry: Entry) -> tuple[Any, ...]:
    return (entry[1], key)


def _by_greatness(key: str, entry: Entry) -> tuple[Any, ...]:
    return (entry[0], entry[1], key)


def _by_smallness(key: str, entry: Entry) -> tuple[Any, ...]:
    return (-entry[0], entry[1], key)


def _by_key(key: str, _entry: Entry) -> tuple[Any, ...]:
    return (key,)


# Counts by day


def _merge_days(left: State, right: State) -> State:
    return _united(left, right, add, DAYS_LIMIT, _by_day)


def _by_day(day: str, _count: Entry) -> tuple[Any, ...]:
    return (int(day),)


def _start_days(counts: dict[str, int], _stamp: Stamp) -> State:
    return _truncated(counts, DAYS_LIMIT, _by_day)


def _read_days(state: State, _at: int) -> Any:
    """The start of each day with the number of its events: what `timewindow` counts."""
    return [(day * DAY_MILLISECONDS, min(state[str(day)], DAY_EVENTS_LIMIT)) for day in sorted(map(int, state))]


_DAYS = Operator("sum", _start_days, _merge_days, _read_days)
