"""Lookup names of events: what sections and filters go by."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any, TypeVar

SECOND_SPELLINGS = {"order_cancelled": "order_canceled", "application_opened": "application_open"}
"""Tried when the first spelling is not found: senders use the left one, integrations the right one."""

_WHITE = re.compile(r"\s+")
T = TypeVar("T")


@lru_cache(maxsize=4096)
def normalise(name: str) -> str:
    """Trimmed, lower case, each run of white space one underscore: "Order Completed" → order_completed."""
    return _WHITE.sub("_", name.strip().lower())


def lookup_name(event: Mapping[str, Any]) -> str:
    """The name of an event: of a track event its `event`, of any other its type; "" when there is none."""
    kind = event.get("type")
    name = event.get("event") if kind == "track" else kind
    return normalise(name) if isinstance(name, str) else ""


def find(table: Mapping[str, T], name: str) -> T | None:
    """The entry of an event name, or of its second spelling. The empty name has none."""
    if not name:
        return None
    found = table.get(name)
    second = SECOND_SPELLINGS.get(name)
    return table.get(second) if found is None and second is not None else found


def accepted(names: Iterable[str]) -> frozenset[str]:
    """The lookup names that a list of names stands for, second spellings included."""
    listed = {normalise(name) for name in names}
    spelled = {first for first, second in SECOND_SPELLINGS.items() if second in listed}
    return frozenset((listed | spelled) - {""})
