"""What differs between two JSON values, path by path."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from headwater import jsontext

SHOWN = 200
"""Characters of a value that are shown."""


class ValueChange(NamedTuple):
    """One path that is not the same; a text is None where the path is not there."""

    path: str
    before: str | None
    after: str | None


def changes(before: Any, after: Any) -> list[ValueChange]:
    """The paths whose values differ, in the order of their names. Lists are compared as a whole."""
    earlier, later = dict(_leaves("", before)), dict(_leaves("", after))
    return [
        ValueChange(path, earlier.get(path), later.get(path))
        for path in sorted({*earlier, *later})
        if earlier.get(path) != later.get(path)
    ]


def _leaves(path: str, value: Any) -> Iterator[tuple[str, str]]:
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from _leaves(f"{path}.{key}" if path else str(key), item)
    elif value is not None:
        yield path, _text(value)


def _text(value: Any) -> str:
    text = value if isinstance(value, str) else jsontext.encode(value).decode()
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}…"
