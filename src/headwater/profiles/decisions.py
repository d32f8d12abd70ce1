"""What people decided about links: the part of identity that no event can say.

A decision names identifiers, never profiles, so it survives every later merge. It is stored; taking it back removes it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal, Self

import msgspec

from headwater.profiles.identifiers import Identifier
from headwater.profiles.links import Pair, pair_of

DecisionKind = Literal["allowed", "kept apart", "value blocked"]


class Decision(msgspec.Struct, frozen=True):
    """One person's word.

    "allowed": the two belong together, whatever the rules say; no event needs to have linked them.
    "kept apart": the two are never in one profile. "value blocked": `left` joins nothing; `right` is None.
    `by` is who decided, `at` when (epoch milliseconds), `note` why.
    """

    kind: DecisionKind
    left: Identifier
    right: Identifier | None = None
    by: str = ""
    at: int = 0
    note: str = ""


class Decisions(msgspec.Struct, frozen=True):
    """Decisions in force, ready for resolution. Of several about one pair the newest counts."""

    allowed: frozenset[Pair] = frozenset()
    apart: frozenset[Pair] = frozenset()
    blocked: frozenset[Identifier] = frozenset()

    @classmethod
    def of(cls, decisions: Iterable[Decision]) -> Self:
        """Gather decisions. At the same instant "kept apart" beats "allowed": splitting is the smaller mistake."""
        newest: dict[Pair, DecisionKind] = {}
        blocked: set[Identifier] = set()
        for decision in sorted(decisions, key=lambda each: (each.at, each.kind)):
            if decision.right is None:
                blocked.add(decision.left)
            else:
                newest[pair_of(decision.left, decision.right)] = decision.kind
        return cls(
            allowed=frozenset(pair for pair, kind in newest.items() if kind == "allowed"),
            apart=frozenset(pair for pair, kind in newest.items() if kind == "kept apart"),
            blocked=frozenset(blocked),
        )

    def __bool__(self) -> bool:
        return bool(self.allowed or self.apart or self.blocked)


NO_DECISIONS = Decisions()
