"""Functions on dates and times. Those without argument use the time of the event."""

from __future__ import annotations

import re
import zoneinfo
from collections.abc import Callable
from datetime import UTC, datetime

from headwater.expressions.context import Context
from headwater.expressions.date_math import parse_date_math
from headwater.expressions.dates import number_to_time, parse_date, parse_moment, to_time
from headwater.expressions.functions.go_layout import parse_by_layout
from headwater.expressions.functions.registry import Example, Function, function, literal_text
from headwater.expressions.tree import Node
from headwater.expressions.values import (
    NOTHING,
    Value,
    epoch_microsecond,
    epoch_second,
    one_text,
    parse_fraction,
    to_integer,
    to_number,
)

_ABSENT = object()
"""An argument that was not written, which is not the same as one without a value."""


def _date(text: str) -> datetime:
    """For examples: an instant from ISO text."""
    return datetime.fromisoformat(text)


def _instant(value: Value) -> datetime | None:
    """A time, or a text or number that is a date; date math is not read here."""
    if isinstance(value, datetime):
        return value
    if type(value) is float:
        return number_to_time(value)
    text = one_text(value)
    return None if text is None else parse_date(text)


def _moment(context: Context, x: Value) -> datetime | None:
    return context.event_time if x is _ABSENT else _instant(x)


def _part(context: Context, x: Value, take: Callable[[datetime], Value]) -> Value:
    instant = _moment(context, x)
    return NOTHING if instant is None else take(instant)


@function("now", "time", clock=True)
def now(context: Context) -> Value:
    """The time of the event in a mapping, the time of evaluation in a filter."""
    return context.event_time


def _check_date_math(args: tuple[Node, ...]) -> str | None:
    text = literal_text(args[0])
    if text is not None and text[:3].lower() == "now" and parse_date_math(text) is None:
        return f'"{text}" is no date math; write now, a sign, a number and one of y M w d h m s: "now-3d"'
    return None


@function(
    "todate",
    "time",
    Example('todate("Apr 7, 2026 4:58 PM")', _date("2026-04-07T16:58:00+00:00")),
    Example('todate("02/01/2006", "07/04/2026")', _date("2026-04-07T00:00:00+00:00")),
    Example('todate("hello")', NOTHING),
)
def todate(context: Context, x: Value, text: Value = _ABSENT) -> Value:
    """The date in a text or number, or date math from the time of evaluation.

    With two arguments the first is a layout that shows how 2 January 2006, 15:04:05, would be written.
    """
    if text is _ABSENT:
        instant = _instant(x) or parse_moment(one_text(x) or "", context.now)
    else:
        layout, written = one_text(x), one_text(text)
        instant = None if layout is None or written is None else parse_by_layout(layout, written)
    return NOTHING if instant is None else instant


def _check_zone(args: tuple[Node, ...]) -> str | None:
    zone = literal_text(args[1])
    if zone is None:
        return 'the zone must be written as a text, like "America/Los_Angeles"'
    try:
        zoneinfo.ZoneInfo(zone)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        return f'there is no time zone "{zone}"; use a name like "America/Los_Angeles"'
    return _check_date_math(args)


@function(
    "todatein",
    "time",
    Example('todatein("2026-05-08 17:57:51", "America/Los_Angeles")', _date("2026-05-09T00:57:51+00:00")),
    check=_check_zone,
)
def todatein(context: Context, x: Value, zone: Value) -> Value:
    """Like `todate`, but a text without a zone is read in this one. The result is in UTC."""
    text = one_text(x)
    if isinstance(x, datetime) or text is None:
        return x if isinstance(x, datetime) else NOTHING
    instant = parse_moment(text, context.now) if text[:3] == "now" else parse_date(text, zoneinfo.ZoneInfo(zone))
    return NOTHING if instant is None else instant.astimezone(UTC)


@function("totimestamp", "int", Example('totimestamp("2026-04-07")', 1775520000), Example('totimestamp("x")', NOTHING))
def totimestamp(_context: Context, x: Value) -> Value:
    """Seconds since 1970 of a date. Date math is not read."""
    instant = _instant(x)
    return NOTHING if instant is None else epoch_second(instant)


@function("yy", "int", Example('yy("10/13/2026")', 26), clock=True)
def yy(context: Context, x: Value = _ABSENT) -> Value:
    """The year in two digits."""
    return _part(context, x, lambda instant: instant.year % 100)


@function("mm", "int", Example('mm("10/13/2026")', 10), aliases=("monthofyear",), clock=True)
def mm(context: Context, x: Value = _ABSENT) -> Value:
    """The month, 1 to 12."""
    return _part(context, x, lambda instant: instant.month)


@function("yymm", "string", Example('yymm("11/02/2026")', "2611"), clock=True)
def yymm(context: Context, x: Value = _ABSENT) -> Value:
    """Year and month in four digits."""
    return _part(context, x, lambda instant: f"{instant.year % 100:02d}{instant.month:02d}")


