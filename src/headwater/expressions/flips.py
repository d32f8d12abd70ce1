"""When time alone changes the answer of a filter.

A filter changes without new data only where an instant that moves with the clock (`"now-7d"`, `now()`) meets one that
does not. Times are compared by whole seconds, so each such meeting can change its result only at a few known seconds;
between them the answer stands still. `next_flip` walks through those seconds and asks the filter itself, so that it is
exact whatever NOT, AND, OR and INCLUDE make of the parts. `next_check` is the coarser instant of the FilterQL engine:
the first one at which any part may change, whether or not the whole does.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from headwater.expressions.compiler import Evaluate, compile_node
from headwater.expressions.context import Context
from headwater.expressions.date_math import DateMath, add_months, parse_date_math
from headwater.expressions.dates import to_time
from headwater.expressions.functions import find_function
from headwater.expressions.includes import Resolver, no_includes, resolve
from headwater.expressions.statements import Filter
from headwater.expressions.tree import Between, Call, Comparison, ListLiteral, Literal, Node, walk
from headwater.expressions.values import EPOCH, Value, epoch_second

_ORDERS = frozenset({">", ">=", "<", "<="})
_MIRRORED = {">": "<", ">=": "<=", "<": ">", "<=": ">="}
_DAY = 86_400
_HOUR = 3_600
_MONTH_SLACK = 5
"""Days around the inverse of a calendar step in which the step can reach a given day: months differ by three."""
_CLOCK_STEPS = {"hourofday": (_HOUR, 7 * 24), "hourofweek": (_HOUR, 7 * 24)}
"""Functions of the clock without argument: how often they change, in seconds, and after how many changes they repeat."""
_DAILY_STEPS = (_DAY, 366)
_NEVER = 10**15
"""A second that no calendar reaches."""


class _Pair(NamedTuple):
    """Two operands that are compared; `op` is how, "" for anything but an order."""

    op: str
    left: Node
    right: Node
    left_value: Evaluate
    right_value: Evaluate


class Flips:
    """The times at which the answer of one filter, with its includes, changes by itself."""

    def __init__(self, tree: Filter | Node, resolver: Resolver = no_includes) -> None:
        node = tree.where if isinstance(tree, Filter) else tree
        self._evaluate = compile_node(node, resolver)
        found = resolve(node, resolver).values()
        parts = [part for tree in (node, *found) if isinstance(tree, Node) for part in walk(tree)]
        self._pairs = tuple(pair for part in parts for pair in _pairs(part, resolver))
        self._clocks = frozenset(_clock_step(part) for part in parts if isinstance(part, Call)) - {None}
        self._windows = tuple(
            tuple(compile_node(arg, resolver) for arg in part.args)
            for part in parts
            if isinstance(part, Call) and part.name.lower() == "timewindow"
        )

    @property
    def can_flip(self) -> bool:
        """Whether time alone can change the answer for any profile at all; False saves asking."""
        return any(map(_may_move, self._pairs)) or bool(self._clocks) or bool(self._windows)

    def next_flip(self, profile: Mapping[str, Any], now: datetime) -> datetime | None:
        """The first instant after `now` from which the filter's match is another one, if no data changes.

        None if it never changes by itself. The instant is a whole second: just before it the old answer holds.
        Functions of the clock such as `hourofday()` are followed for the period in which they repeat.
        """
        context = Context(profile, now)
        answer = self._evaluate(context) is True
        for second in sorted(set(self._boundaries(context))):
            instant = _instant(second)
            if instant is not None and (self._evaluate(Context(profile, instant)) is True) is not answer:
                return instant
        return None

    def next_boundary(self, profile: Mapping[str, Any], now: datetime) -> datetime | None:
        """The first instant after `now` at which some part may change; None if none can.

        Never later than `next_flip` and much cheaper: the filter itself is not asked.
        """
        return _instant(min(self._boundaries(Context(profile, now)), default=_NEVER))

    def next_check(self, profile: Mapping[str, Any], now: datetime) -> datetime | None:
        """The first instant, `now` included, at which an order with date math may change; None if none can.

        Logic around the orders is left out of account, as in the FilterQL engine: re-evaluate then.
        """
        context = Context(profile, now)
        candidates = [candidate for pair in self._pairs for candidate in _candidates(pair, context)]
        return min(candidates, default=None)

    def _boundaries(self, context: Context) -> Iterator[int]:
        """Seconds after now at which a part may change."""
        current = context.second
        for second in self._all_boundaries(context):
            if second > current:
                yield second

    def _all_boundaries(self, context: Context) -> Iterator[int]:
        for pair in self._pairs:
            yield from _pair_boundaries(pair, context)
        for step, repeats in (clock for clock in self._clocks if clock is not None):
            first = context.second // step + 1
            yield from range(first * step, (first + repeats) * step, step)
        for window in self._windows:
            yield from _window_boundaries(window, context)


def next_flip(
    tree: Filter | Node, profile: Mapping[str, Any], now: datetime, resolver: Resolver = no_includes
) -> datetime | None:
    """The next flip of a filter that is asked once; keep a `Flips` for one that is asked often."""
    return Flips(tree, resolver).next_flip(profile, now)


def _instant(second: int) -> datetime | None:
    try:
        return EPOCH + timedelta(seconds=second)
    except OverflowError:
        return None


def _pairs(part: Node, resolver: Resolver) -> Iterator[_Pair]:
    def pair(op: str, left: Node, right: Node) -> _Pair:
        return _Pair(op, left, right, compile_node(left, resolver), compile_node(right, resolver))

    if isinstance(part, Comparison):
        yield pair(part.op if part.op in _ORDERS else "", part.left, part.right)
    elif isinstance(part, Between):
        yield pair("between", part.subject, part.low)
        yield pair("between", part.subject, part.high)


def _clock_step(call: Call) -> tuple[int, int] | None:
    spec = find_function(call.name)
    if spec is None or not spec.clock or call.args or spec.name == "now":
        return None
    return _CLOCK_STEPS.get(spec.name, _DAILY_STEPS)


def _may_move(pair: _Pair) -> bool:
    """Whether a moving instant can meet a fixed one here, for some profile.

    A field or a call may give date math as a text, but then only another instant makes it one: a literal does not.
    """
    operands = (pair.left, pair.right)
    if any(isinstance(operand, Literal) and _motion(operand, operand.value) is not None for operand in operands):
        return True
    if any(isinstance(operand, Call) and _motion(operand, None) is not None for operand in operands):
        return True
    return not any(isinstance(operand, Literal | ListLiteral) for operand in operands)


def _motion(node: Node, value: Value) -> DateMath | None:
    """How an operand moves with the clock; None if it stands still."""
    if isinstance(node, Call):
        spec = find_function(node.name)
        if spec is not None and spec.name == "now":
            return DateMath()
        if spec is not None and spec.name in ("todate", "todatein", "cast") and isinstance(node.args[0], Literal):
            return _motion(node.args[0], node.args[0].value)
        return None
    return parse_date_math(value) if isinstance(value, str) else None


def _instants(value: Value, now: datetime) -> list[datetime]:
    """The instants in an operand that stands still: one, those of a list, or none."""
    if isinstance(value, list | tuple):
        return [item for item in value if isinstance(item, datetime)]
    instant = to_time(value, now)
    return [] if instant is None else [instant]


def _pair_boundaries(pair: _Pair, context: Context) -> Iterator[int]:
    left, right = pair.left_value(context), pair.right_value(context)
    motions = (_motion(pair.left, left), _motion(pair.right, right))
    for motion, steady in ((motions[0], right), (motions[1], left)):
        if motion is not None and None in motions:
            for instant in _instants(steady, context.now):
                yield from _meeting(instant, motion)
    if None not in motions and any(motion.months for motion in motions if motion is not None):
        step, repeats = _DAILY_STEPS
        first = context.second // step + 1
        yield from range(first * step, (first + repeats) * step, step)


def _meeting(instant: datetime, motion: DateMath) -> Iterator[int]:
    """The seconds of the clock at which the moving instant reaches the second of the fixed one, and leaves it."""
    target = epoch_second(instant)
    if not motion.months:
        yield from (target - motion.seconds, target - motion.seconds + 1)
        return
    # Calendar steps are even within a day but jump at the ends of months, so each day near the inverse is looked at.
    try:
        middle = epoch_second(add_months(instant.astimezone(UTC), -motion.months)) // _DAY
    except (ValueError, OverflowError):
        return
    for day in range(middle - _MONTH_SLACK, middle + _MONTH_SLACK + 1):
        yield from (day * _DAY, day * _DAY + target % _DAY, day * _DAY + target % _DAY + 1)


def _window_boundaries(window: tuple[Evaluate, ...], context: Context) -> Iterator[int]:
    times, _, days = (argument(context) for argument in window)
    if not isinstance(times, list) or type(days) is not int:
        return
    for item in times:
        if isinstance(item, datetime):
            yield from (epoch_second(item), epoch_second(item) + days * _DAY)


def _candidates(pair: _Pair, context: Context) -> Iterator[datetime]:
    """The instant at which an order with date math on one side may change."""
    for op, moving, steady in (
        (pair.op, pair.right, pair.left_value),
        (_MIRRORED.get(pair.op, ""), pair.left, pair.right_value),
    ):
        math = parse_date_math(moving.value) if isinstance(moving, Literal) and isinstance(moving.value, str) else None
        reached = None if math is None or not op else math.at(context.now)
        if reached is None:
            continue
        for instant in _instants(steady(context), context.now):
            if instant > reached or (instant == reached and op in ("<", "<=", "between")):
                yield context.now + (instant - reached)
