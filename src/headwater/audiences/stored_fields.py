"""Stored fields of a profile as values, each read when it is first asked for: a filter looks at few of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from headwater.expressions import from_stored

_MISSING = object()


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
    """Fields that cost something to read, each read once. Which there are is not asked: listing them may mean to read all."""

    __slots__ = ("_fields", "_read")

    def __init__(self, fields: Mapping[str, Any]) -> None:
        self._fields = fields
        self._read: dict[str, Any] = {}

    def __getitem__(self, name: str) -> Any:
        value = self._value(name)
        if value is _MISSING:
            raise KeyError(name)
        return value

    def get(self, name: str, default: Any = None) -> Any:
        """The value of a field, or the default."""
        value = self._value(name)
        return default if value is _MISSING else value

    def _value(self, name: str) -> Any:
        if name in self._read:
            return self._read[name]
        try:
            value = self._fields[name]
        except KeyError:
            value = _MISSING
        self._read[name] = value
        return value

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and self._value(name) is not _MISSING

    def __iter__(self) -> Iterator[str]:
        return iter(self._fields)

    def __len__(self) -> int:
        return len(self._fields)
