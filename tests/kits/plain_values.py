"""Values of the playbook language for the plain interpreter: paths, text and number forms, flattening, times, URLs.

Written from the description of the language only, slow and obvious; nothing here uses headwater.
"""

from __future__ import annotations

import copy
import json
import math
import re
from datetime import UTC, datetime, timedelta, timezone
from decimal import ROUND_DOWN, ROUND_HALF_UP, Decimal
from typing import Any
from urllib.parse import quote, unquote_to_bytes

MISSING: Any = type("Missing", (), {"__repr__": lambda self: "MISSING"})()
NUMBER_TEXT = re.compile(r"\s*[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?\s*", re.ASCII)
INTEGRAL_AS_DIGITS_BELOW = 1e21
UNRESERVED = "-_.~"  # letters and digits are always safe for quote()
QUERY_BREAKS = {"&": "%26", "+": "%2B"}


class FailedError(Exception):
    """An evaluation error: the flag of an event."""


def segments(path: str) -> list[str]:
    """The segments of a path; a backslash keeps the next dot or backslash literal."""
    parts, current, rest = [], "", iter(path)
    for char in rest:
        if char == "\\":
            following = next(rest, "")
            current += following if following in (".", "\\") else char + following
        elif char == ".":
            parts.append(current)
            current = ""
        else:
            current += char
    return [*parts, current]


def read(event: Any, path: str) -> Any:
    """The value at a path, or MISSING; null is missing."""
    value = event
    for part in segments(path):
        if isinstance(value, dict) and part in value:
            value = value[part]
        elif isinstance(value, list) and part.isdecimal() and part.isascii() and int(part) < len(value):
            value = value[int(part)]
        else:
            return MISSING
    return MISSING if value is None else value


def write(output: dict[str, Any], path: str, value: Any) -> None:
    """Replace what the path holds by a copy of the value."""
    *parents, last = segments(path)
    place = output
    for part in parents:
        if not isinstance(place.get(part), dict):
            place[part] = {}
        place = place[part]
    place[last] = copy.deepcopy(value)


def is_scalar(value: Any) -> bool:
    """Text, number or boolean."""
    return isinstance(value, str | int | float)


def number_text(value: float) -> str:
    """Whole numbers in plain digits, others with at most 14 significant digits."""
    if isinstance(value, int) and abs(value) < INTEGRAL_AS_DIGITS_BELOW:
        return str(value)
    if float(value).is_integer() and abs(value) < INTEGRAL_AS_DIGITS_BELOW:
        return str(int(value))
    return f"{value:.14g}"


def text(value: Any) -> str:
    """Any value as text: objects and lists as compact JSON with sorted keys."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return number_text(value)
    return compact(value)


def compact(value: Any) -> str:
    """JSON without spaces, keys sorted by code point, numbers in their text form."""
    if isinstance(value, dict):
        return "{" + ",".join(f"{compact(key)}:{compact(value[key])}" for key in sorted(value)) + "}"
    if isinstance(value, list):
        return "[" + ",".join(compact(item) for item in value) + "]"
    if isinstance(value, str) or value is None:
        return json.dumps(value, ensure_ascii=False)
    return text(value)


def number(value: Any) -> float | None:
    """A number, or numeric text as one; else None."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        return value
    if isinstance(value, str) and NUMBER_TEXT.fullmatch(value):
        return float(value)
    return None


def cut(value: Any, places: int, rounding: str = ROUND_DOWN) -> float | None:
    """A number at 14 significant digits, cut or rounded to so many decimals."""
    given = number(value)
    if given is None or not math.isfinite(given):
        return None
    return float(Decimal(f"{given:.14g}").quantize(Decimal(1).scaleb(-places), rounding=rounding))


def truncated(value: Any) -> int | None:
    """Cut toward zero."""
    result = cut(value, 0)
    return None if result is None else int(result)


def rounded(value: Any) -> int | None:
    """Half away from zero."""
    result = cut(value, 0, ROUND_HALF_UP)
    return None if result is None else int(result)


def substring(value: str, start: int, end: int) -> str:
    """Characters from start up to, not including, end, both clamped."""
    start, end = max(start, 0), max(end, 0)
    return value[start:end] if start < end else ""


def flatten(value: Any, prefix: str, separator: str, depth: int, first_index: int = 0) -> dict[str, Any]:
    """One key for each leaf; at the depth whole objects and lists."""
    result: dict[str, Any] = {}
    start = [prefix] if prefix else []

    def visit(item: Any, path: list[str]) -> None:
        nested = isinstance(item, dict | list)
        if item is None or (nested and not item):
            return
        if not nested or (depth and len(path) >= depth):
            result[separator.join([*start, *path])] = item
        elif isinstance(item, dict):
            for key in sorted(item):
                visit(item[key], [*path, key])
        else:
            for position, element in enumerate(item):
                visit(element, [*path, str(position + first_index)])

    if isinstance(value, dict | list):
        visit(value, [])
    return result


