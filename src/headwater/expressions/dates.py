"""Texts and numbers read as instants. The accepted forms are a closed list: whatever is not in it is no date.

Month comes before day where both are figures, and a text without a zone is UTC. Two-digit years 69-99 are 1969-1999.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone, tzinfo

from headwater.expressions.date_math import parse_date_math
from headwater.expressions.values import EPOCH, Value

MONTHS = ("january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november",
          "december")  # fmt: skip
_WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")

_MONTH = r"(?P<name>[A-Za-z]{3,9})"
_TIME = r"(?P<hour>\d{1,2}):(?P<minute>\d{2})(?::(?P<second>\d{2})(?:[.,](?P<fraction>\d{1,9}))?)?(?: ?(?P<half>[AaPp][Mm]))?"
_ZONE = r"(?:(?P<utc>Z|UTC|GMT)|(?P<sign>[+-])(?P<zone_hour>\d{2})(?::?(?P<zone_minute>\d{2}))?(?: [A-Z]{3,4})?)"
_WEEKDAY = r"(?:(?P<weekday>[A-Za-z]{3,9}),? )?"
_CLOCK = rf"(?:(?:T|,? +){_TIME}(?: ?{_ZONE})?)?"

_FORMS = tuple(
    re.compile(form, re.ASCII)
    for form in (
        rf"(?P<year>\d{{4}})(?P<mark>[-/.])(?P<month>\d{{1,2}})(?P=mark)(?P<day>\d{{1,2}}){_CLOCK}",
        r"(?P<year>\d{4})-(?P<month>\d{2})",
        rf"(?P<month>\d{{1,2}})(?P<mark>[/.])(?P<day>\d{{1,2}})(?P=mark)(?P<year>\d{{4}}|\d{{2}}){_CLOCK}",
        rf"{_WEEKDAY}{_MONTH}\.? (?P<day>\d{{1,2}})(?:st|nd|rd|th)?,? (?P<year>\d{{4}}){_CLOCK}",
        rf"{_WEEKDAY}(?P<day>\d{{1,2}})(?P<mark>[- ]){_MONTH},?(?P=mark)(?P<year>\d{{4}}|\d{{2}}){_CLOCK}",
        rf"(?P<year>\d{{4}})-{_MONTH}-(?P<day>\d{{1,2}}){_CLOCK}",
        # ctime and its relatives: the year comes last
        rf"(?P<weekday>[A-Za-z]{{3}}) {_MONTH} +(?P<day>\d{{1,2}}) {_TIME}(?: {_ZONE})? (?P<year>\d{{4}})",
    )
)  # fmt: skip

_DIGIT_FORMS = {4: "%Y", 8: "%Y%m%d", 14: "%Y%m%d%H%M%S"}
_EPOCH_DIGITS = {10: 1, 13: 10**3, 16: 10**6, 19: 10**9}
"""Digits of an epoch number, and how many of its units are a second."""


def parse_date(text: str, zone: tzinfo = UTC) -> datetime | None:
    """The instant that a text names, None if it is not in one of the accepted forms. `zone` is for texts without one."""
    if text.isdigit() and text.isascii():
        return _from_digits(text, zone)
    for form in _FORMS:
        if found := form.fullmatch(text):
            return _assemble(found.groupdict(), zone)
    return None


def _from_digits(text: str, zone: tzinfo) -> datetime | None:
    units = _EPOCH_DIGITS.get(len(text))
    if units is not None:
        return _from_epoch(int(text) * 1_000_000 // units)
    form = _DIGIT_FORMS.get(len(text))
    try:
        return None if form is None else datetime.strptime(text, form).replace(tzinfo=zone)
    except ValueError:
        return None


def _from_epoch(microseconds: int) -> datetime | None:
    try:
        return EPOCH + timedelta(microseconds=microseconds)
    except OverflowError:
        return None


def _assemble(found: dict[str, str | None], zone: tzinfo) -> datetime | None:
    weekday = found.get("weekday")
    month = month_number(found["name"] or "") if "name" in found else int(found["month"] or 1)
    hour = _hour(int(found.get("hour") or 0), found.get("half"))
    if month is None or hour is None or (weekday and not _is_weekday(weekday)):
        return None
    try:
        return datetime(
            full_year(found["year"] or ""),
            month,
            int(found.get("day") or 1),
            hour,
            int(found.get("minute") or 0),
            int(found.get("second") or 0),
            int((found.get("fraction") or "").ljust(6, "0")[:6]),
            _zone(found, zone),
        )
    except ValueError:
        return None


def full_year(digits: str) -> int:
    """A year of four digits, or of two: 69-99 are in the 1900s."""
    year = int(digits)
    if len(digits) > 2:
        return year
    return year + (1900 if year >= 69 else 2000)


def month_number(name: str) -> int | None:
    """1 to 12 for an English month name, whole or its first three letters; None for anything else."""
    lowered = name.lower()
    for number, month in enumerate(MONTHS, 1):
        if lowered in (month, month[:3]) or (lowered == "sept" and number == 9):
            return number
    return None


def _is_weekday(name: str) -> bool:
    return any(name.lower() in (day, day[:3]) for day in _WEEKDAYS)


def _hour(hour: int, half: str | None) -> int | None:
    """The hour of the day; with AM or PM it must be 1 to 12."""
    if half is None:
        return hour
    if not 1 <= hour <= 12:
        return None
    return hour % 12 + (12 if half.lower() == "pm" else 0)


def _zone(found: dict[str, str | None], zone: tzinfo) -> tzinfo:
    if found.get("hour") is None:
        return zone
    sign, hours = found.get("sign"), found.get("zone_hour")
    if sign is None or hours is None:
        return UTC if found.get("utc") else zone
    offset = timedelta(hours=int(hours), minutes=int(found.get("zone_minute") or 0))
    return timezone(-offset if sign == "-" else offset)


_YEARS = (1800, 2120)
"""A number is a time only if it falls between these years, both included."""


_NUMBER_LIMIT = 10**19
"""Epoch numbers have at most 19 digits."""


def number_to_time(number: float) -> datetime | None:
    """A number by its count of whole digits, like a text of digits; fractions count below the unit."""
    if not -_NUMBER_LIMIT < number < _NUMBER_LIMIT:
        return None
    digits = str(int(number))
    units = _EPOCH_DIGITS.get(len(digits))
    if units is None:
        instant = parse_date(digits)
    else:
        instant = _from_epoch(
            int(number * 1_000_000) // units if isinstance(number, float) else number * 10**6 // units
        )
    return instant if instant is not None and _YEARS[0] <= instant.year <= _YEARS[1] else None


def to_time(value: Value, now: datetime) -> datetime | None:
    """Any value as an instant: times, dates, date math relative to `now`, epoch numbers; None if it is none."""
    kind = type(value)
    if kind is datetime:
        return value if isinstance(value, datetime) else None
    if kind is str:
        return parse_moment(value, now)
    if kind is int or kind is float:
        return number_to_time(value)
    first = value[0] if isinstance(value, list) and value else None
    return parse_moment(first, now) if isinstance(first, str) else None


def parse_moment(text: str, now: datetime) -> datetime | None:
    """A date, or date math if it begins with `now`."""
    if text[:3].lower() == "now":
        math = parse_date_math(text)
        return None if math is None else math.at(now)
    return parse_date(text)
