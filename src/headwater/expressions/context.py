"""What an expression is evaluated against."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from headwater.expressions.values import NOTHING, Value, epoch_second, from_field


class Context:
    """One profile or event, and one instant for the whole evaluation.

    `fields` by name, times as aware datetimes. `now` is the instant that date math counts from. `event_time` is what
    `now()` and the date functions without argument mean in a mapping; None takes `now`.
    """

    __slots__ = ("_second", "event_time", "fields", "included", "now")

    def __init__(self, fields: Mapping[str, Any], now: datetime, event_time: datetime | None = None) -> None:
        self.fields = fields
        self.now = now
        self.event_time = now if event_time is None else event_time
        self._second: int | None = None
        self.included: dict[str, Value] | None = None
        """Results of filters already evaluated for INCLUDE, by name."""

    @property
    def second(self) -> int:
        """`now` in whole seconds since 1970."""
        if self._second is None:
            self._second = epoch_second(self.now)
        return self._second

    def field(self, name: str, map_name: str | None, key: str) -> Value:
        """A field by its whole name, else as a key of a map field; NOTHING if there is neither."""
        fields = self.fields
        if name in fields:
            return from_field(fields[name])
        if map_name is None:
            return NOTHING
        content = fields.get(map_name)
        return from_field(content[key]) if isinstance(content, Mapping) and key in content else NOTHING
