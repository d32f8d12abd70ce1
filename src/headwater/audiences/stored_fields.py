"""Stored fields of a profile as values, each read when it is first asked for: a filter looks at few of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from headwater.expressions import from_stored


class StoredFields(Mapping[str, Any]):
    """Fields by name, instants as datetimes."""

    __slots__ = ("_read", "_stored")

    def __init__(self, stored: Mapping[str, Any]) -> None:
        self._stored = stored
        self._read: dict[str, Any] = {}

    def __getitem__(self, name: str) -> Any:
        if name in self._read:
            return self._read[name]
        value = self._read[name] = from_stored(self._stored[name])
        return value

    def get(self, name: str, default: Any = None) -> Any:
        """The value of a field, or the default."""
        return self[name] if name in self._stored else default

    def __contains__(self, name: object) -> bool:
        return name in self._stored

    def __iter__(self) -> Iterator[str]:
        return iter(self._stored)

    def __len__(self) -> int:
        return len(self._stored)


class RememberedFields(Mapping[str, Any]):
    """Fields that cost something to read, each read once."""

    __slots__ = ("_fields", "_names", "_read")

    def __init__(self, fields: Mapping[str, Any]) -> None:
        self._fields = fields
        self._names = frozenset(fields)
        self._read: dict[str, Any] = {}

    def __getitem__(self, name: str) -> Any:
        if name in self._read:
            return self._read[name]
        value = self._read[name] = self._fields[name]
        return value

    def get(self, name: str, default: Any = None) -> Any:
        """The value of a field, or the default."""
        return self[name] if name in self._names else default

    def __contains__(self, name: object) -> bool:
        return name in self._names

    def __iter__(self) -> Iterator[str]:
        return iter(self._fields)

    def __len__(self) -> int:
        return len(self._names)
