"""Moments as people write them on the command line."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from headwater.errors import InputError

_AGO = re.compile(r"([0-9]{1,9})([smhdw])")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}


def parse_moment(text: str, now: float, option: str) -> float:
    """Seconds since 1970 of an RFC 3339 time, a date, or a span before `now` such as 2h, 30m, 1d.

    A time without a zone is UTC. Raises InputError that names the option.
    """
    span = _AGO.fullmatch(text.strip())
    if span is not None:
        return now - int(span[1]) * _SECONDS[span[2]]
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        raise InputError(
            f"{text!r} is no time; write 2026-11-23T09:45:00Z, a date, or a span before now such as 2h, 30m or 1d",
            option,
        ) from None
    return (moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)).timestamp()


def parse_range(since: str | None, until: str | None, now: float) -> tuple[float | None, float | None]:
    """Both ends of a range of time; an end that is not given is open. Raises InputError when it is empty."""
    first = None if since is None else parse_moment(since, now, "--since")
    last = None if until is None else parse_moment(until, now, "--until")
    if first is not None and last is not None and last <= first:
        raise InputError("must be later than --since", "--until")
    return first, last
