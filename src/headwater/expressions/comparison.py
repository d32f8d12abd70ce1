"""What a comparison, a BETWEEN, a calculation or a logical operator gives for any two values.

The kind of the left operand decides how the right one is read. A result is True, False or NOTHING: not evaluable.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Iterable
from datetime import datetime

from headwater.expressions.dates import to_time
from headwater.expressions.functions.logic import equal
from headwater.expressions.patterns import matcher
from headwater.expressions.values import (
    NOTHING,
    Value,
    epoch_second,
    kind_of,
    parse_amount,
    parse_boolean,
    parse_numeral,
    to_integer,
    to_number,
    to_text,
)

ORDER: dict[str, Callable[[float, float], bool]] = {
    "==": operator.eq,
    "!=": operator.ne,
    ">": operator.gt,
    ">=": operator.ge,
    "<": operator.lt,
    "<=": operator.le,
}
MEMBERSHIP = frozenset({"in", "intersects"})


def compare(op: str, left: Value, right: Value, now: datetime) -> Value:
    """`left op right`; `now` is what date math counts from."""
    if left is NOTHING or right is NOTHING:
        return _with_missing(op, left, right)
    return _BY_KIND[kind_of(left)](op, left, right, now)


def _with_missing(op: str, left: Value, right: Value) -> Value:
    both = left is NOTHING and right is NOTHING
    if op == "!=":
        return not both
    if op in MEMBERSHIP or op == "contains":
        return NOTHING if both or (op == "contains" and right is NOTHING) else False
    return False


def _number(op: str, left: float, right: float) -> Value:
    holds = ORDER.get(op)
    return NOTHING if holds is None else holds(left, right)


def _int(op: str, left: int, right: Value, _now: datetime) -> Value:
    match kind_of(right):
        case "int" | "number":
            return _number(op, left, right)
        case "string":
            number = parse_numeral(right)
            return NOTHING if number is None else _number(op, left, number)
        case "list":
            return any(to_integer(item) == left for item in right) if op in MEMBERSHIP else NOTHING
    return NOTHING


def _float(op: str, left: float, right: Value, _now: datetime) -> Value:
    match kind_of(right):
        case "int" | "number":
            return _number(op, left, right)
        case "string":
            number = parse_numeral(right)
            return NOTHING if number is None else _number(op, left, number)
        case "list":
            return in_numbers(left, right)
    return NOTHING


def in_numbers(number: float, items: Iterable[Value]) -> bool:
    """Whether a list holds the number: what a fraction and a list give, whatever the operator between them."""
    return any(to_number(item) == number for item in items if type(item) is not bool)


def _bool(op: str, left: bool, right: Value, _now: datetime) -> Value:
    if op not in ("==", "!="):
        return NOTHING
    if right is None:
        return op == "!="
    return _number(op, left, right) if type(right) is bool else NOTHING


def _string(op: str, left: str, right: Value, now: datetime) -> Value:
    kind = kind_of(right)
    match kind:
        case "string":
            return _string_with_string(op, left, right)
        case "nil":
            return {"==": left == "", "!=": left != ""}.get(op, NOTHING)
        case "list" | "strings":
            return _string_with_list(op, left, right)
        case "int" | "number":
            return _string_with_number(op, left, right)
        case "bool":
            return _string_with_bool(op, left, right)
        case "map":
            return left in right if op in MEMBERSHIP else NOTHING
    instant = to_time(left, now)
    return NOTHING if instant is None else compare_times(op, instant, right)


def _string_with_string(op: str, left: str, right: str) -> Value:
    match op:
        case "==" | "in" | "intersects":
            return left == right
        case "!=":
            return left != right
        case "contains":
            return right in left
        case "like":
            return matcher(right)(left)
    return NOTHING


def _texts(items: Iterable[Value]) -> list[str]:
    return [to_text(item) for item in items if item is not NOTHING and item is not None]


def _string_with_list(op: str, left: str, right: Iterable[Value]) -> Value:
    texts = _texts(right)
    match op:
        case "in" | "intersects":
            return left in texts
        case "contains":
            return any(text in left for text in texts)
        case "like":
            return any(matcher(text)(left) for text in texts)
    return NOTHING


def _string_with_number(op: str, left: str, right: float) -> Value:
    if op not in ORDER:
        return NOTHING
    number = parse_amount(left)
    return op == "!=" if number is None else _number(op, number, right)


def _string_with_bool(op: str, left: str, right: bool) -> Value:
    truth = parse_boolean(left)
    if truth is not None and op in ("==", "!="):
        return _number(op, truth, right)
    return False if op in ("==", "like", "contains") or op in MEMBERSHIP else NOTHING


def _strings(op: str, left: list[str], right: Value, _now: datetime) -> Value:
    if op == "==":
        return False
    kind = kind_of(right)
    if kind == "string":
        return _any_text(op, left, right)
    if op in MEMBERSHIP and kind in ("list", "strings"):
        return not set(left).isdisjoint(_texts(right))
    return NOTHING


def _any_text(op: str, texts: Iterable[str], wanted: str) -> Value:
    match op:
        case "contains":
            return any(wanted in text for text in texts)
        case "like":
            fits = matcher(wanted)
            return any(fits(text) for text in texts)
    return NOTHING


def _list(op: str, left: list[Value], right: Value, now: datetime) -> Value:
    if op in ORDER:
        return _list_of_times(op, left, right, now)
    kind = kind_of(right)
    if kind == "string":
        return _any_text(op, map(to_text, left), right)
    if kind == "int" and op == "contains":
        return any(to_integer(item) == right for item in left)
    if op in MEMBERSHIP and kind == "strings":
        return not set(_texts(left)).isdisjoint(right)
    if op in MEMBERSHIP and kind == "list":
        return any(equal(mine, theirs) is True for mine in left for theirs in right)
    return NOTHING


def _list_of_times(op: str, left: list[Value], right: Value, now: datetime) -> Value:
    if not left:
        return False
    instant = to_time(right, now)
    if instant is None or not isinstance(left[0], datetime):
        return NOTHING
    return any(compare_times(op, item, instant) for item in left if isinstance(item, datetime))


def _time(op: str, left: datetime, right: Value, now: datetime) -> Value:
    instant = to_time(right, now)
    return NOTHING if instant is None else compare_times(op, left, instant)


def compare_times(op: str, left: datetime, right: datetime) -> Value:
    """Two instants by their whole seconds."""
    return _number(op, epoch_second(left), epoch_second(right))


def _map(op: str, left: dict[str, Value], right: Value, _now: datetime) -> Value:
    if op not in MEMBERSHIP or kind_of(right) not in ("list", "strings"):
        return NOTHING
    return any(text in left for text in _texts(right))


def _nil(op: str, _left: None, right: Value, _now: datetime) -> Value:
    if op == "==":
        return right is None
    return True if op == "!=" else NOTHING


_BY_KIND: dict[str, Callable[[str, Value, Value, datetime], Value]] = {
    "int": _int,
    "number": _float,
    "bool": _bool,
    "string": _string,
    "strings": _strings,
    "list": _list,
    "time": _time,
    "map": _map,
    "nil": _nil,
}


def between(subject: Value, low: Value, high: Value, now: datetime) -> Value:
    """Whether the subject lies strictly between the bounds, which are read as its kind."""
    bounds: tuple[float | None, float | None]
    match kind_of(subject):
        case "int":
            bounds, position = (to_integer(low), to_integer(high)), subject
        case "number":
            bounds, position = (to_number(low), to_number(high)), subject
        case "time":
            bounds, position = (_second(low, now), _second(high, now)), epoch_second(subject)
        case _:
            return NOTHING
    return NOTHING if bounds[0] is None or bounds[1] is None else bounds[0] < position < bounds[1]


def _second(value: Value, now: datetime) -> int | None:
    instant = to_time(value, now)
    return None if instant is None else epoch_second(instant)


def join_and(left: Value, right: Value) -> Value:
    """`left AND right` outside a group; both are already evaluated."""
    if left is NOTHING or right is NOTHING:
        return False
    if type(left) is bool and type(right) is bool:
        return left and right
    numbers = _truths(left, right)
    return numbers[0] and numbers[1] if numbers else _odd_logic(left, right, is_and=True)


def join_or(left: Value, right: Value) -> Value:
    """`left OR right` outside a group; both are already evaluated."""
    if left is NOTHING or right is NOTHING:
        known = right if left is NOTHING else left
        return known if type(known) is bool else False
    if type(left) is bool and type(right) is bool:
        return left or right
    numbers = _truths(left, right)
    return numbers[0] or numbers[1] if numbers else _odd_logic(left, right, is_and=False)


def _truths(left: Value, right: Value) -> tuple[bool, bool] | None:
    """Two numbers, or a number and a numeric text, as true where they are not 0. None for anything else."""
    kinds = {kind_of(left), kind_of(right)}
    if not kinds & {"int", "number"} or not kinds <= {"int", "number", "string"}:
        return None
    read = [parse_numeral(value) if isinstance(value, str) else value for value in (left, right)]
    return None if None in read else (read[0] != 0, read[1] != 0)


def _odd_logic(left: Value, right: Value, is_and: bool) -> Value:
    """Operands that are no pair of booleans or numbers."""
    match kind_of(left):
        case "bool":
            return NOTHING if right is not None else (left and not is_and)
        case "string":
            return False if type(right) is bool else NOTHING
        case "list" | "strings":
            return False
        case "nil":
            return right if type(right) is bool and not is_and else False
    return NOTHING


def calculate(op: str, left: Value, right: Value) -> Value:
    """`left op right` for + - * / %. Two ints give an int, cut towards zero. Anything divided by 0 is NOTHING, and so is
    what does not fit an integer of 64 bits or a double."""
    if type(left) is float and kind_of(right) == "list":
        return in_numbers(left, right)
    numbers = _operands(left, right)
    if numbers is None or (op in "/%" and numbers[1] == 0):
        return NOTHING
    try:
        result = _calculated(op, *numbers)
    except (OverflowError, ValueError):
        return NOTHING
    return result if abs(result) < (_INT64_LIMIT if type(result) is int else math.inf) else NOTHING


_INT64_LIMIT = 2**63


def _operands(left: Value, right: Value) -> tuple[float, float] | None:
    """Both operands as numbers: a text beside a number is converted, two texts are not."""
    kinds = (kind_of(left), kind_of(right))
    match kinds:
        case ("int" | "number", "int" | "number"):
            return left, right
        case ("int" | "number", "string"):
            number = parse_numeral(right)
            return None if number is None else (left, number)
        case ("string", "int" | "number"):
            numbers = (parse_amount(left), to_number(right))
            return None if numbers[0] is None or numbers[1] is None else (numbers[0], numbers[1])
    return None


def _calculated(op: str, left: float, right: float) -> float:
    whole = type(left) is int and type(right) is int
    match op:
        case "+":
            return left + right
        case "-":
            return left - right
        case "*":
            return left * right
        case "/":
            return _cut_quotient(int(left), int(right)) if whole else left / right
    remainder = int(left) - int(right) * _cut_quotient(int(left), int(right)) if int(right) else None
    if remainder is None:
        raise ValueError("remainder of a division by 0")
    return remainder if whole else float(remainder)


def _cut_quotient(left: int, right: int) -> int:
    quotient = abs(left) // abs(right)
    return quotient if (left < 0) == (right < 0) else -quotient
