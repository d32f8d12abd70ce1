"""Functions that answer true or false, and those that choose among values."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from headwater.expressions.context import Context
from headwater.expressions.functions.registry import Example, Function, function, is_nothing
from headwater.expressions.values import NOTHING, Value, is_empty, kind_of, to_boolean, to_integer, to_number, to_text


def equal(left: Value, right: Value) -> bool | None:
    """Whether two values are equal, the right one read as the kind of the left; None if they cannot be compared."""
    if is_nothing(left) or is_nothing(right):
        return is_nothing(left) and is_nothing(right)
    match kind_of(left):
        case "string":
            return bool(left == to_text(right))
        case "int":
            return bool(left == to_integer(right))
        case "number":
            return bool(left == to_number(right))
        case "bool":
            return bool(left == to_boolean(right))
        case "time":
            return isinstance(right, datetime) and left == right
        case "list" | "strings":
            return _equal_lists(left, right)
    return None


def _equal_lists(left: list[Value], right: Value) -> bool | None:
    if not isinstance(right, list | tuple):
        return None
    return len(left) == len(right) and all(equal(a, b) for a, b in zip(left, right, strict=True))


@function("eq", "bool", Example("eq(visits, 5)", True, {"visits": 5}), Example("eq(missing, 5)", False))
def eq(_context: Context, a: Value, b: Value) -> Value:
    """Whether two values are equal. The second is read as the kind of the first. Two missing values are equal."""
    same = equal(a, b)
    return NOTHING if same is None else same


@function("ne", "bool", Example("ne(visits, 5)", False, {"visits": 5}), Example('ne(missing, "x")', True))
def ne(_context: Context, a: Value, b: Value) -> Value:
    """Whether two values differ; the opposite of `eq`."""
    same = equal(a, b)
    return NOTHING if same is None else not same


def _ordered(a: Value, b: Value, holds: Callable[[float, float], bool]) -> Value:
    left, right = to_number(a), to_number(b)
    return NOTHING if left is None or right is None else holds(left, right)


@function("gt", "bool", Example('gt("$6", 5)', True), Example("gt(missing, 5)", NOTHING))
def gt(_context: Context, a: Value, b: Value) -> Value:
    """Whether the first is greater, both read as numbers. Money signs are taken off, true counts as 1."""
    return _ordered(a, b, lambda left, right: left > right)


@function("ge", "bool", Example('ge(5, "5")', True))
def ge(_context: Context, a: Value, b: Value) -> Value:
    """Whether the first is greater or equal, both read as numbers."""
    return _ordered(a, b, lambda left, right: left >= right)


@function("lt", "bool", Example("lt(4.5, 5)", True))
def lt(_context: Context, a: Value, b: Value) -> Value:
    """Whether the first is less, both read as numbers."""
    return _ordered(a, b, lambda left, right: left < right)


@function("le", "bool", Example("le(6, 5)", False))
def le(_context: Context, a: Value, b: Value) -> Value:
    """Whether the first is less or equal, both read as numbers."""
    return _ordered(a, b, lambda left, right: left <= right)


@function("not", "bool", Example('not("true")', False), Example('not("perhaps")', NOTHING))
def not_(_context: Context, x: Value) -> Value:
    """The opposite of a boolean, of a word for true or false, or of 0 and 1."""
    truth = to_boolean(x)
    return NOTHING if truth is None else not truth


@function("exists", "bool", Example('exists("")', True), Example("exists(missing)", False))
def exists(_context: Context, x: Value) -> Value:
    """Whether there is a value at all. An empty text, 0 and false are values."""
    return not is_nothing(x)


@function("any", "bool", Example("any(missing, 0)", True), Example('any(missing, "")', False), at_least=1)
def any_(_context: Context, *x: Value) -> Value:
    """Whether at least one argument is not empty. 0 and false are not empty."""
    return any(not is_empty(value) for value in x)


def _holds(value: Value) -> bool:
    """Not empty and not false. Of numbers only 0 passes: an oddity of the original that filters may rely on."""
    number = type(value) in (int, float)
    return not is_empty(value) and value is not False and (not number or int(value) == 0)


@function("all", "bool", Example('all("a", true)', True), Example('all("a", "")', False), at_least=1)
def all_(_context: Context, *x: Value) -> Value:
    """Whether no argument is empty or false. A number other than 0 fails: wrap numbers in `tobool` or `exists`."""
    return all(_holds(value) for value in x)


@function("oneof", "any", Example('oneof(missing, "", 0, "x")', 0), Example('oneof("", missing)', NOTHING), at_least=2)
def oneof(_context: Context, *x: Value) -> Value:
    """The first argument that is not empty. 0 and false are not empty."""
    return next((value for value in x if not is_empty(value)), NOTHING)


FUNCTIONS: tuple[Function, ...] = (eq, ne, gt, ge, lt, le, not_, exists, any_, all_, oneof)
