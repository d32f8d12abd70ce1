"""Times written in layouts of the Go reference time, Mon Jan 2 15:04:05 2006 -0700.

The pieces are those of Go's `time` package as far as the playbook language names them. Parsing needs the whole text to
match and accepts a fraction after the seconds although the layout has none. Formatting cuts fractions, never rounds.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import NamedTuple

RFC3339 = "2006-01-02T15:04:05Z07:00"
"""The layout of event times."""

MONTHS = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
]
WEEKDAYS = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]


class Instant(NamedTuple):
    """A point in time: whole seconds since 1970 (UTC, may be negative) and nanoseconds in that second."""

    seconds: int
    nanoseconds: int

    @property
    def milliseconds(self) -> int:
        """Milliseconds since 1970, rounded down."""
        return self.seconds * 1000 + self.nanoseconds // 1_000_000


class _Parts(NamedTuple):
    moment: datetime
    nanoseconds: int
    zone: str
    offset: int


# Longest pieces first, so that 2006 is a year and not a day followed by text.
_PIECE = re.compile(
    r"2006|January|Monday|Jan|Mon|MST|Z07:00|Z0700|Z07|-07:00|-0700|-07"
    r"|(?<=05)[.,](?:0+|9+)(?![0-9])|_2|01|02|03|04|05|06|15|PM|pm|1|2|3|4|5"
)


def pieces(layout: str) -> list[tuple[str, bool]]:
    """The layout cut into pieces: (text, whether it stands for a part of the time)."""
    result: list[tuple[str, bool]] = []
    end = 0
    for match in _PIECE.finditer(layout):
        if match.start() > end:
            result.append((layout[end : match.start()], False))
        result.append((match[0], True))
        end = match.end()
    if end < len(layout):
        result.append((layout[end:], False))
    return result


def _offset_text(offset: int, colon: str, minutes: bool = True) -> str:
    sign, rest = ("-", -offset) if offset < 0 else ("+", offset)
    text = f"{sign}{rest // 3600:02d}"
    return f"{text}{colon}{rest % 3600 // 60:02d}" if minutes else text


_WRITERS: dict[str, Callable[[_Parts], str]] = {
    "2006": lambda parts: f"{parts.moment.year:04d}",
    "06": lambda parts: f"{parts.moment.year % 100:02d}",
    "01": lambda parts: f"{parts.moment.month:02d}",
    "1": lambda parts: str(parts.moment.month),
    "Jan": lambda parts: MONTHS[parts.moment.month - 1][:3],
    "January": lambda parts: MONTHS[parts.moment.month - 1],
    "02": lambda parts: f"{parts.moment.day:02d}",
    "2": lambda parts: str(parts.moment.day),
    "_2": lambda parts: f"{parts.moment.day:2d}",
    "Mon": lambda parts: WEEKDAYS[parts.moment.weekday()][:3],
    "Monday": lambda parts: WEEKDAYS[parts.moment.weekday()],
    "15": lambda parts: f"{parts.moment.hour:02d}",
    "03": lambda parts: f"{(parts.moment.hour + 11) % 12 + 1:02d}",
    "3": lambda parts: str((parts.moment.hour + 11) % 12 + 1),
    "04": lambda parts: f"{parts.moment.minute:02d}",
    "4": lambda parts: str(parts.moment.minute),
    "05": lambda parts: f"{parts.moment.second:02d}",
    "5": lambda parts: str(parts.moment.second),
    "PM": lambda parts: "PM" if parts.moment.hour >= 12 else "AM",
    "pm": lambda parts: "pm" if parts.moment.hour >= 12 else "am",
    "MST": lambda parts: parts.zone,
    "Z07:00": lambda parts: _offset_text(parts.offset, ":") if parts.offset else "Z",
    "Z0700": lambda parts: _offset_text(parts.offset, "") if parts.offset else "Z",
    "Z07": lambda parts: _offset_text(parts.offset, "", minutes=False) if parts.offset else "Z",
    "-07:00": lambda parts: _offset_text(parts.offset, ":"),
    "-0700": lambda parts: _offset_text(parts.offset, ""),
    "-07": lambda parts: _offset_text(parts.offset, "", minutes=False),
}


def _fraction_text(piece: str, nanoseconds: int) -> str:
    digits = f"{nanoseconds:09d}"[: len(piece) - 1].ljust(len(piece) - 1, "0")
    if piece[1] == "9":
        digits = digits.rstrip("0")
        return piece[0] + digits if digits else ""
    return piece[0] + digits


def format_time(instant: Instant, layout: str, zone: str = "UTC", offset: int = 0) -> str:
    """An instant in a layout. `offset` is in seconds east of UTC and `zone` the name that `MST` prints.

    Raises ValueError when the local year is not between 1 and 9999.
    """
    if layout == RFC3339 and offset == 0:
        return f"{_local(instant, 0).isoformat()}Z"
    parts = _Parts(_local(instant, offset), instant.nanoseconds, zone, offset)
    return "".join(_write(piece, parts) if meaning else piece for piece, meaning in _cached_pieces(layout))


def _local(instant: Instant, offset: int) -> datetime:
    try:
        return datetime(1970, 1, 1) + timedelta(seconds=instant.seconds + offset)  # plain calendar arithmetic
    except OverflowError:
        raise ValueError("the year is not between 1 and 9999") from None


def _write(piece: str, parts: _Parts) -> str:
    writer = _WRITERS.get(piece)
    return _fraction_text(piece, parts.nanoseconds) if writer is None else writer(parts)


@lru_cache(maxsize=256)
def _cached_pieces(layout: str) -> tuple[tuple[str, bool], ...]:
    return tuple(pieces(layout))


_OFFSET = r"[+-][0-9]{2}:[0-9]{2}"
_READERS: dict[str, str] = {
    "2006": r"(?P<year>[0-9]{4})",
    "06": r"(?P<short_year>[0-9]{2})",
    "01": r"(?P<month>[0-9]{2})",
    "1": r"(?P<month>[0-9]{1,2})",
    "Jan": rf"(?P<month_name>{'|'.join(month[:3] for month in MONTHS)})",
    "January": rf"(?P<month_name>{'|'.join(MONTHS)})",
    "02": r"(?P<day>[0-9]{2})",
    "2": r"(?P<day>[0-9]{1,2})",
    "_2": r"(?P<day> ?[0-9]{1,2})",
    "Mon": rf"(?:{'|'.join(day[:3] for day in WEEKDAYS)})",
    "Monday": rf"(?:{'|'.join(WEEKDAYS)})",
    "15": r"(?P<hour>[0-9]{2})",
    "03": r"(?P<half_hour>[0-9]{2})",
    "3": r"(?P<half_hour>[0-9]{1,2})",
    "04": r"(?P<minute>[0-9]{2})",
    "4": r"(?P<minute>[0-9]{1,2})",
    "05": r"(?P<second>[0-9]{2})(?P<fraction>[.,][0-9]+)?",
    "5": r"(?P<second>[0-9]{1,2})(?P<fraction>[.,][0-9]+)?",
    "PM": r"(?P<half>AM|PM)",
    "pm": r"(?P<half>am|pm)",
    "MST": r"(?P<zone>[A-Z]{3,5}|[+-][0-9]{2,4})",
    "Z07:00": rf"(?P<offset>Z|{_OFFSET})",
    "Z0700": r"(?P<offset>Z|[+-][0-9]{4})",
    "Z07": r"(?P<offset>Z|[+-][0-9]{2})",
    "-07:00": rf"(?P<offset>{_OFFSET})",
    "-0700": r"(?P<offset>[+-][0-9]{4})",
    "-07": r"(?P<offset>[+-][0-9]{2})",
}


@lru_cache(maxsize=256)
def _reader(layout: str) -> re.Pattern[str]:
    texts: list[str] = []
    seen: set[str] = set()
    for piece, meaning in pieces(layout):
        text = re.escape(piece) if not meaning else _READERS.get(piece, "")
        for name in re.findall(r"\?P<(\w+)>", text):
            if name in seen:  # a part that stands twice is read twice and the first counts
                text = text.replace(f"?P<{name}>", "?:")
            seen.add(name)
        texts.append(text)
    return re.compile("".join(texts))


@lru_cache(maxsize=64)
def parse_time(text: str, layout: str = RFC3339) -> Instant:
    """The instant that a text writes in a layout. Parts that the layout lacks are those of 1 January of year 0 → year 1, UTC.

    Raises ValueError when the text does not match or names no real time.
    """
    match = _reader(layout).fullmatch(text)
    if match is None:
        raise ValueError(f"{text[:60]!r} is not a time written like {layout}")
    found = match.groupdict()
    moment = _calendar(found, text)
    seconds = (moment - _EPOCH) // timedelta(seconds=1) - _offset_seconds(found.get("offset"))
    fraction = found.get("fraction")
    return Instant(seconds, int(fraction[1:10].ljust(9, "0")) if fraction else 0)


_EPOCH = datetime(1970, 1, 1)  # plain calendar arithmetic, offsets are handled apart


def _calendar(found: dict[str, str | None], text: str) -> datetime:
    year, month = _year(found), _month(found)
    day, minute, second = (
        int(found.get(part) or default) for part, default in (("day", "1"), ("minute", "0"), ("second", "0"))
    )
    try:
        return datetime(year, month, day, _hour(found), minute, second)  # see _EPOCH
    except ValueError as fault:
        raise ValueError(f"{text[:60]!r} is no real time: {fault}") from None


def _year(found: dict[str, str | None]) -> int:
    short = found.get("short_year")
    if short:
        return int(short) + (1900 if int(short) >= 69 else 2000)
    return int(found.get("year") or "1")


def _month(found: dict[str, str | None]) -> int:
    name = found.get("month_name")
    if name:
        return next(index for index, month in enumerate(MONTHS, 1) if month[:3] == name[:3])
    return int(found.get("month") or "1")


def _hour(found: dict[str, str | None]) -> int:
    half_hour, half = found.get("half_hour"), (found.get("half") or "").upper()
    hour = int(half_hour or found.get("hour") or "0")
    if half_hour and hour > 12:
        raise ValueError(f"{hour} is no hour of a half day")
    if half == "PM" and hour < 12:
        return hour + 12
    return 0 if half == "AM" and hour == 12 else hour


def _offset_seconds(offset: str | None) -> int:
    if not offset or offset == "Z":
        return 0
    digits = offset[1:].replace(":", "").ljust(4, "0")
    seconds = int(digits[:2]) * 3600 + int(digits[2:]) * 60
    return -seconds if offset[0] == "-" else seconds


def convert(text: str, input_layout: str, output_layout: str, zone: str = "UTC", offset: int = 0) -> str:
    """A time re-written from one layout into another. Raises ValueError for text that is no such time."""
    return format_time(parse_time(text, input_layout), output_layout, zone, offset)


def instant_of(moment: datetime) -> Instant:
    """The instant of an aware datetime."""
    delta = moment.astimezone(UTC).replace(tzinfo=None) - _EPOCH
    seconds = delta // timedelta(seconds=1)
    return Instant(seconds, (delta - timedelta(seconds=seconds)).microseconds * 1000)
