"""Components under construction: union-find over identifiers that refuses a union which would break a rule."""

from __future__ import annotations

from bisect import insort
from collections.abc import Collection, Iterable
from typing import Literal

from headwater.profiles.identifiers import Identifier
from headwater.profiles.identity_rules import IdentityRules, TypeRule
from headwater.profiles.links import Pair
from headwater.profiles.sightings import Sighting

Rule = Literal[
    "value blocked",
    "kept apart",
    "unique",
    "limit",
    "profile size",
    "degree alarm",
    "ambiguous",
    "taken",
]
"""Why a link does not hold."""


class Components:
    """Groups of identifiers. A group is known by its root, an identifier of it that may change with every union."""

    def __init__(self, seen: dict[Identifier, Sighting], rules: IdentityRules, apart: Collection[Pair]) -> None:
        self._rules = rules
        self._root = {identifier: identifier for identifier in seen}
        self._members = {identifier: [identifier] for identifier in seen}
        self._firsts = {identifier: {identifier.type: [seen[identifier].first]} for identifier in seen}
        self._has_unique = {identifier: rules.types[identifier.type].unique for identifier in seen}
        self._apart: dict[Identifier, set[Identifier]] = {}
        for left, right in apart:
            self._apart.setdefault(left, set()).add(right)
            self._apart.setdefault(right, set()).add(left)

    def root(self, identifier: Identifier) -> Identifier:
        """The root of the identifier's group."""
        while (above := self._root[identifier]) != identifier:
            self._root[identifier] = self._root[above]
            identifier = above
        return identifier

    def members(self, root: Identifier) -> list[Identifier]:
        """The identifiers of a group."""
        return self._members[root]

    def is_known(self, root: Identifier) -> bool:
        """Whether the group holds a unique identifier, that is, a person who is known."""
        return self._has_unique[root]

    def groups(self) -> Iterable[list[Identifier]]:
        """All groups."""
        return self._members.values()

    def violation(self, left: Identifier, right: Identifier) -> Rule | None:
        """The rule that a union of two different groups would break."""
        if self.are_apart(left, right):
            return "kept apart"
        firsts, others = self._firsts[left], self._firsts[right]
        for name in firsts.keys() & others.keys():
            rule = self._rules.types[name]
            if rule.unique:
                return "unique"
            if rule.limit and _exceeds(firsts[name], others[name], rule):
                return "limit"
        size = len(self._members[left]) + len(self._members[right])
        return "profile size" if size > self._rules.profile_limit else None

    def are_apart(self, left: Identifier, right: Identifier) -> bool:
        """Whether a person keeps some member of one group apart from some member of the other."""
        if not self._apart:
            return False
        members = set(self._members[right])
        return any(not members.isdisjoint(self._apart.get(member, ())) for member in self._members[left])

    def unite(self, left: Identifier, right: Identifier) -> Identifier:
        """Make two different groups one, by their roots, without asking any rule. Returns the new root."""
        if len(self._members[left]) < len(self._members[right]):
            left, right = right, left
        self._root[right] = left
        self._members[left] += self._members.pop(right)
        firsts = self._firsts[left]
        for name, times in self._firsts.pop(right).items():
            held = firsts.setdefault(name, [])
            for time in times:
                insort(held, time)
        self._has_unique[left] = self._has_unique[left] or self._has_unique[right]
        return left


def _exceeds(left: list[int], right: list[int], rule: TypeRule) -> bool:
    """Whether a union breaks a limit that is not broken as much already (a person may have allowed that)."""
    if len(left) + len(right) <= rule.limit:
        return False
    most = most_within(sorted(left + right), rule.window)
    return most > rule.limit and most > max(most_within(left, rule.window), most_within(right, rule.window))


def most_within(times: list[int], window: int) -> int:
    """The largest number of ascending instants in a time window of the given length (0: for ever)."""
    if not window:
        return len(times)
    most = start = 0
    for end, time in enumerate(times):
        while times[start] <= time - window:
            start += 1
        most = max(most, end - start + 1)
    return most
