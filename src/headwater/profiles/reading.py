"""Read profiles: by any identifier, by any id that a profile ever had; why they are what they are; and what is there at all.

Everything is read from the live generation, in one state of the database for each question.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

import msgspec

from headwater.database.transactions import transaction
from headwater.errors import InputError
from headwater.expressions.stored import from_stored
from headwater.profiles.compiled_schema import CompiledSchema
from headwater.profiles.decisions import Decision, Decisions
from headwater.profiles.explain import Evidence, Explanation, explain, lytics_explanation
from headwater.profiles.fragments import Fragment, FragmentKey
from headwater.profiles.identifiers import Identifier, InvalidIdentifierError, identifier_text
from headwater.profiles.identity_rules import IdentityRules
from headwater.profiles.instants import milliseconds_of
from headwater.profiles.neighbours import neighbourhood, refusing_all
from headwater.profiles.profile_ids import fragment_id
from headwater.profiles.resolution import Part, resolve
from headwater.profiles.store import generations
from headwater.profiles.store.bodies import Component, component_from, fragment_from
from headwater.profiles.store.gathering import decisions_about
from headwater.profiles.store.generations import Generation
from headwater.profiles.store.lookup import part_of
from headwater.profiles.store.tables import NO_SLOT, Tables, decision_from, statement

ID_DIGITS = 32
SEARCH_LIMIT = 100

EXACT_BELOW = 200_000
"""Identifiers up to which everything is counted one by one."""

SAMPLE_PERCENT = 5
"""Share of a large table's pages that is counted instead of all."""


class StoredProfile(msgspec.Struct, frozen=True):
    """A profile as it is stored. `fields` has fields and meta fields, instants as datetimes; `modified` is epoch milliseconds."""

    id: str
    fields: Mapping[str, Any]
    modified: int
    health: str
    reasons: tuple[str, ...]
    component: int


class FoundIdentifier(msgspec.Struct, frozen=True):
    """An identifier that begins as was asked, and the profile that it is in."""

    type: str
    value: str
    profile: str


class DecisionRecord(msgspec.Struct, frozen=True):
    """A decision about a profile; `undone_at` in epoch milliseconds, 0 while it is in force."""

    id: int
    decision: Decision
    undone_by: str = ""
    undone_at: int = 0


class ProfileExplanation(msgspec.Struct, frozen=True):
    """Why a profile is what it is, with the decisions about its identifiers, and the same in Lytics' shape."""

    id: str
    explanation: Explanation
    decisions: tuple[DecisionRecord, ...]
    lytics: dict[str, Any]


class Drop(msgspec.Struct, frozen=True):
    """What did not go into profiles: how often, why, and one example."""

    kind: str
    field: str
    reason: str
    count: int
    example: str


class ProfileStats(msgspec.Struct, frozen=True):
    """What is there. Counts of large tables are estimates when `estimated`."""

    generation: int
    schema_version: str
    profiles: int
    identifiers: dict[str, int]
    messages: int
    health: dict[str, int]
    drops: tuple[Drop, ...]
    estimated: bool


class _Live(NamedTuple):
    generation: Generation
    schema: CompiledSchema


class LiveIdentifiers(NamedTuple):
    """How the live generation spells identifiers, and what it calls them in its tables."""

    generation: int
    revision: int
    rules: IdentityRules
    secret: bytes

    def id_of(self, name: str, value: str) -> bytes | None:
        """The id of an identifier in any spelling that its type allows; None for what cannot be one."""
        identifier = spelled(name, value, self.rules)
        return None if identifier is None else bytes.fromhex(fragment_id(identifier, self.secret))


class Look:
    """One state of the database: profiles, and what others read beside them on the same `connection`."""

    def __init__(self, connection: Any, identifiers: LiveIdentifiers) -> None:
        self.connection = connection
        self.identifiers = identifiers
        self.generation = identifiers.generation
        self.rules = identifiers.rules

    async def by_identifier(self, name: str, value: str) -> StoredProfile | None:
        """The profile of an identifier, in any spelling that its type allows. None when there is none."""
        return await self._profile(self.identifiers.id_of(name, value))

    async def by_id(self, profile_id: str) -> StoredProfile | None:
        """The profile that an id leads to: its own one, or one that it had before."""
        return await self._profile(id_bytes(profile_id))

    async def _profile(self, raw: bytes | None) -> StoredProfile | None:
        row = None if raw is None else await self.connection.fetchrow(statement("profile", self.generation), raw)
        return None if row is None else stored_profile(row)


