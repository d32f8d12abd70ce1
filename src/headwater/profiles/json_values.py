"""Values of profile fields as JSON for people and programs."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any


def shown(value: Any) -> Any:
    """A value, or all fields of a profile, as JSON: instants as RFC 3339 text with milliseconds, numbers as numbers."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"
    if isinstance(value, list | tuple):
        return [shown(each) for each in value]
    return {key: shown(each) for key, each in value.items()} if isinstance(value, dict) else value


def as_texts(value: Any) -> Any:
    """A shown value with numbers and truth values as text, the form that recorded replies of Lytics have."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return [as_texts(each) for each in value]
    if isinstance(value, dict):
        return {key: as_texts(each) for key, each in value.items()}
    return value if value is None or isinstance(value, str) else str(value)
