"""Which links hold: a pure function of the set of links, the rules and people's decisions.

The order in which events arrived is not among the inputs, so it cannot matter. The steps:

1. Links of blocked values and of values under the degree alarm do not hold. Nothing may join what a person keeps apart.
2. Pairs that a person allowed are joined first, whatever the other rules say.
3. Links between unique identifiers are joined: each group is a *known person*.
4. Aliases between other identifiers are joined: somebody said that the two are one.
5. Everything that is linked to exactly one known person joins that person; then what is linked to those, and so on. What is
   linked to several is decided by its type: nobody's, or the oldest or newest link's. A link that would break a limit does
   not hold, and what it would have joined stays a profile of its own.
6. What no known person reaches is joined among itself.

Wherever links compete they are taken by rank of the stronger end, rank of the weaker end, first event time, values.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import msgspec

from headwater.profiles.components import Components, Rule
from headwater.profiles.decisions import NO_DECISIONS, Decisions
from headwater.profiles.degree_alarm import is_alarmed
from headwater.profiles.identifiers import Identifier
from headwater.profiles.identity_rules import IdentityRules
from headwater.profiles.links import Link, Pair
from headwater.profiles.profile_ids import founder
from headwater.profiles.sightings import Sighting


class Part(msgspec.Struct, frozen=True):
    """Identifiers that are one profile, ascending; `founder` gives the profile its id."""

    founder: Identifier
    members: tuple[Identifier, ...]


class RefusedLink(msgspec.Struct, frozen=True):
    """A link that does not hold, and the rule that refused it."""

    pair: Pair
    rule: Rule


class Resolution(msgspec.Struct, frozen=True):
    """What a set of links says under one version of the rules.

    `parts` by founder, `held` and `refused` by pair; every identifier is in one part. `nobodys`: identifiers that belong to
    nobody, each a part of its own or with what was allowed to join it; `alarmed`: those of them that are under the degree
    alarm. `version`: of the rules.
    """

    parts: tuple[Part, ...]
    held: tuple[Pair, ...]
    refused: tuple[RefusedLink, ...] = ()
    nobodys: frozenset[Identifier] = frozenset()
    alarmed: frozenset[Identifier] = frozenset()
    version: str = ""

    def part_of(self) -> dict[Identifier, Part]:
        """The part of each identifier."""
        return {member: part for part in self.parts for member in part.members}


def resolve(
    seen: Mapping[Identifier, Sighting],
    links: Sequence[Link],
    rules: IdentityRules,
    decisions: Decisions = NO_DECISIONS,
    alarmed: frozenset[Identifier] = frozenset(),
) -> Resolution:
    """Decide which links hold.

    `seen` has every identifier of the component and both ends of every link and of every allowed pair. Identifiers of a type
    without a rule join nothing. `alarmed` are identifiers already found to be under the degree alarm (`is_alarmed`): of these, and
    only of these, some links may be missing, so that gathering a component may stop there. The result depends on nothing but
    the arguments' content.
    """
    if not decisions and not alarmed and (together := _undisputed(seen, links, rules)) is not None:
        return together
    return resolve_fully(seen, links, rules, decisions, alarmed)


def _undisputed(seen: Mapping[Identifier, Sighting], links: Sequence[Link], rules: IdentityRules) -> Resolution | None:
    """The answer where no rule can refuse anything: almost always. None where a closer look is due."""
    if not seen:
        return Resolution((), (), version=rules.version)
    if len(seen) == 1:
        (only,) = seen
        return Resolution((Part(only, (only,)),), (), version=rules.version)
    if len(seen) > min(rules.profile_limit, rules.degree_limit):
        return None
    counts: dict[str, int] = {}
    known = 0
    for identifier in seen:
        rule = rules.types.get(identifier.type)
        if rule is None:
            return None
        known += rule.unique
        count = counts[identifier.type] = counts.get(identifier.type, 0) + 1
        if known > 1 or (rule.limit and count > rule.limit):
            return None
    if not _is_connected(seen, links):
        return None
    part = Part(founder(seen, seen, rules), tuple(sorted(seen)))
    return Resolution((part,), tuple(sorted({link.pair for link in links})), version=rules.version)


def _is_connected(seen: Mapping[Identifier, Sighting], links: Sequence[Link]) -> bool:
    neighbours: dict[Identifier, list[Identifier]] = {}
    for link in links:
        left, right = link.pair
        neighbours.setdefault(left, []).append(right)
        neighbours.setdefault(right, []).append(left)
    if len(neighbours) != len(seen):
        return False
    reached: set[Identifier] = set()
    waiting = [next(iter(neighbours))]
    while waiting:
        identifier = waiting.pop()
        if identifier not in reached:
            reached.add(identifier)
            waiting += neighbours[identifier]
    return len(reached) == len(seen)


def resolve_fully(
    seen: Mapping[Identifier, Sighting],
    links: Sequence[Link],
    rules: IdentityRules,
    decisions: Decisions = NO_DECISIONS,
    alarmed: frozenset[Identifier] = frozenset(),
) -> Resolution:
    """`resolve` without its short cut."""
    return _Joining(seen, links, rules, decisions, alarmed).result()


LinkOrder = tuple[int, int, int, Pair]


class _Joining:
    """One run of the steps. `refused` collects the rule of every link that was looked at and not joined."""

    def __init__(
        self,
        seen: Mapping[Identifier, Sighting],
        links: Sequence[Link],
        rules: IdentityRules,
        decisions: Decisions,
        alarmed: frozenset[Identifier],
    ) -> None:
        self.rules = rules
        self.decisions = decisions
        self.alarmed = alarmed
        self.seen = {identifier: seen[identifier] for identifier in sorted(seen) if identifier.type in rules.types}
        self.strangers = sorted(identifier for identifier in seen if identifier.type not in rules.types)
        self.links = sorted((link for link in links if self._has_rules(link.pair)), key=self._order)
        self.groups = Components(self.seen, rules, decisions.apart)
        self.refused: dict[Pair, Rule] = {}
        self.nobodys: set[Identifier] = set()
        self.under_alarm: set[Identifier] = set()
        self.barred: dict[Identifier, Rule] = {}

    def _has_rules(self, pair: Pair) -> bool:
        return pair[0].type in self.rules.types and pair[1].type in self.rules.types

    def _order(self, link: Link) -> LinkOrder:
        left, right = (self.rules.types[end.type].rank for end in link.pair)
        return (min(left, right), max(left, right), link.seen.first, link.pair)

    def result(self) -> Resolution:
        self._join_allowed()
        usable = self._usable_links()
        known = [link for link in usable if all(self.rules.types[end.type].unique for end in link.pair)]
        self._join_in_order(known)
        self._join_in_order([link for link in usable if link.stated and not self._reaches_known(link)])
        while self._join_to_known(usable):
            pass
        self._join_in_order([link for link in usable if not self._reaches_known(link)])
        return self._summary()

    # Steps 1 and 2

    def _join_allowed(self) -> None:
        for left, right in sorted(self.decisions.allowed):
            if left in self.seen and right in self.seen and not self.decisions.blocked & {left, right}:
                self._join(left, right, only_apart=True)

    def _usable_links(self) -> list[Link]:
        alarmed = self._alarmed()
        usable: list[Link] = []
        for link in self.links:
            rule = self._excluded(link.pair, alarmed)
            if rule is None:
                usable.append(link)
            else:
                self.refused[link.pair] = rule
        return usable

    def _excluded(self, pair: Pair, alarmed: set[Identifier]) -> Rule | None:
        if not self.decisions.blocked.isdisjoint(pair):
            return "value blocked"
        return None if alarmed.isdisjoint(pair) else "degree alarm"

    def _alarmed(self) -> set[Identifier]:
        linked: dict[Identifier, list[Link]] = {}
        for link in self.links:
            for end in link.pair:
                linked.setdefault(end, []).append(link)
        allowed = {end for pair in self.decisions.allowed for end in pair}
        hot = {end for end, links in linked.items() if end in self.alarmed or is_alarmed(end, links, self.rules)}
        alarmed = hot - allowed
        self.nobodys |= alarmed
        self.under_alarm = alarmed
        return alarmed

    # Joining

    def _join(self, left: Identifier, right: Identifier, only_apart: bool = False) -> Rule | None:
        one, other = self.groups.root(left), self.groups.root(right)
        if one == other:
            return None
        if only_apart:
            rule: Rule | None = "kept apart" if self.groups.are_apart(one, other) else None
        else:
            rule = self.groups.violation(one, other)
        if rule is None:
            self.groups.unite(one, other)
        return rule

    def _join_in_order(self, links: Iterable[Link]) -> None:
        for link in links:
            if self.nobodys.isdisjoint(link.pair) and (rule := self._join(*link.pair)) is not None:
                self.refused[link.pair] = rule

    def _reaches_known(self, link: Link) -> bool:
        return any(self.groups.is_known(self.groups.root(end)) for end in link.pair)

    # Step 5

    def _join_to_known(self, usable: Sequence[Link]) -> bool:
        """One round: join what is linked to a known person now. False when a round changed nothing."""
        joins: list[Link] = []
        changed = False
        for free, links in self._links_to_known(usable).items():
            chosen = self._chosen(free, links)
            if chosen is None:
                changed = True
            else:
                joins.append(chosen)
        for link in sorted(joins, key=self._order):
            changed = True
            free_root = self._free_root(link)
            if free_root is not None and (rule := self._join(*link.pair)) is not None:
                self.refused[link.pair] = rule
                self.barred[free_root] = rule
        return changed

    def _links_to_known(self, usable: Sequence[Link]) -> dict[Identifier, list[Link]]:
        """The links between a known person and a group that is still free, by the free group's root."""
        found: dict[Identifier, list[Link]] = {}
        for link in usable:
            free = self._free_root(link)
            if free is not None and free not in self.barred and free not in self.nobodys:
                found.setdefault(free, []).append(link)
        return found

    def _free_root(self, link: Link) -> Identifier | None:
        left, right = (self.groups.root(end) for end in link.pair)
        if self.groups.is_known(left) == self.groups.is_known(right):
            return None
        return right if self.groups.is_known(left) else left

    def _known_root(self, link: Link) -> Identifier:
        left, right = (self.groups.root(end) for end in link.pair)
        return left if self.groups.is_known(left) else right

    def _chosen(self, free: Identifier, links: list[Link]) -> Link | None:
        """The link by which a free group joins a known person. None if it joins nobody, and why is then on record.

        Who is kept apart still counts as somebody whom the group was seen with: a prohibition never joins anything.
        """
        stated = [link for link in links if link.stated]
        candidates = stated or links
        people = {self._known_root(link) for link in candidates}
        return candidates[0] if len(people) == 1 else self._shared(free, candidates)

    def _shared(self, free: Identifier, candidates: list[Link]) -> Link | None:
        ends = {end for link in candidates for end in link.pair if self.groups.root(end) == free}
        modes = {self.rules.types[end.type].shared for end in ends}
        if "nobody" in modes:
            self.nobodys.update(self.groups.members(free))
            self.refused.update((link.pair, "ambiguous") for link in candidates)
            return None
        direct = [link for link in candidates if any(self.rules.types[end.type].unique for end in link.pair)]
        if not direct:
            # Seen with two people only by way of something else, such as their devices: any choice would be a guess.
            self.barred[free] = "ambiguous"
            self.refused.update((link.pair, "ambiguous") for link in candidates)
            return None
        chosen = min(direct, key=self._order) if "oldest" in modes else max(direct, key=_recency)
        person = self._known_root(chosen)
        self.refused.update((link.pair, "taken") for link in candidates if self._known_root(link) != person)
        return chosen

    # The result

    def _summary(self) -> Resolution:
        members = [tuple(sorted(group)) for group in self.groups.groups()]
        parts = [Part(founder(group, self.seen, self.rules), group) for group in members]
        parts += [Part(stranger, (stranger,)) for stranger in self.strangers]
        held = [link.pair for link in self.links if self._is_held(link.pair)]
        held += [
            pair
            for pair in self.decisions.allowed
            if pair[0] in self.seen and pair[1] in self.seen and self._is_held(pair)
        ]
        refused = [
            RefusedLink(link.pair, self._rule_of(link.pair)) for link in self.links if not self._is_held(link.pair)
        ]
        return Resolution(
            parts=tuple(sorted(parts, key=lambda part: part.founder)),
            held=tuple(sorted(set(held))),
            refused=tuple(sorted(refused, key=lambda each: each.pair)),
            nobodys=frozenset(self.nobodys),
            alarmed=frozenset(self.under_alarm),
            version=self.rules.version,
        )

    def _is_held(self, pair: Pair) -> bool:
        return self.groups.root(pair[0]) == self.groups.root(pair[1])

    def _rule_of(self, pair: Pair) -> Rule:
        if pair in self.refused:
            return self.refused[pair]
        if not self.nobodys.isdisjoint(pair):
            return "ambiguous"
        roots = [self.groups.root(end) for end in pair]
        rule = self.groups.violation(*roots)
        if rule is not None:
            return rule
        return next((self.barred[root] for root in roots if root in self.barred), "ambiguous")


def _recency(link: Link) -> tuple[int, Pair]:
    return (link.seen.last, link.pair)