class ProfileReader:
    """Answers questions about profiles. Methods raise as `transaction` does, and ConfigurationError on an install without profiles."""

    def __init__(self, pool: Any) -> None:
        self._pool = pool
        self._live: _Live | None = None
        self._secret = b""

    @asynccontextmanager
    async def _reading(self):  # type: ignore[no-untyped-def]  # yields a driver's connection
        async with transaction(self._pool, read_only=True) as connection:
            row = await connection.fetchrow("SELECT number, revision FROM profile_generations WHERE state = 'live'")
            known = self._live
            if known is None or row is None or tuple(row) != (known.generation.number, known.generation.revision):
                generation = await generations.live(connection)
                self._secret = await generations.secret(connection)
                known = self._live = _Live(generation, CompiledSchema(generation.schema))
            yield connection, known

    # One profile

    @asynccontextmanager
    async def look(self) -> AsyncIterator[Look]:
        """Read several things in one state of the database."""
        async with self._reading() as (connection, live):
            generation = live.generation
            known = LiveIdentifiers(generation.number, generation.revision, live.schema.rules, self._secret)
            yield Look(connection, known)

    async def by_identifier(self, name: str, value: str) -> StoredProfile | None:
        """The profile of an identifier, in any spelling that its type allows. None when there is none."""
        async with self.look() as look:
            return await look.by_identifier(name, value)

    async def by_id(self, profile_id: str) -> StoredProfile | None:
        """The profile that an id leads to: its own one, or one that it had before."""
        async with self.look() as look:
            return await look.by_id(profile_id)

    async def identifiers(self, profile_id: str) -> tuple[Identifier, ...]:
        """All identifiers of the profile that an id leads to, by rank and value."""
        raw = id_bytes(profile_id)
        if raw is None:
            return ()
        async with self._reading() as (connection, live):
            part = await part_of(connection, live.generation.number, raw)
            members = () if part is None else part.members
            return tuple(sorted(members, key=lambda each: (live.schema.rules.rank_of(each.type), each.value)))

    async def explain(self, profile_id: str) -> ProfileExplanation | None:
        """Why the profile that an id leads to is what it is: links, conflicts, decisions, candidates of every field."""
        raw = id_bytes(profile_id)
        if raw is None:
            return None
        async with self._reading() as (connection, live):
            row = await connection.fetchrow(statement("evidence", live.generation.number), raw)
            if row is None:
                return None
            found = Identifier(row["type"], row["value"])
            component = component_from(row["body"])
            if component.alarmed:
                evidence = await self._alarmed_evidence(connection, live, component)
            else:
                evidence = await self._evidence(connection, live, component)
            part = evidence.resolution.part_of()[found]
            at = int(time.time() * 1000)
            told = explain(part, evidence, live.schema, at, len(msgspec.json.encode(row["fields"])))
            decisions = await _decision_records(connection, part)
            document = msgspec.to_builtins(from_stored(row["fields"]))
            lytics = lytics_explanation(document, part, evidence, live.schema)
            return ProfileExplanation(row["profile_id"].hex(), told, decisions, lytics)

    async def _evidence(self, connection: Any, live: _Live, component: Component) -> Evidence:
        tables = Tables(connection, live.generation.number)
        decisions = Decisions.of(await tables.decisions())
        outside = {
            end: link.seen for pair, link in component.links.items() for end in pair if end not in component.seen
        }
        seen = {**component.seen, **outside}
        own = decisions_about(seen, decisions)
        resolution = resolve(seen, list(component.links.values()), live.schema.rules, own, frozenset(outside))
        return Evidence(seen, component.links, await self._fragments(tables, component), own, resolution)

    async def _alarmed_evidence(self, connection: Any, live: _Live, component: Component) -> Evidence:
        """Of one identifier under the alarm: with its neighbours, or some of them where they are many."""
        tables = Tables(connection, live.generation.number)
        (alarmed,) = component.seen
        alarmed_id = bytes.fromhex(fragment_id(alarmed, self._secret))
        around = await neighbourhood(connection, live.generation.number, alarmed_id, component)
        seen = {**{end: link.seen for pair, link in around.links.items() for end in pair}, **component.seen}
        own = decisions_about(seen, Decisions.of(await tables.decisions()))
        resolution = refusing_all(alarmed, around, live.schema.rules, own)
        fragments = await self._fragments(tables, component)
        return Evidence(seen, around.links, fragments, own, resolution, around.unread)

    async def _fragments(self, tables: Tables, component: Component) -> dict[FragmentKey, Fragment]:
        ids = {bytes.fromhex(fragment_id(each, self._secret)): each for each in component.seen}
        return {
            FragmentKey(ids[row_id], None if slot == NO_SLOT else slot): fragment_from(body)
            for row_id, slot, body in await tables.fragments(ids)
        }

    # Many

    async def search(self, prefix: str, *, name: str | None = None, limit: int = 20) -> list[FoundIdentifier]:
        """Identifiers that begin with a text, of one type or of any, in order."""
        if not prefix:
            raise InputError("empty; write the beginning of an identifier", "prefix")
        async with self._reading() as (connection, live):
            pattern = prefix.replace("\\", r"\\").replace("%", r"\%").replace("_", r"\_") + "%"
            rows = await connection.fetch(
                statement("search", live.generation.number), pattern, name, min(limit, SEARCH_LIMIT)
            )
            return [FoundIdentifier(row["type"], row["value"], row["profile_id"].hex()) for row in rows]

    async def unhealthy(self, state: str, *, limit: int = 100) -> list[StoredProfile]:
        """Profiles that are watched or quarantined."""
        async with self._reading() as (connection, live):
            rows = await connection.fetch(statement("unhealthy", live.generation.number), state, limit)
            return [stored_profile(row) for row in rows]

    async def health(self) -> dict[str, int]:
        """How many profiles are watched or quarantined, by state; a state that none is in is not there."""
        async with self._reading() as (connection, live):
            rows = await connection.fetch(statement("health", live.generation.number))
            return {row["health"]: row["count"] for row in rows}

    async def stats(self, *, exact: bool = False) -> ProfileStats:
        """What is there. Large tables are estimated from the server's statistics unless `exact`."""
        async with self._reading() as (connection, live):
            number = live.generation.number
            size = await connection.fetchval(statement("estimate", number), f"{live.generation.namespace}.identifiers")
            estimated = not exact and size > EXACT_BELOW
            counts = await connection.fetchrow(statement("estimates" if estimated else "counts", number))
            kinds = await connection.fetch(
                statement("identifiers_by_type", number), SAMPLE_PERCENT if estimated else 100
            )
            health = await connection.fetch(statement("health", number))
            drops = await connection.fetch(statement("drops", number))
            factor = 100 / SAMPLE_PERCENT if estimated else 1
            unhealthy = {row["health"]: row["count"] for row in health}
            return ProfileStats(
                generation=number,
                schema_version=live.generation.schema_version,
                profiles=counts["profiles"],
                identifiers={row["type"]: round(row["count"] * factor) for row in kinds},
                messages=counts["messages"],
                health={"healthy": max(0, counts["profiles"] - sum(unhealthy.values())), **unhealthy},
                drops=tuple(Drop(*row) for row in drops),
                estimated=estimated,
            )


