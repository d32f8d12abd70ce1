"""Dates in a layout given by example, as in Go's time package: `02/01/2006` is day/month/year.

The example is always the second of January 2006, 15:04:05, seven hours west of Greenwich. Source: the documentation
of Go's `time.Layout`.
"""

from __future__ import annotations

import functools
import re
from datetime import UTC, datetime, timedelta, timezone

from headwater.expressions.dates import MONTHS, full_year, month_number

_MONTH_NAMES = "|".join(month.capitalize() for month in MONTHS)
_SHORT_MONTHS = "|".join(month[:3].capitalize() for month in MONTHS)
_WEEKDAYS = "Monday|Tuesday|Wednesday|Thursday|Friday|Saturday|Sunday"
_OFFSET = r"(?P<sign>[+-])(?P<zone_hour>\d\d)"

# Longest first: "2006" before "2", "January" before "Jan".
_ELEMENTS = {
    "January": rf"(?P<name>{_MONTH_NAMES})",
    "Jan": rf"(?P<name>{_SHORT_MONTHS})",
    "Monday": rf"(?:{_WEEKDAYS})",
    "Mon": r"(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)",
    "2006": r"(?P<year>\d{4})",
    "-07:00": rf"{_OFFSET}:(?P<zone_minute>\d\d)",
    "Z07:00": rf"(?:Z|{_OFFSET}:(?P<zone_minute>\d\d))",
    "Z0700": rf"(?:Z|{_OFFSET}(?P<zone_minute>\d\d))",
    "-0700": rf"{_OFFSET}(?P<zone_minute>\d\d)",
    "MST": r"(?:UTC|GMT)",
    "-07": _OFFSET,
    "01": r"(?P<month>\d\d)",
    "02": r"(?P<day>\d\d)",
    "_2": r" ?(?P<day>\d{1,2})",
    "03": r"(?P<half_hour>\d\d)",
    "04": r"(?P<minute>\d\d)",
    "05": r"(?P<second>\d\d)(?:[.,](?P<fraction>\d{1,9}))?",
    "06": r"(?P<year>\d\d)",
    "15": r"(?P<hour>\d{1,2})",
    "PM": r"(?P<half>AM|PM)",
    "pm": r"(?P<half>am|pm)",
    "1": r"(?P<month>\d{1,2})",
    "2": r"(?P<day>\d{1,2})",
    "3": r"(?P<half_hour>\d{1,2})",
    "4": r"(?P<minute>\d{1,2})",
    "5": r"(?P<second>\d{1,2})(?:[.,](?P<fraction>\d{1,9}))?",
}
_ELEMENT = re.compile("|".join(map(re.escape, _ELEMENTS)) + r"|[.,](?:0+|9+)(?!\d)")


@functools.lru_cache(maxsize=256)
def _form(layout: str) -> re.Pattern[str] | None:
    """The regular expression of a layout; None if it names one element twice."""
    pattern, at = "", 0
    for element in _ELEMENT.finditer(layout):
        # A fraction after the seconds is read with them, whether the layout shows it or not.
        pattern += re.escape(layout[at : element.start()]) + _ELEMENTS.get(element[0], "")
        at = element.end()
    try:
        return re.compile(pattern + re.escape(layout[at:]), re.ASCII)
    except re.error:
        return None


def parse_by_layout(layout: str, text: str) -> datetime | None:
    """The instant of a text in this layout, UTC unless the layout has a zone. None if the text does not fit."""
    form = _form(layout)
    found = form.fullmatch(text) if form else None
    if found is None:
        return None
    part = found.groupdict()
    try:
        return datetime(
            full_year(part.get("year") or "0001"),
            month_number(part["name"]) or 1 if part.get("name") else int(part.get("month") or 1),
            int(part.get("day") or 1),
            _hour(part),
            int(part.get("minute") or 0),
            int(part.get("second") or 0),
            int((part.get("fraction") or "").ljust(6, "0")[:6]),
            _zone(part),
        )
    except ValueError:
        return None


def _hour(part: dict[str, str | None]) -> int:
    half_hour = part.get("half_hour")
    hour = int(part.get("hour") or half_hour or 0)
    half = (part.get("half") or "").lower()
    if half_hour is not None and not 0 < hour <= 12:
        raise ValueError("an hour of twelve is 1 to 12")
    return hour % 12 + (12 if half == "pm" else 0) if half else hour


def _zone(part: dict[str, str | None]) -> timezone:
    if not part.get("sign"):
        return UTC
    offset = timedelta(hours=int(part.get("zone_hour") or 0), minutes=int(part.get("zone_minute") or 0))
    return timezone(-offset if part["sign"] == "-" else offset)
