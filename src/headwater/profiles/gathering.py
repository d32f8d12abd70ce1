"""What one event gives, while its mappings are read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from headwater.expressions.context import Context
from headwater.profiles.effects import Dropped
from headwater.profiles.identifiers import Identifier
from headwater.profiles.instants import instant
from headwater.profiles.merging import Stamp, State


class Gathering:
    """The event's record and stamp, and what has been read so far. `identifiers` are by type, in the order of their mappings."""

    __slots__ = ("_context", "aliases", "dropped", "fields", "identifiers", "record", "stamp")

    def __init__(self, record: Mapping[str, Any], stamp: Stamp) -> None:
        self.record = record
        self.stamp = stamp
        self.fields: dict[str, State] = {}
        self.identifiers: dict[str, list[Identifier]] = {}
        self.aliases: list[Identifier] = []
        self.dropped: list[Dropped] = []
        self._context: Context | None = None

    @property
    def context(self) -> Context:
        """What expressions are evaluated against; most events need none."""
        if self._context is None:
            moment = instant(self.stamp.time)
            self._context = Context(self.record, moment, moment)
        return self._context
