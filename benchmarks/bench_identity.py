"""How well and how fast events become people: a simulation in which the truth is known.

    python benchmarks/bench_identity.py                    the tables, on the screen
    python benchmarks/bench_identity.py --write            … and into docs/benchmarks-identity.md
    python benchmarks/bench_identity.py --people 10000     smaller

100,000 people have 1, 2 or 3 devices (odds 3 : 2 : 1). On each device there is one anonymous event and, minutes later, one
logged-in event, which has the e-mail address as well with probability 0.6. Faults: 1 % of the people log in on a random
other person's first device, 0.5 % log in at one of 20 kiosks, 0.3 % send an event with user_id "null".

Measures: an event belongs to the profile of its strongest identifier. *largest* is the most people in one profile,
*mixed* the share of people with an event in a profile that holds another person's event, *split* the share of people whose
events lie in more than one profile.
"""

from __future__ import annotations

import argparse
import gc
import random
import statistics
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from headwater.profiles.blocked_values import BlockRules, compile_block_rules
from headwater.profiles.compiled_schema import CompiledSchema
from headwater.profiles.effects import EventEffect
from headwater.profiles.fragments import FragmentKey
from headwater.profiles.identifiers import Identifier
from headwater.profiles.identity_rules import IdentityRules
from headwater.profiles.links import Link, Pair, merge_links
from headwater.profiles.resolution import Part, resolve
from headwater.profiles.schema import Alias, Field, IdentifierSettings, Mapping, Schema
from headwater.profiles.session_following import fragment_parts
from headwater.profiles.sightings import Sighting, merge_sightings

PEOPLE = 100_000
KIOSKS = 20
MINUTE = 60_000
YEAR = 365 * 24 * 60 * MINUTE
START = int(datetime(2026, 1, 1, tzinfo=UTC).timestamp() * 1000)
RECEIVED = datetime(2027, 6, 1, tzinfo=UTC)
RANKS = ("user_id", "email", "anonymous_id")


class Event(NamedTuple):
    """An event of a known person: what a sender would send, and who it really was."""

    person: int
    record: dict[str, object]


class Outcome(NamedTuple):
    """Where the events ended up."""

    profiles: int
    largest: int
    mixed: float
    split: float


# Generators


def make_event(person: int, number: int, at: int, **identifiers: str | None) -> Event:
    record: dict[str, object] = {"id": f"m{number}", "timestamp": START + at}
    record.update({name: value for name, value in identifiers.items() if value is not None})
    return Event(person, record)


def standard_events(people: int, seed: int, near: float = 1.0) -> list[Event]:
    """The events of the plain simulation, in the order of the people; the arrival order is somebody else's choice.

    `near` is the share of logins that come minutes after the anonymous event of their device; others come any time.
    """
    chance = random.Random(seed)
    events: list[Event] = []

    def add(person: int, at: int, **identifiers: str | None) -> None:
        events.append(make_event(person, len(events), at, **identifiers))

    for person in range(people):
        user, email = f"u{person}", f"p{person}@shop.test"
        for device in range(chance.choices((1, 2, 3), (3, 2, 1))[0]):
            anonymous, begin = f"a{person}-{device}", chance.randrange(YEAR)
            add(person, begin, anonymous_id=anonymous)
            soon = chance.random() < near
            login = begin + chance.randrange(MINUTE, 10 * MINUTE) if soon else chance.randrange(YEAR)
            add(person, login, anonymous_id=anonymous, user_id=user, email=email if chance.random() < 0.6 else None)
        if chance.random() < 0.01:
            other = chance.randrange(people - 1)
            device_owner = other if other < person else other + 1
            add(person, chance.randrange(YEAR), anonymous_id=f"a{device_owner}-0", user_id=user)
        if chance.random() < 0.005:
            kiosk = f"kiosk{chance.randrange(KIOSKS)}"
            add(person, chance.randrange(YEAR), anonymous_id=kiosk, user_id=user, email=email)
        if chance.random() < 0.003:
            add(person, chance.randrange(YEAR), anonymous_id=f"a{person}-0", user_id="null")
    return events


