"""The builder: one batch of effects into the tables of a generation, all of it or nothing.

Order of work in the transaction, the same for all workers, so that none waits for one that waits for it: positions (a worker
that was replaced finds out here), messages, components in the order of their numbers, new identifiers in the order of their
ids, everything else. What another worker moved meanwhile is noticed when the components are locked, or by a new identifier that is there
already: then all is rolled back and begun again from a fresh look. The loser of a race never keeps its old decision.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

import msgspec

from headwater.profiles import outbox
from headwater.profiles.compiled_schema import CompiledSchema
from headwater.profiles.decisions import NO_DECISIONS, Decisions
from headwater.profiles.drop_counts import DropCount, DropKey, count_drops, merge_drop_counts
from headwater.profiles.effects import EventEffect
from headwater.profiles.erasure.past import DELETED, Taken, pass_over
from headwater.profiles.fragments import Fragment, FragmentKey
from headwater.profiles.health import health_of
from headwater.profiles.identifiers import Identifier
from headwater.profiles.instants import milliseconds_of
from headwater.profiles.observers import ProfileObserver
from headwater.profiles.profile_changes import profile_changes
from headwater.profiles.profile_ids import fragment_id
from headwater.profiles.resolution import Part, Resolution
from headwater.profiles.store.batch import Arrival, Batch
from headwater.profiles.store.bodies import Component, fragment_from
from headwater.profiles.store.deltas import ALWAYS_CHANGED, NOTHING_BEFORE, Before, Kept, deltas_of
from headwater.profiles.store.folding import (
    Affected,
    FoldedProfile,
    affected,
    allowed_partners,
    fold_affected,
    follows_sessions,
    is_undisputed,
    members_read,
)
from headwater.profiles.store.gathering import Gathering, gather
from headwater.profiles.store.generations import Generation
from headwater.profiles.store.tables import NO_SLOT, FragmentRow, IdentifierRow, Tables, statement


class MovedError(Exception):
    """Another worker changed what this transaction was decided on; begin again."""


class ReplacedError(Exception):
    """The positions are not where this worker left them: another one works on its partitions."""


class OutdatedError(Exception):
    """The generation has another schema by now, or nobody wants it any more."""


class Applied(msgspec.Struct, frozen=True):
    """What a batch did: messages that counted, messages that were there already, profiles written, what was dropped."""

    applied: int
    repeated: int
    profiles: int
    drops: Mapping[DropKey, DropCount]


class Decided(NamedTuple):
    """What a decision changed: the profiles of the components that it touched, before and now."""

    before: tuple[Part, ...]
    after: tuple[FoldedProfile, ...]


Fragments = dict[Identifier, dict[FragmentKey, Fragment]]


class Builder:
    """Applies batches to one generation. Not to be used by two tasks at once."""

    def __init__(
        self,
        generation: Generation,
        schema: CompiledSchema,
        secret: bytes,
        observers: Sequence[ProfileObserver] = (),
    ) -> None:
        self.generation = generation.number
        self._revision = generation.revision
        self._announces = generation.state == "live"
        self.schema = schema
        self._secret = secret
        self._observers = tuple(observers)
        self._decisions: Decisions = NO_DECISIONS
        self._decisions_version = -1
        self._erased_until = 0
        self._numbers: deque[int] = deque()
        self._ids: dict[Identifier, bytes] = {}

    async def apply(self, connection: Any, batch: Batch, now: datetime) -> Applied:
        """Apply a batch in a transaction of its own.

        Raises ReplacedError when the positions were moved by somebody else, OutdatedError when generation or schema are not what they were, and what the driver raises; then nothing happened, unless the
        connection broke at the commit itself: applying again is always safe.
        """
        self._ids = {}
        while True:
            try:
                async with connection.transaction():
                    return await self._apply(connection, batch, now)
            except MovedError:
                continue

    async def _apply(self, connection: Any, batch: Batch, now: datetime) -> Applied:
        tables = Tables(connection, self.generation)
        if batch.moves and not await tables.move_positions(batch.moves):
            raise ReplacedError
        await self._look_round(connection, tables)
        fresh = await self._new_arrivals(tables, batch.arrivals)
        new, past = await self._without_past(connection, fresh)
        effects = [arrival.effect for arrival in new if arrival.effect.owner is not None]
        written = await self._change(connection, tables, effects, now) if effects else 0
        drops = merge_drop_counts(count_drops(arrival.effect for arrival in new), {**batch.drops, **past})
        if drops:
            await tables.count_drops(drops)
        return Applied(len(new), len(batch.arrivals) - len(fresh), written, drops)

    async def _look_round(self, connection: Any, tables: Tables) -> None:
        await connection.execute(statement("share_decisions", self.generation))
        standing = await connection.fetchrow(statement("standing", self.generation), self.generation)
        if standing["state"] not in ("live", "building") or standing["revision"] != self._revision:
            raise OutdatedError
        self._erased_until = standing["erased_until"]
        version = standing["decisions_version"]
        if version != self._decisions_version:
            self._decisions = Decisions.of(await tables.decisions())
            self._decisions_version = version

    async def _new_arrivals(self, tables: Tables, arrivals: Sequence[Arrival]) -> list[Arrival]:
        """Those whose message was not applied before, each message once."""
        if not arrivals:
            return []
        owners = (arrival.effect.owner for arrival in arrivals)
        fragments = [None if owner is None else self._id(owner.identifier) for owner in owners]
        keys = [arrival.effect.message_key for arrival in arrivals]
        taken = await tables.take_messages(arrivals, keys, fragments)
        new: list[Arrival] = []
        for arrival, key in zip(arrivals, keys, strict=True):
            if key in taken:
                taken.remove(key)
                new.append(arrival)
        return new

    async def _without_past(
        self, connection: Any, arrivals: Sequence[Arrival]
    ) -> tuple[Sequence[Arrival], dict[DropKey, DropCount]]:
        """Those that are not the past of a deleted person, and how many are."""
        taken = [
            Taken(arrival.sequence, UUID(arrival.effect.message_key), self._id(arrival.effect.owner.identifier))
            for arrival in arrivals
            if arrival.sequence <= self._erased_until and arrival.effect.owner is not None
        ]
        if not taken:
            return arrivals, {}
        past = await pass_over(connection, self.generation, taken)
        left = [arrival for arrival in arrivals if arrival.sequence not in past]
        passed = len(arrivals) - len(left)
        return left, {DropKey("event", "", DELETED): DropCount(passed, "", "")} if passed else {}

    def _id(self, identifier: Identifier) -> bytes:
        found = self._ids.get(identifier)
        if found is None:
            found = self._ids[identifier] = bytes.fromhex(fragment_id(identifier, self._secret))
        return found

    # Components

    async def _change(self, connection: Any, tables: Tables, effects: Sequence[EventEffect], now: datetime) -> int:
        named = {each for effect in effects for each in effect.sighted()}
        stored = await self._lock(tables, named)
        await self._reserve(tables, stored, named)
        gathering = gather(stored, effects, self.schema.rules, self._decisions, self._numbers.popleft)
        return len(await self._write(connection, tables, stored, gathering, effects, now))

    async def decide_again(self, connection: Any, identifiers: Iterable[Identifier], now: datetime) -> Decided:
        """Decide anew about the components of identifiers, in the caller's transaction, which holds the lock of who decides.

        Identifiers that are not known change nothing.
        """
        tables = Tables(connection, self.generation)
        await self._look_round(connection, tables)
        named = set(identifiers)
        # Whose alarm a person ended is joined with its neighbours again.
        joined = {end for pair in self._decisions.allowed for end in pair}
        neighbours = await tables.neighbours([self._id(each) for each in named & joined])
        stored = await self._lock(tables, named, neighbours)
        await self._reserve(tables, stored, named)
        gathering = gather(stored, (), self.schema.rules, self._decisions, self._numbers.popleft, again=True)
        folded = await self._write(connection, tables, stored, gathering, (), now, again=True)
        return Decided(gathering.before, tuple(folded))

    async def _reserve(self, tables: Tables, stored: Mapping[int, Component], named: set[Identifier]) -> None:
        """Numbers for new components: an alarm may make one of every member."""
        most = len(named) + sum(len(component.seen) for component in stored.values())
        while len(self._numbers) < most:
            self._numbers += await tables.number_block()

    async def _lock(self, tables: Tables, named: set[Identifier], others: Iterable[bytes] = ()) -> dict[int, Component]:
        """The components of identifiers, and of `others` by id, locked. Raises MovedError when one moved between looking and locking."""
        partners = allowed_partners(self._decisions)
        wanted = named | {partner for each in named if each in partners for partner in partners[each]}
        components = await tables.components_of({*others, *(self._id(each) for each in wanted)})
        stored = await tables.lock_components(set(components.values()))
        for identifier in wanted:
            number = components.get(self._id(identifier))
            if number is not None and (number not in stored or identifier not in stored[number].seen):
                raise MovedError
        return stored

    async def _write(
        self,
        connection: Any,
        tables: Tables,
        stored: Mapping[int, Component],
        gathering: Gathering,
        effects: Sequence[EventEffect],
        now: datetime,
        *,
        again: bool = False,
    ) -> list[FoldedProfile]:
        rules = self.schema.rules
        before = frozenset(gathering.before)
        changed = [affected(each, before, rules, again=again) for each in gathering.components]
        stored_fragments = await self._fragments(tables, changed)
        fragments, fields = self._with_effects(stored_fragments, effects)
        folded = self._fold(changed, fragments, now)
        earlier = NOTHING_BEFORE
        if self._observers:
            kept = self._kept(stored, before, changed, folded, stored_fragments, fields)
            earlier = await self._before(tables, changed, before, kept)
        await self._write_identity(tables, stored, gathering)
        await tables.write_fragments(self._fragment_rows(fragments, effects))
        await self._write_profiles(tables, before, gathering, folded)
        await self._tell(connection, earlier, folded, now)
        if self._announces:
            after = {part for each in gathering.components for part in each.component.parts}
            changes = profile_changes(sorted(before - after, key=_founder), sorted(after - before, key=_founder))
            await outbox.announce_changes(connection, changes, self._profile_id, now)
        return folded

    # Fragments and profiles

    async def _fragments(self, tables: Tables, changed: Sequence[Affected]) -> Fragments:
        """The fragments of all affected profiles as they are stored."""
        rules = self.schema.rules
        wanted = {self._id(member): member for each in changed for member in members_read(each, rules)}
        found: Fragments = {}
        for row_id, slot, body in await tables.fragments(wanted):
            member = wanted[row_id]
            key = FragmentKey(member, None if slot == NO_SLOT else slot)
            found.setdefault(member, {})[key] = fragment_from(body)
        return found

    def _with_effects(
        self, stored: Fragments, effects: Iterable[EventEffect]
    ) -> tuple[Fragments, dict[Identifier, set[str]]]:
        """The fragments with the effects in them, and the fields that effects fill by the fragment's identifier."""
        added: dict[FragmentKey, Fragment] = {}
        fields: dict[Identifier, set[str]] = {}
        for effect in effects:
            key = effect.owner
            assert key is not None  # noqa: S101  # effects of nobody were left out
            held = added.get(key)
            fragment = effect.fragment()
            added[key] = fragment if held is None else self.schema.merge(held, fragment)
            fields.setdefault(key.identifier, set()).update(effect.fields)
        found: Fragments = dict(stored)
        for key, fragment in added.items():
            own = found[key.identifier] = dict(found.get(key.identifier, {}))
            held = own.get(key)
            own[key] = fragment if held is None else self.schema.merge(held, fragment)
        return found, fields

    def _fragment_rows(self, fragments: Fragments, effects: Iterable[EventEffect]) -> list[FragmentRow]:
        owners = {effect.owner for effect in effects}
        return [
            (self._id(key.identifier), NO_SLOT if key.slot is None else key.slot, fragments[key.identifier][key])
            for key in owners
            if key is not None
        ]

    def _fold(self, changed: Sequence[Affected], fragments: Fragments, now: datetime) -> list[FoldedProfile]:
        at = milliseconds_of(now)
        return [
            profile
            for each in changed
            for profile in fold_affected(each, fragments, self.schema, self._decisions, at, self._profile_id)
        ]

    def _profile_id(self, founder: Identifier) -> str:
        return self._id(founder).hex()

    async def _write_profiles(
        self, tables: Tables, before: frozenset[Part], gathering: Gathering, folded: Sequence[FoldedProfile]
    ) -> None:
        founders = {part.founder for each in gathering.components for part in each.component.parts}
        gone = {self._id(part.founder) for part in before if part.founder not in founders}
        if gone:
            await tables.delete_profiles(gone)
        rows = [
            (
                self._id(each.part.founder),
                each.component,
                each.text,
                each.profile.modified,
                each.health.state,
                "\n".join(each.health.reasons),
            )
            for each in folded
        ]
        await tables.write_profiles(rows)

    # Identity

    async def _write_identity(self, tables: Tables, stored: Mapping[int, Component], gathering: Gathering) -> None:
        rows, moved = self._identifier_rows(stored, gathering)
        if rows and not await tables.insert_identifiers(rows):
            raise MovedError
        if moved:
            await tables.move_identifiers(moved)
        await tables.write_components((each.number, each.component) for each in gathering.components)
        if gathering.gone:
            await tables.delete_components(gathering.gone)
        if gathering.borders:
            await tables.write_borders({(self._id(left), self._id(right)) for left, right in gathering.borders})

    def _identifier_rows(
        self, stored: Mapping[int, Component], gathering: Gathering
    ) -> tuple[list[IdentifierRow], list[IdentifierRow]]:
        """Rows of new identifiers, and of those that are elsewhere now."""
        places = {
            member: (number, part.founder)
            for number, component in stored.items()
            for part in component.parts
            for member in part.members
        }
        new: list[IdentifierRow] = []
        moved: list[IdentifierRow] = []
        for each in gathering.components:
            for part in each.component.parts:
                profile = self._id(part.founder)
                for member in part.members:
                    place = places.get(member)
                    if place == (each.number, part.founder):
                        continue
                    row = (self._id(member), member.type, member.value, each.number, profile)
                    (new if place is None else moved).append(row)
        return new, moved

    # Observers

    def _kept(
        self,
        stored: Mapping[int, Component],
        before: frozenset[Part],
        changed: Sequence[Affected],
        folded: Sequence[FoldedProfile],
        fragments: Fragments,
        fields: Mapping[Identifier, set[str]],
    ) -> dict[Identifier, Kept]:
        """Profiles about which no conflict was or is and whose members and health are what they were, by founder."""
        if follows_sessions(self.schema.rules):
            return {}
        health = {each.part.founder: each.health for each in folded}
        kept: dict[Identifier, Kept] = {}
        for each in changed:
            component = stored.get(each.gathered.number)
            if component is None or not is_undisputed(each.gathered, component, before):
                continue
            (part,) = each.parts
            resolution = Resolution((part,), ())
            if health_of(part, resolution, component.seen, (), self.schema.rules) != health[part.founder]:
                continue
            names = {member.type for member in part.members}
            names.update(*(fields[member] for member in part.members if member in fields))
            own = {key: held for member in part.members for key, held in fragments.get(member, {}).items()}
            kept[part.founder] = Kept(component.seen, own, ALWAYS_CHANGED | names)
        return kept

    async def _before(
        self,
        tables: Tables,
        changed: Sequence[Affected],
        before: frozenset[Part],
        kept: Mapping[Identifier, Kept],
    ) -> Before:
        """What the affected profiles, and those that went into them, showed; that of `kept` ones need not be read."""
        after = {part for each in changed for part in each.gathered.component.parts}
        members = {member for each in changed for part in each.parts for member in part.members}
        parts = [
            part
            for part in before
            if part.founder not in kept and (part not in after or not members.isdisjoint(part.members))
        ]
        founders = {self._id(part.founder): part for part in parts}
        fields = await tables.fields_of(founders) if founders else {}
        homes = {member: self._id(part.founder) for part in parts for member in part.members}
        return Before(kept, founders, fields, homes)

    async def _tell(self, connection: Any, earlier: Before, folded: Sequence[FoldedProfile], now: datetime) -> None:
        if not self._observers:
            return
        deltas = deltas_of(earlier, folded, self.schema, self._id)
        for observer in self._observers:
            await observer.observe(connection, self.generation, deltas, now)


def _founder(part: Part) -> Identifier:
    return part.founder
