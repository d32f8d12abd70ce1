"""Dotted paths: reading from the event, writing into the output."""

from __future__ import annotations

import re
from typing import Any

from headwater.errors import ConfigurationError

Segments = tuple[str, ...]

_ESCAPED = re.compile(r"\\(.)|\.|([^\\.]+)|\\$", re.DOTALL)


def parse_path(text: str) -> Segments:
    r"""The segments of a dotted path; `\.` is a dot and `\\` a backslash inside a segment.

    Raises ConfigurationError for the empty path.
    """
    if text == "":
        raise ConfigurationError("the path is empty; name a key")
    if "\\" not in text:
        return tuple(text.split("."))
    segments = [""]
    for match in _ESCAPED.finditer(text):
        if match[0] == ".":
            segments.append("")
        else:
            segments[-1] += _literal(match)
    return tuple(segments)


def _literal(match: re.Match[str]) -> str:
    if match[2] is not None:
        return match[2]
    escaped = match[1]
    return escaped if escaped in (".", "\\") else match[0]


def read(value: Any, segments: Segments) -> Any:
    """The value at a path, None when it is missing or null. Lists are entered by zero-based decimal index."""
    for segment in segments:
        if type(value) is dict:
            value = value.get(segment)
        elif type(value) is list:
            value = _item(value, segment)
        else:
            return None
    return value


def _item(items: list[Any], segment: str) -> Any:
    if not (segment.isascii() and segment.isdigit()) or (len(segment) > 1 and segment[0] == "0") or len(segment) > 9:
        return None
    index = int(segment)
    return items[index] if index < len(items) else None


class ListReader:
    """A list that answers `get` like an object, with its indexes as keys."""

    __slots__ = ("_items",)

    def __init__(self, items: list[Any]) -> None:
        self._items = items

    def get(self, segment: str) -> Any:
        """The element at a decimal index, None when there is none."""
        return _item(self._items, segment)


NOTHING: dict[str, Any] = {}
"""Reads as an object without keys."""


def reader(value: Any) -> Any:
    """Something with `get` for a value that is no object: lists by index, everything else has nothing."""
    return ListReader(value) if type(value) is list else NOTHING


def write(output: dict[str, Any], segments: Segments, value: Any) -> None:
    """Put a value at a path; what is no object on the way is replaced by one. Objects on the way are copied first.

    The copy keeps values that are shared with the event unchanged.
    """
    for segment in segments[:-1]:
        inner = output.get(segment)
        inner = dict(inner) if type(inner) is dict else {}
        output[segment] = inner
        output = inner
    output[segments[-1]] = value


def merge(output: dict[str, Any], addition: dict[str, Any]) -> None:
    """Deep merge into the output: objects into objects, anything else replaces. Shared objects are not changed."""
    for key, value in addition.items():
        old = output.get(key)
        output[key] = merged(old, value) if type(value) is dict and type(old) is dict else value


def merged(old: dict[str, Any], addition: dict[str, Any]) -> dict[str, Any]:
    """A new object: the old one with the addition merged over it."""
    result = dict(old)
    merge(result, addition)
    return result