JUNK = ("null", " NULL ", "'undefined'", "00000000-0000-0000-0000-000000000000", "{{ user.id }}", "[object Object]", "")


def harder_events(people: int, seed: int) -> list[Event]:
    """Several sessions, households on one tablet, logout with and without reset, lost cookies, changed, shared and mistyped
    addresses, every kind of junk, aliases, a busy kiosk with anonymous visitors, and one message in fifty delivered twice."""
    chance = random.Random(seed)
    events: list[Event] = []

    def add(person: int, at: int, **identifiers: str | None) -> None:
        events.append(make_event(person, len(events), at, **identifiers))

    for person in range(people):
        household = person // 3
        user = f"u{person}"
        email = f"team{household}@firm.test" if chance.random() < 0.02 else f"p{person}@shop.test"
        for session in range(chance.choices((1, 2, 4, 8), (3, 3, 2, 1))[0]):
            begin = chance.randrange(YEAR)
            tablet = chance.random() < 0.05
            # A browser forgets its cookie now and then, so a device has several anonymous ids over time.
            anonymous = f"tablet{household}" if tablet else f"a{person}-{session if chance.random() < 0.3 else 0}"
            add(person, begin, anonymous_id=anonymous)
            address = f"new{person}@shop.test" if chance.random() < 0.03 else email
            if chance.random() < 0.005:
                address = f"p{chance.randrange(people)}@shop.test"  # mistyped, and somebody else's
            if chance.random() < 0.7:
                shown = address if chance.random() < 0.6 else None
                add(person, begin + 3 * MINUTE, anonymous_id=anonymous, user_id=user, email=shown)
            if chance.random() < 0.05:
                # Logged out: with a reset there is a new anonymous id, without one the old id goes on.
                after = f"a{person}-{session}-out" if chance.random() < 0.5 else anonymous
                add(person, begin + 8 * MINUTE, anonymous_id=after)
        if chance.random() < 0.01:
            add(person, chance.randrange(YEAR), anonymous_id=f"a{chance.randrange(people)}-0", user_id=user)
        if chance.random() < 0.02:
            add(person, chance.randrange(YEAR), anonymous_id=f"a{person}-0", user_id=chance.choice(JUNK))
        if chance.random() < 0.02:
            add(person, chance.randrange(YEAR), user_id=user, previous_id=f"a{person}-0")
    for _ in range(people // 50):
        person, at = chance.randrange(people), chance.randrange(YEAR)
        add(person, at, anonymous_id="busy-kiosk")
        add(person, at + 2 * MINUTE, anonymous_id="busy-kiosk", user_id=f"u{person}")
    return events + chance.sample(events, len(events) // 50)


def shuffled(events: Iterable[Event], seed: int) -> list[Event]:
    order = list(events)
    random.Random(seed).shuffle(order)
    return order


# Deciding at arrival: what many systems do, for comparison


class AtArrival:
    """Union-find that takes or refuses each link as it comes, and never looks back."""

    def __init__(self, blocks: bool, one_user: bool) -> None:
        self._rule = compile_block_rules(BlockRules(), "user_id") if blocks else None
        self._one_user = one_user
        self._parent: dict[Identifier, Identifier] = {}
        self._user: dict[Identifier, str] = {}

    def root(self, identifier: Identifier) -> Identifier:
        parent = self._parent
        while (above := parent[identifier]) != identifier:
            parent[identifier] = parent[above]
            identifier = above
        return identifier

    def take(self, event: Event) -> Identifier:
        """Join what the event shows. Returns its strongest identifier."""
        found = [Identifier(name, str(event.record[name])) for name in RANKS if name in event.record]
        if self._rule is not None:
            found = [each for each in found if self._rule(each.value) is None]
        for identifier in found:
            if identifier not in self._parent:
                self._parent[identifier] = identifier
                if identifier.type == "user_id":
                    self._user[identifier] = identifier.value
        for other in found[1:]:
            self._join(found[0], other)
        return found[0]

    def is_known(self, root: Identifier) -> bool:
        return root in self._user

    def _join(self, left: Identifier, right: Identifier) -> None:
        one, two = self.root(left), self.root(right)
        if one == two:
            return
        users = [self._user[each] for each in (one, two) if each in self._user]
        if self._one_user and len(users) == 2 and users[0] != users[1]:
            return
        self._parent[two] = one
        if users:
            self._user[one] = users[0]


def at_arrival(events: list[Event], blocks: bool, one_user: bool) -> tuple[Outcome, float]:
    """The outcome, and the share of people who are mixed in profiles of known people."""
    groups = AtArrival(blocks, one_user)
    owners = [groups.take(event) for event in events]
    found = [(event.person, groups.root(owner)) for event, owner in zip(events, owners, strict=True)]
    known = mixed_people((person, root) for person, root in found if groups.is_known(root))
    return measure(found), 100 * len(known) / len({person for person, _ in found})


# Headwater


def schema_of(shared: str, session_minutes: int) -> CompiledSchema:
    """The default rules of identity, for the three identifiers of the simulation."""
    return CompiledSchema(
        Schema(
            version="benchmark",
            fields=(
                Field("user_id", is_identifier=True),
                Field("email", is_identifier=True),
                Field("anonymous_id", "[]string", is_identifier=True),
            ),
            mappings=tuple(Mapping(name, name) for name in RANKS),
            aliases=(Alias("anonymous_id", "previous_id"),),
            ranks=RANKS,
            identifiers={
                "user_id": IdentifierSettings(unique=True),
                "email": IdentifierSettings(form="email", limit=5, window_days=365, alarm=3),
                "anonymous_id": IdentifierSettings(
                    limit=20, window_days=30, alarm=10, shared=shared, session_minutes=session_minutes
                ),
            },
            event_time=("timestamp",),
            message_id=("id",),
        )
    )


class Gathered:
    """All that the effects of a stream of events say about identity: grow-only, like the store."""

    def __init__(self, rules: IdentityRules) -> None:
        self.rules = rules
        self.seen: dict[Identifier, Sighting] = {}
        self.links: dict[Pair, Link] = {}
        self.messages: set[str] = set()

    def take(self, effect: EventEffect) -> None:
        if effect.message_key in self.messages:
            return
        self.messages.add(effect.message_key)
        sighting = effect.sighting()
        for identifier in effect.sighted():
            held = self.seen.get(identifier)
            self.seen[identifier] = sighting if held is None else merge_sightings(held, sighting)
        for link in effect.links():
            found = self.links.get(link.pair)
            self.links[link.pair] = link if found is None else merge_links(found, link)

    def components(self) -> Iterator[tuple[list[Identifier], list[Link]]]:
        """Connected identifiers with their links."""
        around: dict[Identifier, list[Link]] = {}
        for link in self.links.values():
            for end in link.pair:
                around.setdefault(end, []).append(link)
        reached: set[Identifier] = set()
        for identifier in self.seen:
            if identifier in reached:
                continue
            reached.add(identifier)
            members, waiting, links = [identifier], [identifier], {}
            while waiting:
                for link in around.get(here := waiting.pop(), ()):
                    links[link.pair] = link
                    if (other := link.other(here)) not in reached:
                        reached.add(other)
                        members.append(other)
                        waiting.append(other)
            yield members, list(links.values())


class Report(NamedTuple):
    """An outcome with what it took."""

    outcome: Outcome
    mixed_known: float
    events_per_second: float
    conflicts: int
    typical_microseconds: float
    slowest_milliseconds: float
    largest_component: int
    parts: frozenset[Part]


def headwater(events: list[Event], schema: CompiledSchema) -> Report:
    gathered, owners = Gathered(schema.rules), []
    # The heap of a whole simulation is large; its garbage collection would count as somebody's work.
    gc.collect()
    gc.disable()
    begin = time.process_time()
    for event in events:
        effect = schema.effect(event.record, "default", RECEIVED)
        gathered.take(effect)
        owners.append((event.person, effect.owner))
    rate = len(events) / (time.process_time() - begin)
    of_fragment: dict[FragmentKey, Part] = {}
    times: list[float] = []
    small: list[float] = []
    conflicts = largest = 0
    parts: set[Part] = set()
    keys: dict[Identifier, set[FragmentKey]] = {}
    for _, owner in owners:
        if owner is not None:
            keys.setdefault(owner.identifier, set()).add(owner)
    for members, links in gathered.components():
        seen = {each: gathered.seen[each] for each in members}
        start = time.process_time()
        resolution = resolve(seen, links, schema.rules)
        seconds = time.process_time() - start
        times.append(seconds)
        if len(members) <= 6:
            small.append(seconds)
        conflicts += len(resolution.refused)
        largest = max(largest, len(members))
        parts.update(resolution.parts)
        owned = [key for member in members for key in keys.get(member, ())]
        of_fragment.update(fragment_parts(owned, resolution, links, schema.rules))
    gc.enable()
    found = [(person, of_fragment[owner]) for person, owner in owners if owner is not None]
    outcome = measure((person, part.founder) for person, part in found)
    known = mixed_people((person, part.founder) for person, part in found if is_known(part))
    mixed_known = 100 * len(known) / len({person for person, _ in found})
    outcome = outcome._replace(profiles=len(parts))
    typical = statistics.median(small) * 1e6
    return Report(outcome, mixed_known, rate, conflicts, typical, max(times) * 1e3, largest, frozenset(parts))


def measure(pairs: Iterable[tuple[int, Identifier]]) -> Outcome:
    """Compare (person, profile) of every event with the truth."""
    events = list(pairs)
    people: dict[Identifier, set[int]] = {}
    profiles: dict[int, set[Identifier]] = {}
    for person, profile in events:
        people.setdefault(profile, set()).add(person)
        profiles.setdefault(person, set()).add(profile)
    mixed = mixed_people(events)
    split = sum(len(own) > 1 for own in profiles.values())
    largest = max(map(len, people.values()))
    return Outcome(len(people), largest, 100 * len(mixed) / len(profiles), 100 * split / len(profiles))


def mixed_people(events: Iterable[tuple[int, Identifier]]) -> set[int]:
    """The people with an event in a profile that holds another person's event."""
    people: dict[Identifier, set[int]] = {}
    for person, profile in events:
        people.setdefault(profile, set()).add(person)
    return {person for inside in people.values() if len(inside) > 1 for person in inside}


def is_known(part: Part) -> bool:
    return any(member.type == "user_id" for member in part.members)


# Tables


def row(name: str, outcome: Outcome) -> str:
    return f"| {name} | {outcome.profiles:,} | {outcome.largest} | {outcome.mixed:.2f} % | {outcome.split:.2f} % |"


HEAD = "| protections | profiles | largest | mixed | split |\n|---|---|---|---|---|"
VARIANTS = (
    ("order-free, a shared device belongs to who was seen first", "oldest", 0),
    ("**default**: order-free, a shared device belongs to nobody", "nobody", 0),
    ("using time: anonymous events near a login follow it", "nobody", 15),
)


def standard_table(people: int, seed: int) -> Iterator[str]:
    events = shuffled(standard_events(people, seed), seed)
    yield f"{people:,} people, {len(events):,} events, seed {seed}.\n"
    yield HEAD
    yield row("none", at_arrival(events, blocks=False, one_user=False)[0])
    yield row("blocked values", at_arrival(events, blocks=True, one_user=False)[0])
    yield row("one user_id", at_arrival(events, blocks=False, one_user=True)[0])
    yield row("both, decided at arrival", at_arrival(events, blocks=True, one_user=True)[0])
    speeds = []
    for name, shared, minutes in VARIANTS:
        report = headwater(events, schema_of(shared, minutes))
        yield row(name, report.outcome)
        speeds.append(report)
    half = shuffled(standard_events(people, seed, near=0.5), seed)
    for name, minutes in (("default", 0), ("using time", 15)):
        report = headwater(half, schema_of("nobody", minutes))
        yield row(f"{name}, half of the logins far from the anonymous event", report.outcome)
    best = max(speeds, key=lambda report: report.events_per_second)
    typical = min(report.typical_microseconds for report in speeds)
    yield (
        f"\nIn processor time of one core: from record to gathered links {best.events_per_second:,.0f} events/s. Resolving a component of at most 6 "
        f"identifiers: {typical:.0f} µs (median); the slowest component, of at most {best.largest_component} identifiers: "
        f"{best.slowest_milliseconds:.1f} ms.\n"
    )


def spread_table(people: int, seeds: Iterable[int], make: Callable[[int, int], list[Event]]) -> Iterator[str]:
    yield "| seed | variant | profiles | largest | mixed | of them known | split | conflicts | component <= 6 | slowest | same for 3 orders |"
    yield "|---|---|---|---|---|---|---|---|---|---|---|"
    for seed in seeds:
        events = make(people, seed)
        decided, decided_known = at_arrival(shuffled(events, seed), blocks=True, one_user=True)
        plain = f"{decided.profiles:,} | {decided.largest} | {decided.mixed:.2f} % | {decided_known:.2f} % | {decided.split:.2f} %"
        yield f"| {seed} | both, decided at arrival | {plain} | | | | no |"
        for _, shared, minutes in VARIANTS[1:]:
            schema = schema_of(shared, minutes)
            reports = [headwater(shuffled(events, seed + order), schema) for order in (0, 100, 200)]
            same = len({report.parts for report in reports}) == 1 and len({report.outcome for report in reports}) == 1
            first = reports[0]
            short = "default" if minutes == 0 else "using time"
            outcome = first.outcome
            yield (
                f"| {seed} | {short} | {outcome.profiles:,} | {outcome.largest} | {outcome.mixed:.2f} % "
                f"| {first.mixed_known:.2f} % | {outcome.split:.2f} % "
                f"| {first.conflicts:,} | {first.typical_microseconds:.0f} µs | {first.slowest_milliseconds:.1f} ms "
                f"of {first.largest_component:,} | {'yes' if same else 'NO'} |"
            )
    yield ""


INTRODUCTION = """# Identity: how well and how fast

This page is written by `python benchmarks/bench_identity.py --write`. People are simulated, so the truth is known; the
generator and the measures are described at the top of that file.

*largest*: most people in one profile. *mixed*: people with an event in a profile that holds another person's event. *split*:
people whose events lie in more than one profile. Joining strangers is worse than splitting one person.

*of them known*: mixed, counted over profiles of known people only. Anonymous events of a shared device lie in a profile of
the device, by design; several people's events meet there, but in nobody's name.

*using time* is the setting `session_minutes: 15` of an identifier type. It helps as far as anonymous events lie near a login.
The plain simulation has all of them there, which flatters it; so the same is shown with half of the logins far away.
"""


def document(people: int) -> Iterator[str]:
    yield INTRODUCTION
    yield "## The plain simulation\n"
    yield from standard_table(people, 1)
    yield "## Other seeds, and three arrival orders of each\n"
    yield from spread_table(people // 5, (2, 3, 4), standard_events)
    yield "## Harder\n"
    yield " ".join((harder_events.__doc__ or "").split()) + "\n"
    yield (
        "Much of the split there cannot be known by anybody: a visit with a new cookie and without a login. What is mixed among known people is "
        "mostly anonymous use of a device on which one person only ever logs in.\n"
    )
    yield from spread_table(people // 5, (5, 6), harder_events)


def main() -> None:
    arguments = argparse.ArgumentParser(description="Identity resolution against a known truth.")
    arguments.add_argument("--people", type=int, default=PEOPLE)
    arguments.add_argument("--write", action="store_true", help="write docs/benchmarks-identity.md")
    chosen = arguments.parse_args()
    lines = []
    for line in document(chosen.people):
        print(line)
        sys.stdout.flush()
        lines.append(line)
    if chosen.write:
        page = Path(__file__).parent.parent / "docs" / "benchmarks-identity.md"
        page.write_text("\n".join(lines).rstrip() + "\n", "utf-8")


if __name__ == "__main__":
    main()
