"""Numbers, sizes, spans, moments and messages as people read them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import msgspec
from markupsafe import Markup, escape

from headwater import jsontext
from headwater.errors import InputError

_CODE = Markup("<code>{}</code>")
_SIZES = ("bytes", "kB", "MB", "GB", "TB")


def number(value: float) -> str:
    """A number with thin spaces between thousands: 1 234 567."""
    text = f"{value:,.0f}" if float(value).is_integer() or abs(value) >= 100 else f"{value:,.2f}"
    return text.replace(",", "\u202f")


def short_number(value: float) -> str:
    """A number for tiles: 999, 12.3 k, 4.56 M."""
    for unit, name in ((1e9, "G"), (1e6, "M"), (1e4, "k")):
        if abs(value) >= unit:
            scale = 1e3 if name == "k" else unit
            return f"{value / scale:.3g}\u202f{name}"
    return number(value)


def size(count: int) -> str:
    """Bytes in decimal units: 12.3 kB."""
    value = float(count)
    for unit in _SIZES[:-1]:
        if value < 1000:
            return f"{value:.3g}\u202f{unit}"
        value /= 1000
    return f"{value:.3g}\u202f{_SIZES[-1]}"


def span(seconds: float) -> str:
    """A time span in its largest fitting unit: 12 ms, 3.4 s, 5 min, 2 h, 3 days."""
    if seconds < 1:
        return f"{seconds * 1000:.0f}\u202fms"
    for limit, unit, name in ((60.0, 1.0, "s"), (3600.0, 60.0, "min"), (172_800.0, 3600.0, "h")):
        if seconds < limit:
            return f"{seconds / unit:.3g}\u202f{name}"
    return f"{seconds / 86_400:.3g} days"


def machine_time(moment: datetime) -> str:
    """A moment for the `datetime` attribute: RFC 3339 in UTC."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def utc_time(moment: datetime) -> str:
    """A moment with its zone: 2026-11-23 17:39:12 UTC."""
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def sentence(text: str) -> str:
    """A message of an error as a sentence of its own."""
    return text[:1].upper() + text[1:] + ("" if text.endswith((".", "!", "?", ")")) else ".")


def pretty(value: Any) -> str:
    """A value as JSON over several lines."""
    return msgspec.json.format(jsontext.encode(value), indent=2).decode()


def pretty_text(text: Any) -> str:
    """A text that may be JSON: over several lines if it is, else as it is. Another value is written as JSON."""
    if not isinstance(text, str):
        return pretty(text)
    try:
        return pretty(jsontext.decode(text.encode("utf-8", "surrogatepass")))
    except InputError:
        return text


def prose(text: str) -> Markup:
    """A sentence of a kit, with what stands between back quotes as code."""
    parts = text.split("`")
    if len(parts) % 2 == 0:
        return escape(text)
    return Markup("").join(escape(part) if place % 2 == 0 else _CODE.format(part) for place, part in enumerate(parts))


FILTERS: Mapping[str, Callable[..., Any]] = {
    "number": number,
    "short_number": short_number,
    "size": size,
    "span": span,
    "machine_time": machine_time,
    "utc_time": utc_time,
    "sentence": sentence,
    "pretty": pretty,
    "prose": prose,
    "pretty_text": pretty_text,
}