def deep_merge(under: dict[str, Any], over: dict[str, Any]) -> dict[str, Any]:
    """Objects into objects, anything else replaces."""
    merged = dict(under)
    for key, value in over.items():
        present = merged.get(key)
        merged[key] = deep_merge(present, value) if isinstance(value, dict) and isinstance(present, dict) else value
    return merged


# Times, after the Go reference time

PIECES = {
    "2006": "%Y", "06": "%y", "01": "%m", "02": "%d", "15": "%H", "03": "%I", "04": "%M", "05": "%S",
    "January": "%B", "Jan": "%b", "Monday": "%A", "Mon": "%a", "PM": "%p", "MST": "%Z",
}  # fmt: skip
LAYOUT_PIECE = re.compile(r"January|Jan|Monday|Mon|MST|PM|2006|01|02|03|04|05|06|15|[.,]0+|Z07:00|Z0700|-07:00|-0700")
RFC3339 = "2006-01-02T15:04:05Z07:00"
RFC3339_TEXT = re.compile(r"(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)([.,]\d+)?(Z|[+-]\d\d:\d\d)", re.ASCII)


def parse_time(value: str, layout: str = RFC3339) -> tuple[datetime, Decimal]:
    """The time in UTC, whole seconds, and the fraction. Only RFC 3339: no kit reads another layout."""
    found = RFC3339_TEXT.fullmatch(value)
    if layout != RFC3339 or not found:
        raise FailedError(f"{value!r} is not a time like {layout}")
    zone = found[8]
    offset = timedelta()
    if zone != "Z":
        offset = timedelta(hours=int(zone[1:3]), minutes=int(zone[4:6])) * (1 if zone[0] == "+" else -1)
    try:
        moment = datetime(*(int(found[group]) for group in range(1, 7)), tzinfo=UTC) - offset  # type: ignore[arg-type, misc]  # six of them
    except (ValueError, OverflowError) as fault:
        raise FailedError(str(fault)) from None
    return moment, Decimal("0." + found[7][1:]) if found[7] else Decimal(0)


def write_time(moment: datetime, fraction: Decimal, layout: str, offset: int = 0) -> str:
    """The time in a layout, at an offset in seconds east."""
    local = moment.astimezone(timezone(timedelta(seconds=offset)))

    def piece(found: re.Match[str]) -> str:
        name = found[0]
        if name[0] in ".,":
            digits = len(name) - 1
            return name[0] + str(int(fraction.scaleb(digits))).rjust(digits, "0")
        if name in PIECES:
            return local.strftime(PIECES[name])
        if name[0] == "Z" and not offset:
            return "Z"
        hours, minutes = divmod(abs(offset) // 60, 60)
        return f"{'-' if offset < 0 else '+'}{hours:02}{':' if ':' in name else ''}{minutes:02}"

    return LAYOUT_PIECE.sub(piece, layout)


def epoch(value: str, factor: int) -> int:
    """Seconds times a factor since 1970, rounded down."""
    moment, fraction = parse_time(value)
    seconds = Decimal(int((moment - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds())) + fraction
    return math.floor(seconds * factor)


# URLs


def query_escape(value: str) -> str:
    """As in a query: space is +."""
    return quote(value, safe=UNRESERVED + " ").replace(" ", "+")


def path_escape(value: str) -> str:
    """As in a path: space is %20, and $&+=:@ stay."""
    return quote(value, safe=UNRESERVED + "$&+=:@")


def path_escaped_for_query(value: str) -> str:
    """As in a path, but nothing that ends a parameter."""
    return "".join(QUERY_BREAKS.get(char, char) for char in path_escape(value))


def query_unescape(value: str) -> str:
    """Decoded; a broken escape stays."""
    return unquote_to_bytes(value.replace("+", " ")).decode("utf-8", "replace")


def query_pairs(query: str) -> list[tuple[str, str]]:
    """The decoded parameters of a query."""
    pairs = [part.partition("=") for part in query.split("&") if part]
    return [(query_unescape(key), query_unescape(value)) for key, _, value in pairs]


def legal_url(url: str) -> str:
    """Without fragment; what may not stand in a URL is percent-encoded."""
    url = url.partition("#")[0]
    url = re.sub(r"%(?![0-9A-Fa-f]{2})", "%25", url)
    return re.sub(
        r'[^!-~]|["<>\\^`{|}]', lambda found: "".join(f"%{b:02X}" for b in found[0].encode("utf-8", "replace")), url
    )
