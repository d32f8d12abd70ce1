"""All audiences together, compiled: an immutable value that answers for one profile after the other."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

from headwater.audiences.clause_list import Clause, clauses_of
from headwater.audiences.clauses import ClauseIndex
from headwater.audiences.objects import Audience
from headwater.audiences.operands import positions
from headwater.audiences.trees import trees_of
from headwater.expressions import CompiledFilter, Flips, compile_filter, fields_read
from headwater.expressions.context import Context
from headwater.expressions.includes import resolve
from headwater.expressions.tree import MatchAll, Node

HEALTH = "_health"
"""Meta field with the health of a profile that is not healthy."""
QUARANTINED = "quarantined"
_NOBODY: Mapping[str, Any] = {}
_ANY_TIME = datetime(2000, 1, 1, tzinfo=UTC)


class CompiledAudience(NamedTuple):
    """An audience ready to be asked."""

    audience: Audience
    tree: Node
    filter: CompiledFilter
    reads: frozenset[str]


class AudienceSet:
    """The audiences of one version of the configuration. Positions in masks are those of `members`.

    An audience of everybody (`FILTER *`) is no member of it.
    """

    def __init__(self, audiences: Sequence[Audience], version: int) -> None:
        self.version = version
        trees = trees_of(audiences)
        self.trees: Mapping[str, Node] = trees
        """The tree of each audience by slug and by id."""
        self.members: tuple[CompiledAudience, ...] = tuple(
            _compiled(audience, trees)
            for audience in audiences
            if audience.id in trees and not isinstance(trees[audience.id], MatchAll)
        )
        # Everybody is in `FILTER *`: nobody enters or leaves, and nothing is written down.
        self.by_number: Mapping[int, CompiledAudience] = {each.audience.number: each for each in self.members}
        self._index = ClauseIndex()
        for position, each in enumerate(self.members):
            below = (found for found in resolve(each.tree, trees.get).values() if isinstance(found, Node))
            self._index.add(position, (each.tree, *below), Flips(each.tree, trees.get), each.reads)
        self._index.freeze()
        context = Context(_NOBODY, _ANY_TIME)
        self._empty = self._answers(range(len(self.members)), context)
        self._about_health = sum(1 << place for place, each in enumerate(self.members) if HEALTH in each.reads)
        self._clauses: dict[int, tuple[Clause, ...]] = {}
        self._bits = {each.audience.number: 1 << position for position, each in enumerate(self.members)}

    # --- one profile

    def affected(
        self, before: Mapping[str, Any] | None, after: Mapping[str, Any], changed: frozenset[str], now: datetime
    ) -> int:
        """The audiences to ask because `changed` fields differ; all that can hold if the profile is new."""
        if before is None:
            return self._index.affected(_NOBODY, after, after.keys(), now) | self._empty | self._index.clocked
        if HEALTH in changed:
            return self.everyone
        return self._index.affected(before, after, changed, now)

    def answers(self, mask: int, fields: Mapping[str, Any], now: datetime) -> int:
        """Of the audiences in `mask`, those that the profile is in.

        A quarantined profile may be several people: it is only in audiences that ask for its health.
        """
        if fields.get(HEALTH) == QUARANTINED:
            mask &= self._about_health
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

    def clauses(self, number: int) -> tuple[Clause, ...]:
        """The clauses of an audience by its number, includes put in."""
        if number not in self._clauses:
            self._clauses[number] = clauses_of(self.by_number[number].tree, self.trees.get)
        return self._clauses[number]

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


def _compiled(audience: Audience, trees: Mapping[str, Node]) -> CompiledAudience:
    tree = trees[audience.id]
    return CompiledAudience(audience, tree, compile_filter(tree, trees.get), fields_read(tree, trees.get))
