"""All audiences together, compiled: an immutable value that answers for one profile after the other."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

from headwater.audiences.clauses import ClauseIndex
from headwater.audiences.objects import Audience
from headwater.audiences.operands import positions
from headwater.expressions import CompiledFilter, ExpressionError, Flips, compile_filter, fields_read, parse_filter
from headwater.expressions.context import Context
from headwater.expressions.includes import resolve
from headwater.expressions.tree import Node

_NOBODY: Mapping[str, Any] = {}
_ANY_TIME = datetime(2000, 1, 1, tzinfo=UTC)


class CompiledAudience(NamedTuple):
    """An audience ready to be asked."""

    audience: Audience
    tree: Node
    filter: CompiledFilter
    reads: frozenset[str]


class AudienceSet:
    """The audiences of one version of the configuration. Positions in masks are those of `members`."""

    def __init__(self, audiences: Sequence[Audience], version: int) -> None:
        self.version = version
        trees = _trees(audiences)
        self.trees: Mapping[str, Node] = trees
        """The tree of each audience by slug and by id."""
        self.members: tuple[CompiledAudience, ...] = tuple(
            _compiled(audience, trees) for audience in audiences if audience.id in trees
        )
        self.by_number: Mapping[int, CompiledAudience] = {each.audience.number: each for each in self.members}
        self._index = ClauseIndex()
        for position, each in enumerate(self.members):
            below = (found for found in resolve(each.tree, trees.get).values() if isinstance(found, Node))
            self._index.add(position, (each.tree, *below), Flips(each.tree, trees.get), each.reads)
        self._index.freeze()
        context = Context(_NOBODY, _ANY_TIME)
        self._empty = self._answers(range(len(self.members)), context)
        self._bits = {each.audience.number: 1 << position for position, each in enumerate(self.members)}

    # --- one profile

    def affected(
        self, before: Mapping[str, Any] | None, after: Mapping[str, Any], changed: frozenset[str], now: datetime
    ) -> int:
        """The audiences to ask because `changed` fields differ; all that can hold if the profile is new."""
        if before is None:
            return self._index.affected(_NOBODY, after, after.keys(), now) | self._empty | self._index.clocked
        return self._index.affected(before, after, changed, now)

    def answers(self, mask: int, fields: Mapping[str, Any], now: datetime) -> int:
        """Of the audiences in `mask`, those that the profile is in."""
        return self._answers(positions(mask), Context(fields, now))

    def _answers(self, places: Iterable[int], context: Context) -> int:
        members = self.members
        found = 0
        for position in places:
            if members[position].filter.matches_in(context):
                found |= 1 << position
        return found

    def next_moment(
        self, fields: Mapping[str, Any], now: datetime, changed: Iterable[str] | None = None
    ) -> datetime | None:
        """The first instant at which time can change an answer for the profile; by clauses on `changed` fields only, if given."""
        return self._index.next_moment(fields, now, changed)

    @property
    def timely(self) -> int:
        """Audiences whose answer time alone can change."""
        return self._index.timely

    @property
    def everyone(self) -> int:
        """All audiences."""
        return (1 << len(self.members)) - 1

    # --- masks and numbers

    def mask(self, numbers: Iterable[int]) -> int:
        """The mask of audiences by number; unknown numbers are left out."""
        bits = self._bits
        found = 0
        for number in numbers:
            found |= bits.get(number, 0)
        return found

    def chosen(self, mask: int) -> Iterator[CompiledAudience]:
        """The audiences of a mask, in the order of their positions."""
        return (self.members[position] for position in positions(mask))

    def including(self, slug: str) -> tuple[Audience, ...]:
        """The audiences whose answer depends on this one, directly or not."""
        return tuple(
            each.audience
            for each in self.members
            if each.audience.slug != slug and slug in ancestors(each.tree, self.trees)
        )


def ancestors(tree: Node, trees: Mapping[str, Node]) -> tuple[str, ...]:
    """The names of all filters that a tree includes, directly or not, in the order in which they are met."""
    return tuple(resolve(tree, trees.get))


def _trees(audiences: Sequence[Audience]) -> dict[str, Node]:
    """Trees by slug and id. What no longer reads (a newer version wrote it) is left out: nobody is in it."""
    trees: dict[str, Node] = {}
    for audience in audiences:
        try:
            tree = parse_filter(audience.segment_ql).where
        except ExpressionError:
            continue
        trees[audience.slug] = trees[audience.id] = tree
    return trees


def _compiled(audience: Audience, trees: Mapping[str, Node]) -> CompiledAudience:
    tree = trees[audience.id]
    return CompiledAudience(audience, tree, compile_filter(tree, trees.get), fields_read(tree, trees.get))
