"""A batch: what a worker read from the log and what it does, ready to be applied in one transaction."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import msgspec

from headwater.profiles.drop_counts import DropCount, DropKey
from headwater.profiles.effects import EventEffect


class Arrival(NamedTuple):
    """One effect with the place of its record in the log and the name that a timeline shows."""

    sequence: int
    name: str
    effect: EventEffect


class Move(NamedTuple):
    """How a batch moves the position of a partition: from the last record before it to its last record."""

    before: int
    after: int


class Batch(msgspec.Struct, frozen=True):
    """Effects in log order, positions by partition, and what was dropped before it became an effect."""

    arrivals: tuple[Arrival, ...]
    moves: Mapping[int, Move] = {}
    drops: Mapping[DropKey, DropCount] = {}
