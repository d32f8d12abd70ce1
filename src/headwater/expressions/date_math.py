"""Date math: `now-7d`, `now+2h`, `now`. One signed step from the instant of evaluation, calculated in UTC."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

_SECONDS = {"w": 604_800, "d": 86_400, "h": 3_600, "m": 60, "s": 1}
_MONTHS = {"y": 12, "M": 1}
_MATH = re.compile(r"now(?:(?P<sign>[+-]?)(?P<count>[0-9]{1,9})(?P<unit>[yMwdhms]))?")
_LOOKS_LIKE = re.compile(r"now(?:[+-].*)?", re.IGNORECASE | re.DOTALL)
_YEARS = range(1, 10_000)


class DateMath(NamedTuple):
    """A step: so many seconds, or so many calendar months (years are twelve)."""

    seconds: int = 0
    months: int = 0

    def at(self, now: datetime) -> datetime | None:
        """The instant this means when it is `now`; None outside the years 1 to 9999."""
        try:
            return add_months(now, self.months) if self.months else now + timedelta(seconds=self.seconds)
        except (OverflowError, ValueError):
            return None


def parse_date_math(text: str) -> DateMath | None:
    """Read date math; None for anything else. `now` and the unit are case-sensitive: `M` months, `m` minutes."""
    found = _MATH.fullmatch(text)
    if found is None:
        return None
    if found["unit"] is None:
        return DateMath()
    count = int(found["count"]) * (-1 if found["sign"] == "-" else 1)
    if found["unit"] in _MONTHS:
        return DateMath(months=count * _MONTHS[found["unit"]])
    return DateMath(seconds=count * _SECONDS[found["unit"]])


def looks_like_date_math(text: str) -> bool:
    """Whether a person who wrote this text meant date math, right or wrong."""
    return _LOOKS_LIKE.fullmatch(text) is not None


def add_months(instant: datetime, months: int) -> datetime:
    """Calendar months later in UTC; a day that the month lacks rolls over: 31 January + 1 month is 3 March (or 2).

    Raises ValueError or OverflowError outside the years 1 to 9999.
    """
    start = instant.astimezone(UTC)
    year, month = divmod(start.year * 12 + start.month - 1 + months, 12)
    if year not in _YEARS:
        raise ValueError(f"year {year} is out of range")
    return start.replace(year=year, month=month + 1, day=1) + timedelta(days=start.day - 1)
