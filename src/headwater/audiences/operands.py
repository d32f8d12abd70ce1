"""For one operand of many filters: which of them can answer differently after its value changed.

Most clauses compare a field with a literal. Their literals are kept sorted, so that a counter that goes from 17 to 18
asks only filters with a bound between the two, and a text only filters that name the old or the new one. Everything
here errs on the side of asking: a filter that is asked for nothing costs time, one that is not asked is a wrong member.

A set of filters is an int: bit n stands for the filter at position n.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from itertools import accumulate
from operator import or_
from typing import Any, NamedTuple

from headwater.expressions.values import NOTHING, epoch_second


class Operand(NamedTuple):
    """A field as filters name it: whole name, or key of a map field if there is no field of the whole name."""

    name: str
    map_name: str | None = None
    key: str = ""

    def read(self, fields: Mapping[str, Any]) -> Any:
        """The raw value in a profile, NOTHING if there is none."""
        value = fields.get(self.name, NOTHING)
        if value is not NOTHING or self.map_name is None:
            return value
        content = fields.get(self.map_name)
        return content.get(self.key, NOTHING) if isinstance(content, Mapping) else NOTHING


class _Bounds:
    """Literals in order, each with the filters that hold it."""

    def __init__(self, owners: Mapping[float, int]) -> None:
        self.values = sorted(owners)
        masks: list[int] = [owners[value] for value in self.values]
        self.masks = masks
        self.below: list[int] = [0, *accumulate(masks, or_)]
        """`below[i]`: filters of the first i literals."""
        self.above: list[int] = [*reversed([0, *accumulate(reversed(masks), or_)])]
        """`above[i]`: filters of all literals from the i-th on."""
        self.every: int = self.below[-1]

    def between(self, low: float, high: float) -> int:
        """Filters whose literal lies in the closed interval."""
        first, last = bisect_left(self.values, low), bisect_right(self.values, high)
        mask = 0
        for owner in self.masks[first:last]:
            mask |= owner
        return mask


class OperandWatch:
    """All clauses of all filters on one operand."""

    def __init__(self) -> None:
        self._more: dict[float, int] = {}
        self._less: dict[float, int] = {}
        self._equal: dict[float, int] = {}
        self._texts: dict[str, int] = {}
        self._moving: dict[float, int] = {}
        self._presence = 0
        self._others = 0
        self._freeze()

    def add_number(self, op: str, number: float, owner: int) -> None:
        """`operand op number`."""
        table = {">": self._more, ">=": self._more, "<": self._less, "<=": self._less}.get(op, self._equal)
        table[number] = table.get(number, 0) | owner

    def add_texts(self, texts: Iterable[str], owner: int) -> None:
        """`operand == text`, `!=`, or IN a list of texts."""
        for text in texts:
            self._texts[text] = self._texts.get(text, 0) | owner

    def add_moving(self, offset: int, owner: int) -> None:
        """The operand compared with an instant `offset` seconds from now."""
        self._moving[offset] = self._moving.get(offset, 0) | owner

    def add_presence(self, owner: int) -> None:
        """`EXISTS operand`."""
        self._presence |= owner

    def add_other(self, owner: int) -> None:
        """Any other use."""
        self._others |= owner

    def freeze(self) -> OperandWatch:
        """Sort what was added; to be called once after the last `add_…`."""
        self._freeze()
        return self

    def _freeze(self) -> None:
        self._more_bounds, self._less_bounds = _Bounds(self._more), _Bounds(self._less)
        self._equal_bounds, self._moving_bounds = _Bounds(self._equal), _Bounds(self._moving)
        self._offsets = [round(offset) for offset in self._moving_bounds.values]
        self._numbers = self._more_bounds.every | self._less_bounds.every | self._equal_bounds.every
        self._every_text = 0
        for owner in self._texts.values():
            self._every_text |= owner
        self._valued = self._numbers | self._every_text | self._moving_bounds.every | self._others

    @property
    def moves(self) -> bool:
        """Whether any clause compares with an instant that moves."""
        return bool(self._moving)

    def affected(self, old: Any, new: Any, second: int) -> int:
        """The filters whose clauses may answer differently for `new` than for `old`, now being `second`."""
        old_kind, new_kind = _KINDS.get(type(old), "other"), _KINDS.get(type(new), "other")
        if old_kind == new_kind:
            return self._changed(old_kind, old, new, second)
        if old_kind == "nothing":
            return self._presence | self._appeared(new_kind, new)
        if new_kind == "nothing":
            return self._presence | self._appeared(old_kind, old)
        return self._valued | self._presence

    def _changed(self, kind: str, old: Any, new: Any, second: int) -> int:
        if kind == "number":
            low, high = (old, new) if old <= new else (new, old)
            return (
                self._others
                | self._every_text
                | self._more_bounds.between(low, high)
                | self._less_bounds.between(low, high)
                | self._equal_bounds.between(low, high)
            )
        if kind == "text":
            found = self._texts.get(old, 0) | self._texts.get(new, 0)
            return self._others | self._numbers | self._moving_bounds.every | found
        if kind == "list":
            return self._presence | self._valued if not _are_texts(old, new) else self._list_changed(old, new)
        if kind == "instant":
            ends = sorted((epoch_second(old) - second, epoch_second(new) - second))
            return self._others | self._numbers | self._every_text | self._moving_bounds.between(*ends)
        return self._valued | self._presence

    def _list_changed(self, old: list[str], new: list[str]) -> int:
        """Lists of texts are asked for members: only those that came or went can matter."""
        found = self._others | self._numbers | self._moving_bounds.every
        if self._texts:
            for text in set(old) ^ set(new):
                found |= self._texts.get(text, 0)
        return found

    def _appeared(self, kind: str, value: Any) -> int:
        """A comparison with a missing field is false, or true for `!=`: only clauses that differ from that are affected."""
        if kind == "number":
            more, less = self._more_bounds, self._less_bounds
            return (
                self._others
                | self._every_text
                | self._moving_bounds.every
                | more.below[bisect_right(more.values, value)]
                | less.above[bisect_left(less.values, value)]
                | self._equal_bounds.between(value, value)
            )
        if kind == "text":
            return self._others | self._numbers | self._moving_bounds.every | self._texts.get(value, 0)
        return self._valued

    def next_moment(self, value: Any, second: int) -> int | None:
        """The first second after `second` at which a moving instant reaches the value, or leaves its second."""
        if type(value) is datetime:
            return self._next(epoch_second(value), second)
        if isinstance(value, list):
            moments = [self._next(epoch_second(each), second) for each in value if type(each) is datetime]
            return min((moment for moment in moments if moment is not None), default=None)
        return None

    def _next(self, instant: int, second: int) -> int | None:
        place = bisect_right(self._offsets, instant - second) - 1
        if place < 0:
            return None
        reached = instant - self._offsets[place]
        return reached if reached > second else second + 1


_KINDS: Mapping[type, str] = {
    int: "number",
    float: "number",
    str: "text",
    datetime: "instant",
    list: "list",
    type(NOTHING): "nothing",
}


def _are_texts(*lists: list[Any]) -> bool:
    """Whether lists hold texts and nothing else; an empty one is of no kind."""
    return all(each and all(type(item) is str for item in each) for each in lists)


def positions(mask: int) -> Iterator[int]:
    """The positions of the bits that are set, lowest first."""
    while mask:
        lowest = mask & -mask
        yield lowest.bit_length() - 1
        mask ^= lowest
