"""Which keys do the records of a stream have? Noted while profiles are built, so that people see what they could map.

A stream's first records are looked at whole, then one of several; a key that was never seen before is noticed in every record. So
counts are estimates, and names are complete. An example is kept only where it does not look like a person's data.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from headwater.profiles.kind_guess import kind_of

WHOLE_RECORDS = 200
"""Records of a stream that a process looks at whole before it samples."""
SAMPLE_STEP = 32
"""Then it looks at one record of so many."""
NAMES_LIMIT = 2_000
"""Keys of a stream that are noted by name; further ones are counted together, under the name ""."""
NAME_LIMIT = 200
"""Longest key that is noted by name, in characters."""
STREAMS_LIMIT = 1_000
"""Streams that are noted; the keys of further ones are counted under the stream ""."""
EXAMPLE_LIMIT = 60
"""Longest text that is kept as an example, in characters."""
EXAMPLE_TRIES = 3
"""Values that are tried as an example between two `take`."""
OTHERS = ""

_PERSONAL_NAME = re.compile(
    r"mail|phone|mobile|name|street|address|birth|passw|secret|token|session|cookie|ip$|lat|lon|gps|iban|card|tax|ssn|salary"
    r"|gender|(?:^|[_.])u?id|[a-z]Id$|_?uid|uuid|guid|user|person|contact|zip|postal|hash|message|comment|text|note|query|url|ref",
    re.IGNORECASE,
)
_PERSONAL_TEXT = re.compile(r"@|[0-9](?:[ ().+-]?[0-9]){6}|[0-9a-fA-F]{12}|://|[A-Za-z0-9_-]{25}")


class Observation(msgspec.Struct, frozen=True):
    """A key of a stream's records. `kinds` counts records by kind, `first` and `last` are epoch milliseconds of receipt."""

    stream: str
    name: str
    count: int
    kinds: Mapping[str, int]
    example: str
    first: int
    last: int


class _Key:
    __slots__ = ("count", "example", "first", "kinds", "last")

    def __init__(self, at: int) -> None:
        self.count = 0
        self.kinds: dict[str, int] = {}
        self.example = ""
        self.first = at
        self.last = at


class _Stream:
    __slots__ = ("keys", "names", "records")

    def __init__(self, names: Iterable[str]) -> None:
        self.names = set(names)
        self.records = 0
        self.keys: dict[str, _Key] = {}


class ObservedFields:
    """What one process has seen since the last `take`. `known` are the names that the database has already, by stream."""

    def __init__(self, known: Mapping[str, Iterable[str]] | None = None) -> None:
        self._streams = {stream: _Stream(names) for stream, names in (known or {}).items()}

    def note(self, stream: str, record: Mapping[str, Any], received: int) -> None:
        """Look at a record; `received` is the time of its receipt in epoch milliseconds."""
        held = self._streams.get(stream)
        if held is None:
            held = self._new_stream(stream)
        held.records += 1
        if held.records <= WHOLE_RECORDS:
            _note(held, record, record, 1, received)
        elif held.records % SAMPLE_STEP == 0:
            _note(held, record, record, SAMPLE_STEP, received)
        elif not record.keys() <= held.names:
            _note(held, record, record.keys() - held.names, 1, received)

    def take(self) -> list[Observation]:
        """What there is to write, by stream and name; it is forgotten here. What was seen of names goes on to be known."""
        taken = [
            Observation(stream, name, key.count, key.kinds, key.example, key.first, key.last)
            for stream, held in self._streams.items()
            for name, key in held.keys.items()
        ]
        for held in self._streams.values():
            held.keys = {}
        return sorted(taken, key=lambda each: (each.stream, each.name))

    def _new_stream(self, stream: str) -> _Stream:
        name = stream if len(self._streams) < STREAMS_LIMIT and _may_be_listed(stream) else OTHERS
        return self._streams.setdefault(name, _Stream(()))


def _note(held: _Stream, record: Mapping[str, Any], names: Iterable[str], weight: int, received: int) -> None:
    for name in names:
        value = record[name]
        if value is None or value == "":
            continue
        room = len(held.names) < NAMES_LIMIT and _may_be_listed(name)
        listed = name if room or name in held.names else OTHERS
        held.names.add(listed)
        key = held.keys.get(listed)
        if key is None:
            key = held.keys[listed] = _Key(received)
        kind = kind_of(value)
        key.count += weight
        key.kinds[kind] = key.kinds.get(kind, 0) + weight
        key.first, key.last = min(key.first, received), max(key.last, received)
        if not key.example and listed and key.count <= EXAMPLE_TRIES * weight:
            key.example = example_of(name, value)


def _may_be_listed(name: str) -> bool:
    # NUL and halves of surrogates are no text for the database; other control characters are of no use to people.
    return len(name) <= NAME_LIMIT and name.isprintable()


def example_of(name: str, value: Any) -> str:
    """The value as an example for people, "" where it could be a person's data or would be too long."""
    if isinstance(value, dict | list | tuple):
        return ""
    text = str(value)
    if (
        len(text) > EXAMPLE_LIMIT
        or not text.isprintable()
        or _PERSONAL_NAME.search(name)
        or _PERSONAL_TEXT.search(text)
    ):
        return ""
    return text
