"""Functions that count, calculate and convert."""

from __future__ import annotations

import math

from headwater.expressions.context import Context
from headwater.expressions.dates import to_time
from headwater.expressions.functions.registry import Example, Function, function, is_nothing
from headwater.expressions.values import (
    NOTHING,
    ZERO_TIME,
    Value,
    is_empty,
    kind_of,
    one_text,
    to_boolean,
    to_integer,
    to_number,
    to_text,
)

_UINT64 = 2**64


@function("count", "int", Example("count(name)", 1, {"name": "Ada"}), Example('count("")', NOTHING))
def count(_context: Context, x: Value) -> Value:
    """1 if the value is present and not an empty text; 0 and false count. The merge operator adds the ones up."""
    return NOTHING if is_empty(x) else 1


def _spread(value: Value) -> tuple[list[Value], bool]:
    """The elements of a list or the value itself, and whether a bad element spoils the whole."""
    kind = kind_of(value)
    return (list(value), kind == "list") if kind in ("list", "strings") else ([value], False)


@function("sum", "number", Example('sum(1, "2", price)', 8.5, {"price": 5.5}), Example("sum(0)", NOTHING), at_least=1)
def sum_(_context: Context, *x: Value) -> Value:
    """The sum over the arguments of one event; lists are spread. Texts that are no number are left out.

    A list of mixed kinds must hold only numbers. A total of 0 is no value, and so is a boolean or a map.
    """
    total = 0.0
    for value in x:
        if is_empty(value):
            continue
        if kind_of(value) in ("bool", "map"):
            return NOTHING
        elements, strict = _spread(value)
        numbers = [to_number(element) for element in elements]
        if strict and None in numbers:
            return NOTHING
        total += sum(number for number in numbers if number is not None)
    return NOTHING if total == 0 or not math.isfinite(total) else total


@function("avg", "number", Example("avg(1, [2, 3])", 2.0), Example('avg(["1", "x"])', NOTHING), at_least=1)
def avg(_context: Context, *x: Value) -> Value:
    """The mean over the arguments of one event; lists are spread. A list with an element that is no number gives
    no value; a single text that is none is left out."""
    numbers: list[float] = []
    for value in x:
        kind = kind_of(value)
        if kind in ("bool", "map"):
            continue
        elements, _ = _spread(value)
        found = [to_number(element) for element in elements]
        if kind in ("list", "strings") and None in found:
            return NOTHING
        numbers.extend(number for number in found if number is not None)
    return sum(numbers) / len(numbers) if numbers else NOTHING


@function("sqrt", "number", Example("sqrt(25)", 5.0), Example('sqrt("25")', NOTHING))
def sqrt(_context: Context, n: Value) -> Value:
    """The square root of a number. A text is not converted."""
    number = to_number(n) if type(n) in (int, float) else None
    return NOTHING if number is None or number < 0 else math.sqrt(number)


@function("pow", "number", Example('pow("5", 2)', 25.0))
def pow_(_context: Context, n: Value, m: Value) -> Value:
    """n to the power m; both are converted to numbers."""
    base, exponent = to_number(n), to_number(m)
    if base is None or exponent is None:
        return NOTHING
    try:
        return math.pow(base, exponent)
    except (ValueError, OverflowError):
        return NOTHING


@function("tostring", "string", Example("tostring(1)", "1"), Example("tostring(missing)", ""))
def tostring(_context: Context, x: Value) -> Value:
    """The value as text. Missing gives "", a time its epoch milliseconds, a list its elements joined with commas."""
    return to_text(x)


@function("toint", "int", Example('toint("$5,555.75")', 5555), Example('toint("1e3")', NOTHING))
def toint(_context: Context, x: Value) -> Value:
    """The value as a whole number, cut towards zero. `$ £ € ,` and blanks are taken out. A time gives its epoch
    milliseconds, a list its first element; booleans, exponents and hexadecimal texts give no value."""
    number = to_integer(x)
    return NOTHING if number is None else number


@function("tonumber", "number", Example('tonumber("€ 5,555.50")', 5555.5), aliases=("tofloat",))
def tonumber(_context: Context, x: Value) -> Value:
    """The value as a number. `$ £ € ,` and blanks are taken out; true and false are 1 and 0."""
    number = to_number(x)
    return NOTHING if number is None else number


@function("tobool", "bool", Example('tobool("t")', True), Example('tobool("yes")', NOTHING))
def tobool(_context: Context, x: Value) -> Value:
    """The value as a boolean: 0 and 1, or the words 1 t T true True TRUE and 0 f F false False FALSE."""
    truth = to_boolean(x)
    return NOTHING if truth is None else truth


@function("unsign", "string", Example("unsign(-1)", "18446744073709551615"), Example('unsign("794")', "794"))
def unsign(_context: Context, x: Value) -> Value:
    """A signed 64-bit integer as its unsigned value, in decimal digits."""
    number = to_integer(x)
    return NOTHING if number is None else str(number % _UINT64)


@function("cast", "any", Example('cast("22", "int")', 22), Example('cast("22" AS bool)', NOTHING))
def cast(context: Context, x: Value, type_: Value) -> Value:
    """The value as `string`, `char`, `int` or `time`, written `cast(x AS int)` or `cast(x, "int")`."""
    if is_nothing(x) or x == ZERO_TIME or isinstance(x, dict):
        return NOTHING
    match (one_text(type_) or "").lower():
        case "string" | "char":
            return to_text(x)
        case "int":
            return toint.evaluate(context, x)
        case "time":
            instant = to_time(x, context.now)
            return NOTHING if instant is None else instant
    return NOTHING


FUNCTIONS: tuple[Function, ...] = (
    count,
    sum_,
    avg,
    sqrt,
    pow_,
    tostring,
    toint,
    tonumber,
    tobool,
    unsign,
    cast,
)