def _weekday(instant: datetime) -> int:
    return instant.isoweekday() % 7


@function("dayofweek", "int", Example('dayofweek("2026-11-22")', 0), clock=True)
def dayofweek(context: Context, x: Value = _ABSENT) -> Value:
    """The day of the week, Sunday 0 to Saturday 6, in the zone written in the value."""
    return _part(context, x, _weekday)


@function("hourofday", "int", Example('hourofday("2026-04-07 16:58")', 16), clock=True)
def hourofday(context: Context, x: Value = _ABSENT) -> Value:
    """The hour, 0 to 23, in the zone written in the value."""
    return _part(context, x, lambda instant: instant.hour)


@function("hourofweek", "int", Example('hourofweek("2026-04-07 16:58")', 64), clock=True)
def hourofweek(context: Context, x: Value = _ABSENT) -> Value:
    """The hour of the week, from Sunday midnight, 0 to 167."""
    return _part(context, x, lambda instant: _weekday(instant) * 24 + instant.hour)


_MINUTES = re.compile(r"M?([0-9.]+):([0-9.]+)")


@function("seconds", "number", Example('seconds("M10:30")', 630.0), Example('seconds("2026-04-07")', 1775520000.0),
          Example("seconds(30)", 30.0))  # fmt: skip
def seconds(_context: Context, x: Value) -> Value:
    """A number as it is, minutes and seconds ("10:30" or "M10:30") as seconds, a date as seconds since 1970."""
    if type(x) in (int, float):
        number = to_number(x)
        return NOTHING if number is None else number
    instant = _instant(x)
    if instant is not None:
        return float(epoch_second(instant))
    text = x if isinstance(x, str) else ""
    if found := _MINUTES.fullmatch(text):
        minutes, rest = parse_fraction(found[1]) or 0.0, parse_fraction(found[2]) or 0.0
        return 60 * minutes + rest if minutes or rest else NOTHING
    number = parse_fraction(text.removeprefix("M"))
    return NOTHING if number is None else number


def _decimal(microseconds: int, digits: int) -> str:
    """Seconds with this many decimals, cut towards zero."""
    unit = 10**digits
    ticks = abs(microseconds) * unit // 1_000_000
    return f"{'-' if microseconds < 0 else ''}{ticks // unit}.{ticks % unit:0{digits}d}"


@function("unixtrunc", "string", Example('unixtrunc("1438445529707")', "1438445529"),
          Example('unixtrunc("1438445529707", "seconds")', "1438445529.707"))  # fmt: skip
def unixtrunc(context: Context, x: Value, unit: Value = _ABSENT) -> Value:
    """Seconds since 1970 as a text. With unit `s` or `seconds` and three decimals, with `sm` or `secondsmicro` and
    six, with `ms` or `milliseconds` in milliseconds."""
    instant = to_time(x, context.now)
    if instant is None:
        return NOTHING
    microseconds = epoch_microsecond(instant)
    if unit is _ABSENT:
        return str(epoch_second(instant))
    match (one_text(unit) or "").lower():
        case "s" | "seconds":
            return _decimal(microseconds, 3)
        case "ms" | "milliseconds":
            return str(microseconds // 1000)
        case "sm" | "secondsmicro":
            return _decimal(microseconds, 6)
    return NOTHING


@function("strftime", "string", Example('strftime("2026-10-13", "%B %d")', "October 13"), aliases=("extract",))
def strftime(_context: Context, x: Value, fmt: Value) -> Value:
    """The date written with directives like %Y %m %d %H %M %S %B %A."""
    instant = _instant(x)
    if instant is None or not isinstance(fmt, str):
        return NOTHING
    try:
        return instant.strftime(fmt)
    except ValueError:
        return NOTHING


_THRESHOLDS = (1, 5, 10, 25, 50, 100)
_DAYS = (7, 30)


@function(
    "timewindow", "bool", Example("timewindow(visits, 1, 7)", True, {"visits": [_date("2026-11-20T00:00:00+00:00")]})
)
def timewindow(context: Context, f: Value, n: Value, days: Value) -> Value:
    """Whether at least n of the times in a list lie in the last 7 or 30 days. n is 1, 5, 10, 25, 50 or 100."""
    least, span = to_integer(n), to_integer(days)
    if not isinstance(f, list) or least not in _THRESHOLDS or span not in _DAYS:
        return NOTHING
    newest = context.second
    ages = [newest - epoch_second(item) for item in f if isinstance(item, datetime)]
    return sum(0 <= age < span * 86_400 for age in ages) >= least


FUNCTIONS: tuple[Function, ...] = (
    now,
    todate,
    todatein,
    totimestamp,
    yy,
    mm,
    yymm,
    dayofweek,
    hourofday,
    hourofweek,
    seconds,
    unixtrunc,
    strftime,
    timewindow,
)
