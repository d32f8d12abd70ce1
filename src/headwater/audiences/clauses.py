"""What the filters of a set read, sorted so that a change of a profile finds the filters it can matter to.

Each clause of each filter, includes put in, is filed under the operand that it reads. Clauses that are more than an
operand and a literal are filed as "any change of the field". Moving time is filed twice: with its operand, and, where it
cannot be expressed as one operand and a fixed distance from now, as a filter with a clock of its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from headwater.audiences.operands import Operand, OperandWatch, positions
from headwater.expressions import Flips
from headwater.expressions.date_math import parse_date_math
from headwater.expressions.tree import (
    Between,
    Call,
    Comparison,
    Exists,
    Field,
    ListLiteral,
    Literal,
    Node,
    children,
)
from headwater.expressions.values import epoch_second

_SCALAR_OPS = frozenset({"==", "!=", ">", ">=", "<", "<="})
_EQUALITY = frozenset({"==", "!="})
_MEMBERSHIP = frozenset({"in", "intersects"})
_END = 253_402_300_800
"""The first second of the year 10000, which no calendar here reaches."""


class ClauseIndex:
    """Which filters a change of a profile can matter to, and when time can."""

    def __init__(self) -> None:
        self._watches: dict[Operand, OperandWatch] = {}
        self._by_field: dict[str, list[tuple[Operand, OperandWatch]]] = {}
        self._prefixes: dict[str, int] = {}
        self._clocks: dict[int, Flips] = {}
        self._read_by_clocks: dict[str, int] = {}
        self._moving: list[tuple[Operand, OperandWatch]] = []
        self.timely = 0
        """Filters whose answer time alone can change for some profile."""
        self.clocked = 0
        """Those of them that need a clock of their own."""

    # --- filing

    def add(self, position: int, trees: Iterable[Node], own: Flips, reads: Iterable[str]) -> None:
        """File a filter. `trees` are its own tree and those of everything it includes, `reads` the fields of all of them."""
        owner = 1 << position
        needs_clock = [self._file(tree, owner) for tree in trees]
        if any(needs_clock):
            self._clocks[position] = own
            self.timely |= owner
            self.clocked |= owner
            for name in reads:
                self._read_by_clocks[name] = self._read_by_clocks.get(name, 0) | owner

    def freeze(self) -> None:
        """Sort what was filed; to be called once after the last `add`."""
        for operand, watch in self._watches.items():
            watch.freeze()
            for name in {operand.name, operand.map_name} - {None}:
                self._by_field.setdefault(str(name), []).append((operand, watch))
        self._moving = [(operand, watch) for operand, watch in self._watches.items() if watch.moves]

    def _file(self, node: Node, owner: int) -> bool:
        """File a part; whether it moves with time in a way that needs the filter's own clock."""
        match node:
            case Comparison(left=Field() as field, right=Literal() as literal):
                filed = self._literal(node.op, field, literal.value, owner)
                return filed if filed is not None else self._other(node, owner)
            case Comparison(left=Literal(value=str() as text), right=Field() as field) if node.op in _SCALAR_OPS:
                filed = self._moment(field, text, owner)
                return filed if filed is not None else self._other(node, owner)
            case Comparison(left=Field() as field, right=ListLiteral() as listed) if node.op in _MEMBERSHIP:
                texts = [
                    item.value for item in listed.items if isinstance(item, Literal) and isinstance(item.value, str)
                ]
                if len(texts) == len(listed.items):
                    self._watch(field).add_texts(texts, owner)
                    return False
                return self._other(node, owner)
            case Exists(operand=Field() as field):
                self._watch(field).add_presence(owner)
                return False
            case Field():
                self._watch(node).add_other(owner)
                return False
            case Comparison() | Between() | Call():
                return self._other(node, owner)
        below = [self._file(child, owner) for child in children(node)]  # all of them, whatever the first one says
        return any(below)

    def _literal(self, op: str, field: Field, value: Any, owner: int) -> bool | None:
        """File `field op literal`; None if there is no special place for it."""
        if op not in _SCALAR_OPS or isinstance(value, bool) or value is None:
            return None
        if isinstance(value, int | float):
            self._watch(field).add_number(op, value, owner)
            return False
        if parse_date_math(value) is not None:
            return self._moment(field, value, owner)
        if op in _EQUALITY:
            self._watch(field).add_texts([value], owner)
            return False
        return None

    def _moment(self, field: Field, text: str, owner: int) -> bool | None:
        math = parse_date_math(text)
        if math is None or math.months:
            return None
        self._watch(field).add_moving(math.seconds, owner)
        self.timely |= owner
        return False

    def _other(self, node: Node, owner: int) -> bool:
        """File every field below as read in some other way."""
        if isinstance(node, Call) and node.name.lower() == "match":
            for argument in node.args:
                text = argument.value if isinstance(argument, Literal) else None
                prefix = text if isinstance(text, str) else ""
                self._prefixes[prefix] = self._prefixes.get(prefix, 0) | owner
        pending = list(children(node))
        while pending:
            part = pending.pop()
            if isinstance(part, Field):
                self._watch(part).add_other(owner)
            elif isinstance(part, Call):
                self._other(part, owner)
            else:
                pending.extend(children(part))
        return Flips(node).can_flip

    def _watch(self, field: Field) -> OperandWatch:
        operand = Operand(field.name, field.map_name, field.key)
        return self._watches.setdefault(operand, OperandWatch())

    # --- asking

    def affected(
        self, before: Mapping[str, Any], after: Mapping[str, Any], changed: Iterable[str], now: datetime
    ) -> int:
        """The filters that can answer differently for `after` than for `before`, where only `changed` fields differ."""
        second = epoch_second(now)
        mask = 0
        for name in changed:
            for operand, watch in self._by_field.get(name, ()):
                old, new = operand.read(before), operand.read(after)
                if old is not new and (type(old) is not type(new) or old != new):
                    mask |= watch.affected(old, new, second)
            mask |= self._read_by_clocks.get(name, 0)
        for prefix, owners in self._prefixes.items():
            if any(name.startswith(prefix) for name in changed):
                mask |= owners
        return mask

    def next_moment(
        self, fields: Mapping[str, Any], now: datetime, changed: Iterable[str] | None = None
    ) -> datetime | None:
        """The first instant at which time can change an answer; of clauses on `changed` fields only, if given."""
        second = epoch_second(now)
        watches = self._moving if changed is None else self._moving_of(changed)
        moments = [watch.next_moment(operand.read(fields), second) for operand, watch in watches]
        soonest = min((moment for moment in moments if moment is not None), default=_END)
        found = None if soonest >= _END else _instant(soonest)
        if not self._clocks:
            return found
        clocks = self._clocks if changed is None else self._clocks_of(changed)
        checks = [each for flips in clocks.values() if (each := flips.next_boundary(fields, now)) is not None]
        return min([*checks, found] if found is not None else checks, default=None)

    def _moving_of(self, changed: Iterable[str]) -> list[tuple[Operand, OperandWatch]]:
        return [pair for name in changed for pair in self._by_field.get(name, ()) if pair[1].moves]

    def _clocks_of(self, changed: Iterable[str]) -> dict[int, Flips]:
        mask = 0
        for name in changed:
            mask |= self._read_by_clocks.get(name, 0)
        return {position: self._clocks[position] for position in positions(mask)}


def _instant(second: int) -> datetime:
    return datetime.fromtimestamp(second, UTC)