def spelled(name: str, value: str, rules: IdentityRules) -> Identifier | None:
    """An identifier under the spelling that identifies; None for a type that is none, or a value that cannot be one."""
    rule = rules.types.get(name)
    if rule is None:
        return None
    try:
        return Identifier(name, identifier_text(value, rule.form, rule.region))
    except InvalidIdentifierError:
        return None


def id_bytes(text: str) -> bytes | None:
    """The bytes of a profile's id; None for what is none."""
    try:
        raw = bytes.fromhex(text)
    except ValueError:
        return None
    return raw if len(text) == ID_DIGITS else None


def stored_profile(row: Any) -> StoredProfile:
    """A profile from its row."""
    return StoredProfile(
        row["id"].hex(),
        from_stored(row["fields"]),
        row["modified"],
        row["health"],
        tuple(row["reasons"]),
        row["component"],
    )


async def _decision_records(connection: Any, part: Part) -> tuple[DecisionRecord, ...]:
    types, values = [each.type for each in part.members], [each.value for each in part.members]
    rows: Sequence[Any] = await connection.fetch(generations.QUERIES["decisions_about"], types, values)
    return tuple(
        DecisionRecord(
            row["id"],
            decision_from(row),
            row["undone_by"] or "",
            0 if row["undone_at"] is None else milliseconds_of(row["undone_at"]),
        )
        for row in rows
    )
