"""Delete a person: one transaction for all that profiles are; log, archive and copies follow (`sweeper`).

While it runs nobody builds profiles. What had come in for the person but was not in profiles yet is passed over when it is read
(`past`), and so is the person's past when profiles are built anew.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import msgspec

from headwater.database.transactions import transaction
from headwater.errors import InputError
from headwater.expressions.stored import from_stored
from headwater.pipelines.changes import QUERIES as AUDIT
from headwater.profiles.compiled_schema import CompiledSchema
from headwater.profiles.erasure.past import QUERIES, forget_records
from headwater.profiles.erasure.removal import Removal, remove
from headwater.profiles.identifiers import Identifier
from headwater.profiles.observers import ProfileDelta, ProfileObserver
from headwater.profiles.profile_ids import fragment_id
from headwater.profiles.store import generations
from headwater.profiles.store.builder import Builder
from headwater.profiles.store.generations import Generation, namespace_of
from headwater.profiles.store.tables import Tables

LastSequence = Callable[[], Awaitable[int]]
"""Asks for the sequence of the last record in the log."""


class Erasure(msgspec.Struct, frozen=True):
    """A deletion. `complete`: nothing of what it was to reach is left anywhere."""

    id: UUID
    requested_at: datetime
    complete: bool


class ErasureDesk:
    """Where deletions are asked for. `actor` is who does it, as the audit log shows it."""

    def __init__(self, pool: Any, last_sequence: LastSequence, observers: Sequence[ProfileObserver] = ()) -> None:
        self._pool = pool
        self._last_sequence = last_sequence
        self._observers = tuple(observers)

    async def erase(
        self, actor: str, identifier: Identifier, *, with_conflicts: bool = False, records_too: bool = True
    ) -> Erasure:
        """Delete the profile of an identifier, known or not; what comes in from now on is new.

        `with_conflicts`: also what conflicts keep outside of it. `records_too` False leaves the records in log and archive.
        Raises as `transaction` does, and what asking the log raises.
        """
        async with transaction(self._pool) as connection:
            await connection.execute(generations.QUERIES["own_decisions"])
            until = await self._last_sequence()  # not before: nothing after it is in profiles
            secret = await generations.secret(connection)
            erasure = await connection.fetchval(QUERIES["insert_erasure"], records_too, until, actor)
            going, sequences = {identifier}, set[int]()
            for generation in await generations.every(connection):
                if generation.state != "retired":
                    # Who watches is told of the live generation alone.
                    observers = self._observers if generation.state == "live" else ()
                    work = _Work(connection, generation, secret, observers)
                    members, records = await work.erase(identifier, with_conflicts=with_conflicts)
                    going |= members
                    sequences |= records
            await _forget_words(connection, going)
            ids = [_id(each, secret) for each in going]
            await connection.execute(QUERIES["erase_identifiers"], ids, erasure, until, records_too)
            await _forget_announcements(connection, erasure, going, ids)
            if records_too:
                await forget_records(connection, {erasure: sorted(sequences)})
            told = {"identifiers": len(going), "records": len(sequences), "records_too": records_too}
            await connection.execute(AUDIT["insert_audit"], actor, "profile deleted", f"deletion {erasure}", None, told)
        return await self.status(erasure)

    async def status(self, erasure: UUID) -> Erasure:
        """How far a deletion is. Raises InputError with the code "not_found"."""
        async with transaction(self._pool) as connection:
            row = await connection.fetchrow(QUERIES["erasure"], erasure)
            if row is None:
                raise InputError(f"there is no deletion {erasure}", "request_id", "not_found")
        return Erasure(erasure, row["requested_at"], row["completed_at"] is not None)


async def _forget_announcements(
    connection: Any, erasure: UUID, going: Iterable[Identifier], ids: Sequence[bytes]
) -> None:
    """Take events of our own about the person back that nobody has begun to send, and write down what is to be looked for."""
    profiles = [each.hex() for each in ids]
    await connection.execute(QUERIES["forget_outbox"], profiles)
    being_sent = [row["message_id"] for row in await connection.fetch(QUERIES["events_being_sent"], profiles)]
    await connection.execute(QUERIES["forget_observed"], [each.value for each in going if each.value])
    traces = [
        *(("identifier", each.type, each.value) for each in going),
        *(("profile", "", each) for each in profiles),
        *(("message", "", each) for each in being_sent),
    ]
    await connection.execute(QUERIES["insert_traces"], erasure, *map(list, zip(*traces, strict=True)))


async def _forget_words(connection: Any, going: Iterable[Identifier]) -> None:
    """What people said about these identifiers."""
    ends = sorted(going)
    await connection.execute(QUERIES["forget_decisions"], [each.type for each in ends], [each.value for each in ends])
    await connection.execute(generations.QUERIES["decisions_changed"])


class _Work:
    """A deletion in one generation, in the caller's transaction, which keeps builders waiting."""

    def __init__(
        self, connection: Any, generation: Generation, secret: bytes, observers: Sequence[ProfileObserver]
    ) -> None:
        self._connection = connection
        self._generation = generation
        self._secret = secret
        self._observers = observers
        self._tables = Tables(connection, generation.number)

    async def erase(self, identifier: Identifier, *, with_conflicts: bool) -> tuple[set[Identifier], set[int]]:
        """Delete; the identifiers that went, and the records that had been applied to them."""
        place = await self._connection.fetchrow(self._sql("place_of"), _id(identifier, self._secret))
        if place is None:
            return set(), set()
        number = place["component"]
        stored = await self._tables.lock_components([number])
        removal = remove(stored[number], identifier, with_conflicts=with_conflicts)
        ids = [_id(each, self._secret) for each in removal.going]
        records = {row["sequence"] for row in await self._connection.fetch(self._sql("records_of"), ids)}
        await self._tell(removal)
        await self._forget(removal, number, ids)
        await self._settle_rest(removal)
        return set(removal.going), records

    async def _forget(self, removal: Removal, number: int, ids: list[bytes]) -> None:
        for statement in ("forget_messages", "forget_fragments"):
            await self._connection.execute(self._sql(statement), ids)
        texts = [each.value for each in removal.going if each.value]
        await self._connection.execute(self._sql("forget_examples"), texts)
        if removal.left is not None and removal.left.alarmed:
            return
        for statement in ("forget_identifiers", "forget_borders"):
            await self._connection.execute(self._sql(statement), ids)
        if removal.left is None:
            await self._tables.delete_components([number])
        else:
            await self._tables.write_components([(number, removal.left)])

    async def _settle_rest(self, removal: Removal) -> None:
        """Decide anew about whoever stays: a conflict may be gone with its other end."""
        if removal.left is None or removal.left.alarmed:
            return
        schema = CompiledSchema(self._generation.schema)
        builder = Builder(self._generation, schema, self._secret, self._observers)
        await builder.decide_again(self._connection, removal.left.seen, datetime.now(UTC))

    async def _tell(self, removal: Removal) -> None:
        """Observers learn that the profiles are gone, before they are."""
        ids = [_id(part.founder, self._secret) for part in removal.parts]
        fields = await self._tables.fields_of(ids)
        deltas = [
            ProfileDelta(each, (each,), from_stored(fields[each]), None, frozenset(fields[each]))
            for each in ids
            if each in fields
        ]
        await self._tables.delete_profiles(ids)
        for observer in self._observers:
            await observer.observe(self._connection, self._generation.number, deltas, datetime.now(UTC))

    def _sql(self, name: str) -> str:
        return _statement(name, self._generation.number)


def _statement(name: str, generation: int) -> str:
    return QUERIES[name].replace("{namespace}", namespace_of(generation))


def _id(identifier: Identifier, secret: bytes) -> bytes:
    return bytes.fromhex(fragment_id(identifier, secret))
