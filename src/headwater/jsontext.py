"""JSON text in and out without loss.

orjson is several times faster than anything else, but it reads every fraction as a double and refuses numbers that are
too large for it. Almost no event holds such a number, so a scan of the bytes looks for long ones, and those that are
found are tried: the shortest spelling of a double, which is what JavaScript and Python write, survives. Only for the rest
the exact path is taken. There a fraction that a double cannot hold becomes a `Decimal`, and a large integer a Python
`int`; `encode` writes both back digit for digit.
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

import msgspec
import orjson

from headwater.errors import InputError

NESTING_LIMIT = 200
"""Deepest nesting of objects and lists that is accepted. orjson writes at most 254 levels, Python recursion is finite."""

# A number of at most 15 significant digits survives a double; anything longer is looked at again, and so is what a
# double would round to zero. Digits inside strings match too: that costs time, never correctness. Searching a text in
# which all digits look alike is ten times faster than a regular expression on the text itself.
_LONG_NUMBER = b"0" * 16
_RUN = re.compile(rb"0+")
INTEGER_DIGITS = 19
"""An integer of fewer digits fits into 63 bits."""
_TINY_NUMBER = re.compile(rb"e-000+(,|$)")
_LARGE_NUMBER = re.compile(rb"[eE]\+?[0-9]{3}")
_ALIKE = bytes(
    ord(shown)
    for shown in (
        "0"
        if code in b"0123456789."
        else "e"
        if code in b"eE"
        else "-"
        if code in b"-"
        else ","
        if code in b",]} \t\r\n"
        else "x"
        for code in range(256)
    )
)
_LONE_SURROGATE = re.compile(
    rb"(?<!\\)(?:\\\\)*(\\u[dD][89abAB][0-9a-fA-F]{2}(?!\\u[dD][c-fC-F])"
    rb"|(?<!\\u[dD][89abAB][0-9a-fA-F]{2})\\u[dD][c-fC-F][0-9a-fA-F]{2})"
)


def _exact_fraction(digits: str) -> float | Decimal:
    """A double where it holds the written value exactly in its shortest form, else a Decimal."""
    value = float(digits)
    shortest = repr(value)
    if shortest == digits:
        return value
    written = Decimal(digits)
    return value if Decimal(shortest) == written else written


_exact_decoder = msgspec.json.Decoder(float_hook=_exact_fraction)
_exact_encoder = msgspec.json.Encoder(decimal_format="number")


def decode(text: bytes) -> Any:
    """Decode one JSON text.

    Returns dict, list, str, int, float, bool, None, and `Decimal` for a fraction that a double would change.
    Raises InputError for anything that is not JSON (NaN and Infinity included), not UTF-8, or nested over the limit.
    A lone surrogate escape, which browsers write for a cut emoji, is read as U+FFFD: UTF-8 cannot hold it.
    """
    if text.startswith(b"\xef\xbb\xbf"):
        text = text[3:]
    try:
        return _decode(text)
    except orjson.JSONDecodeError as fault:
        repaired = _LONE_SURROGATE.sub(_replace_surrogate, text) if b"\\u" in text else text
        if repaired != text:
            return decode(repaired)
        raise InputError(f"not valid JSON: {_reason(fault)}", code="invalid_json") from None


def _replace_surrogate(match: re.Match[bytes]) -> bytes:
    return match[0][: -len(match[1])] + b"\\ufffd"


def _decode(text: bytes) -> Any:
    if _needs_exactness(text):
        return _decode_exactly(text)
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        # orjson refuses a number over the range of a double; anything else fails again in the same way.
        if _LARGE_NUMBER.search(text):
            return _decode_exactly(text)
        raise


def _needs_exactness(text: bytes) -> bool:
    alike = text.translate(_ALIKE)
    start = alike.find(_LONG_NUMBER)
    while start >= 0:
        run = _RUN.match(alike, start)
        end = start if run is None else run.end()
        if not _survives(text, start, end):
            return True
        start = alike.find(_LONG_NUMBER, end)
    return b"e-000" in alike and _TINY_NUMBER.search(alike) is not None


def _survives(text: bytes, start: int, end: int) -> bool:
    """Whether orjson reads the number text[start:end] exactly. What is no number stands inside a string."""
    digits = text[start:end]
    if b"." not in digits:
        return len(digits) < INTEGER_DIGITS and text[end : end + 1] not in (b"e", b"E")
    if text[end : end + 1] in (b"e", b"E"):
        return False
    try:
        return repr(float(digits)).encode() == digits
    except ValueError:
        return True


def _decode_exactly(text: bytes) -> Any:
    try:
        return _exact_decoder.decode(text)
    except (msgspec.DecodeError, RecursionError, ValueError, ArithmeticError):
        return orjson.loads(text)  # raises with the position, or accepts what only msgspec finds odd


def _reason(fault: orjson.JSONDecodeError) -> str:
    return f"{fault.msg} at line {fault.lineno} column {fault.colno}"


def encode(value: Any) -> bytes:
    """Encode as compact UTF-8 JSON, the inverse of `decode`. Raises InputError when nested too deeply."""
    try:
        return orjson.dumps(value)
    except TypeError:
        return _encode_exactly(value)


def _encode_exactly(value: Any) -> bytes:
    try:
        return _exact_encoder.encode(value)
    except RecursionError:
        raise InputError("nested too deeply", code="too_deep") from None


def depth_exceeds(value: Any, limit: int = NESTING_LIMIT) -> bool:
    """Whether objects and lists are nested more than `limit` levels deep. Never recurses."""
    level = [value] if isinstance(value, dict | list) else []
    for _ in range(limit):
        below: list[Any] = []
        for item in level:
            below.extend(item.values() if isinstance(item, dict) else item)
        level = [item for item in below if isinstance(item, dict | list)]
        if not level:
            return False
    return bool(level)
