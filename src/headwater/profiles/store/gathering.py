"""Which component an effect belongs to, what joins, and what comes apart. Pure.

A component is what links connect, short of identifiers under the degree alarm: such an identifier is a component of its own, and
its neighbours keep their links to it. So who meets at one till is never looked at together. An alarm never ends by itself, and it
depends on the links of the identifier alone; therefore components are a function of the set of links, as profiles are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

import msgspec

from headwater.profiles.decisions import Decisions
from headwater.profiles.degree_alarm import is_alarmed
from headwater.profiles.effects import EventEffect
from headwater.profiles.identifiers import Identifier
from headwater.profiles.identity_rules import IdentityRules
from headwater.profiles.links import Link, Pair, merge_links
from headwater.profiles.resolution import Part, Resolution, resolve
from headwater.profiles.sightings import Sighting, merge_sightings
from headwater.profiles.store.bodies import Component


class Gathered(msgspec.Struct, frozen=True):
    """A component as it is after a batch.

    `number` is that of a component that was there before, or one just taken. `resolution` covers the members and, each as a part of its
    own that counts for nothing, the alarmed identifiers outside. `touched` are members that effects of the batch named.
    """

    number: int
    component: Component
    resolution: Resolution
    touched: frozenset[Identifier]


class Gathering(msgspec.Struct, frozen=True):
    """Components after a batch; `before` are the profiles of all of them before it, `gone` the numbers that are no more,
    `borders` the new pairs of an alarmed identifier and its neighbour."""

    components: tuple[Gathered, ...]
    before: tuple[Part, ...]
    gone: frozenset[int]
    borders: frozenset[tuple[Identifier, Identifier]]


class _Group:
    """Members and links under construction; `numbers` of the stored components that went into it."""

    __slots__ = ("links", "numbers", "seen")

    def __init__(self) -> None:
        self.numbers: list[tuple[int, int]] = []
        self.seen: dict[Identifier, Sighting] = {}
        self.links: dict[Pair, Link] = {}


class _Roots:
    """Union-find over identifiers."""

    def __init__(self) -> None:
        self._above: dict[Identifier, Identifier] = {}

    def add(self, identifier: Identifier) -> None:
        self._above.setdefault(identifier, identifier)

    def root(self, identifier: Identifier) -> Identifier:
        above = self._above
        while (higher := above[identifier]) != identifier:
            above[identifier] = above[higher]
            identifier = higher
        return identifier

    def unite(self, left: Identifier, right: Identifier) -> None:
        one, other = self.root(left), self.root(right)
        if one != other:
            self._above[other] = one

    def __contains__(self, identifier: Identifier) -> bool:
        return identifier in self._above


def gather(
    stored: Mapping[int, Component],
    effects: Iterable[EventEffect],
    rules: IdentityRules,
    decisions: Decisions,
    new_number: Callable[[], int],
    *,
    again: bool = False,
) -> Gathering:
    """Apply the identifiers and links of `effects` to `stored`, the components of all identifiers that they name.

    Effects must be of messages that were not applied before, and belong to somebody. An allowed pair joins where both ends are
    among the identifiers. `new_number` gives numbers for new components. `again`: decisions or rules changed, so who is together is looked
    at anew; then `stored` must hold the neighbours of an identifier whose alarm a person ended.
    """
    return _Work(stored, rules, decisions, new_number, again).run(effects)


class _Work:
    def __init__(
        self,
        stored: Mapping[int, Component],
        rules: IdentityRules,
        decisions: Decisions,
        new_number: Callable[[], int],
        again: bool,
    ) -> None:
        self.again = again
        self.all_stored = stored
        self.stored = stored
        self.touched: set[Identifier] = set()
        self.rules = rules
        self.decisions = decisions
        self.new_number = new_number
        self.exempt = frozenset(end for pair in decisions.allowed for end in pair)
        self.alarmed: set[Identifier] = set()
        self.roots = _Roots()
        self.sightings: dict[Identifier, Sighting] = {}
        self.links: dict[Pair, Link] = {}
        self.borders: set[tuple[Identifier, Identifier]] = set()

    def run(self, effects: Iterable[EventEffect]) -> Gathering:
        groups, others = self._settled(effects)
        self._take_stored()
        self._take_effects(others)
        self._connect()
        groups += self._groups()
        gathered: list[Gathered] = []
        for group in groups:
            for piece in self._without_newly_alarmed(group):
                gathered += self._gathered(piece)
        kept = {each.number for each in gathered}
        return Gathering(
            components=tuple(gathered),
            before=tuple(part for component in self.all_stored.values() for part in component.parts),
            gone=frozenset(self.all_stored.keys() - kept),
            borders=frozenset(self.borders),
        )

    def _settled(self, effects: Iterable[EventEffect]) -> tuple[list[_Group], Iterable[EventEffect]]:
        """Components that every effect either leaves alone or stays inside of: nothing can join them.

        Nearly all are such. They leave `stored`; the effects that are not inside one of them are returned.
        """
        if self.again or self.decisions.allowed:
            return [], effects
        home = {member: number for number, component in self.stored.items() for member in component.seen}
        inside: list[tuple[int, EventEffect]] = []
        across: list[EventEffect] = []
        joined: set[int | None] = set()
        for effect in effects:
            numbers = {home.get(identifier) for identifier in effect.sighted()}
            number = next(iter(numbers))
            if len(numbers) == 1 and number is not None:
                inside.append((number, effect))
            else:
                joined |= numbers
                across.append(effect)
        groups: dict[int, _Group] = {}
        for number, effect in inside:
            if number in joined:
                across.append(effect)
                continue
            group = groups.get(number)
            if group is None:
                group = groups[number] = _group_of(number, self.stored[number])
            self._take_inside(group, effect)
        self.alarmed.update(
            member for number in groups if self.stored[number].alarmed for member in self.stored[number].seen
        )
        self.stored = {number: each for number, each in self.stored.items() if number not in groups}
        return list(groups.values()), across

    def _take_inside(self, group: _Group, effect: EventEffect) -> None:
        seen = effect.sighting()
        for identifier in effect.sighted():
            self.touched.add(identifier)
            group.seen[identifier] = merge_sightings(group.seen[identifier], seen)
        for link in effect.links():
            _add_link(group.links, link.pair, link)

    def _take_stored(self) -> None:
        for component in self.stored.values():
            first = None
            for member in component.seen:
                self.roots.add(member)
                if component.alarmed and member not in self.exempt:
                    self.alarmed.add(member)
                if first is None:
                    first = member
                else:
                    self.roots.unite(first, member)

    def _take_effects(self, effects: Iterable[EventEffect]) -> None:
        for effect in effects:
            seen = effect.sighting()
            for identifier in effect.sighted():
                self.touched.add(identifier)
                self.roots.add(identifier)
                held = self.sightings.get(identifier)
                self.sightings[identifier] = seen if held is None else merge_sightings(held, seen)
            for link in effect.links():
                known = self.links.get(link.pair)
                self.links[link.pair] = link if known is None else merge_links(known, link)

    def _connect(self) -> None:
        pairs: Iterable[Pair] = self.links
        if self.again:
            pairs = (pair for component in self.stored.values() for pair in component.links)
        for left, right in pairs:
            if left in self.roots and right in self.roots and left not in self.alarmed and right not in self.alarmed:
                self.roots.unite(left, right)
        for left, right in self.decisions.allowed:
            if left in self.roots and right in self.roots:
                self.roots.unite(left, right)

    def _groups(self) -> Iterable[_Group]:
        groups: dict[Identifier, _Group] = {}
        for number, component in self.stored.items():
            group = groups.setdefault(self.roots.root(next(iter(component.seen))), _Group())
            group.numbers.append((len(component.seen), number))
            group.seen.update(component.seen)
            for pair, link in component.links.items():
                _add_link(group.links, pair, link)
        for identifier, seen in self.sightings.items():
            group = groups.setdefault(self.roots.root(identifier), _Group())
            held = group.seen.get(identifier)
            group.seen[identifier] = seen if held is None else merge_sightings(held, seen)
        for pair, link in self.links.items():
            inside = self._home(pair)
            _add_link(groups[self.roots.root(inside)].links, pair, link)
        return groups.values()

    def _home(self, pair: Pair) -> Identifier:
        """The end whose component keeps the link: one that is not alarmed, if there is one."""
        left, right = pair
        if left in self.alarmed and right not in self.alarmed:
            self.borders.add((left, right))
            return right
        if right in self.alarmed:
            self.borders.add((right, left))
        return left

    # Alarms

    def _without_newly_alarmed(self, group: _Group) -> list[_Group]:
        """The group, or its pieces where the alarm takes identifiers out of the middle."""
        if self.alarmed.intersection(group.seen):
            return [group]  # the component of one alarmed identifier
        new = self._newly_alarmed(group)
        return self._pieces(group, new) if new or self.again else [group]

    def _newly_alarmed(self, group: _Group) -> set[Identifier]:
        lowest = min((rule.alarm for rule in self.rules.types.values() if rule.alarm), default=self.rules.degree_limit)
        if len(group.links) <= min(lowest, self.rules.degree_limit):
            return set()
        around: dict[Identifier, list[Link]] = {}
        for pair, link in group.links.items():
            for end in pair:
                around.setdefault(end, []).append(link)
        return {
            end
            for end, links in around.items()
            if end in group.seen
            and end not in self.exempt
            and end.type in self.rules.types
            and is_alarmed(end, links, self.rules)
        }

    def _pieces(self, group: _Group, new: set[Identifier]) -> list[_Group]:
        self.alarmed |= new
        roots = _Roots()
        for member in group.seen:
            roots.add(member)
        joining = [*group.links, *self.decisions.allowed]
        for left, right in joining:
            if left in roots and right in roots and left not in new and right not in new:
                roots.unite(left, right)
        pieces: dict[Identifier, _Group] = {}
        for member, seen in group.seen.items():
            pieces.setdefault(roots.root(member), _Group()).seen[member] = seen
        for pair, link in group.links.items():
            _add_link(pieces[roots.root(self._piece_end(pair, roots))].links, pair, link)
        largest = max(pieces.values(), key=lambda piece: (len(piece.seen), min(piece.seen)))
        largest.numbers = group.numbers
        return list(pieces.values())

    def _piece_end(self, pair: Pair, roots: _Roots) -> Identifier:
        home = self._home(pair)
        return home if home in roots else pair[1] if home == pair[0] else pair[0]

    # The result

    def _gathered(self, group: _Group) -> Iterable[Gathered]:
        number = max(group.numbers)[1] if group.numbers else self.new_number()
        outside = {end: link.seen for pair, link in group.links.items() for end in pair if end not in group.seen}
        alarmed = self.alarmed.intersection(group.seen)
        if alarmed:
            (only,) = alarmed
            resolution = alone(only, self.rules)
        else:
            seen = {**group.seen, **outside} if outside else group.seen
            links = list(group.links.values())
            resolution = resolve(seen, links, self.rules, self._decided(seen), frozenset(outside))
        parts = tuple(part for part in resolution.parts if part.founder in group.seen) if outside else resolution.parts
        component = Component(group.seen, group.links, parts, bool(alarmed))
        touched = frozenset(member for member in group.seen if member in self.touched)
        yield Gathered(number, component, resolution, touched)

    def _decided(self, seen: Mapping[Identifier, Sighting]) -> Decisions:
        """The decisions about these identifiers: most components have none, and then a short cut is taken."""
        return decisions_about(seen, self.decisions)


def decisions_about(identifiers: Iterable[Identifier], decisions: Decisions) -> Decisions:
    """Those decisions that can matter to a component of these identifiers."""
    if not decisions:
        return decisions
    own = set(identifiers)
    return Decisions(
        allowed=frozenset(pair for pair in decisions.allowed if not own.isdisjoint(pair)),
        apart=frozenset(pair for pair in decisions.apart if own.issuperset(pair)),
        blocked=decisions.blocked & own,
    )


def alone(identifier: Identifier, rules: IdentityRules) -> Resolution:
    """What is decided about an identifier under the alarm: it is nobody's, and a part of its own."""
    one = frozenset({identifier})
    return Resolution((Part(identifier, (identifier,)),), (), nobodys=one, alarmed=one, version=rules.version)


def _group_of(number: int, component: Component) -> _Group:
    group = _Group()
    group.numbers.append((len(component.seen), number))
    group.seen.update(component.seen)
    group.links.update(component.links)
    return group


def _add_link(links: dict[Pair, Link], pair: Pair, link: Link) -> None:
    held = links.get(pair)
    links[pair] = link if held is None else merge_links(held, link)
