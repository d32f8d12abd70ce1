"""A generation in a real database for tests: apply effects in batches, and see what is stored."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime

from profile_evidence import AT

from headwater.database.pool import open_connection
from headwater.profiles.merging import canonical_bytes
from headwater.profiles.store import generations
from headwater.profiles.store.batch import Arrival, Batch
from headwater.profiles.store.bodies import fragment_from
from headwater.profiles.store.builder import Builder

MOMENT = datetime.fromtimestamp(AT / 1000, UTC)


class Stored:
    """One empty generation of a schema, its builder, and a connection."""

    @classmethod
    async def create(cls, url, schema, observers=()):
        self = cls()
        self.url, self.schema, self.observers = url, schema, observers
        self.connection = await open_connection(url)
        async with self.connection.transaction():
            self.generation = await generations.create(self.connection, schema.schema)
        self.secret = await generations.secret(self.connection)
        self.builder = self.new_builder()
        self.sequence = 0
        return self

    def new_builder(self):
        return Builder(self.generation, self.schema, self.secret, self.observers)

    async def apply(self, *effects):
        arrivals = []
        for effect in effects:
            self.sequence += 1
            arrivals.append(Arrival(self.sequence, "event", effect))
        return await self.builder.apply(self.connection, Batch(tuple(arrivals)), MOMENT)

    async def rows(self, sql, *arguments):
        return await self.connection.fetch(sql.replace("{g}", self.generation.namespace), *arguments)

    async def documents(self):
        """Every profile as bytes, by its id."""
        rows = await self.rows("SELECT id, fields - '_health' AS fields FROM {g}.profiles")
        return {row["id"].hex(): canonical_bytes(row["fields"]) for row in rows}


async def fingerprint(connection, generation):
    """One text for all profiles, fragments, components and messages of a generation, whatever order they came in."""
    digest = hashlib.sha256()
    for query, shown in (
        ("SELECT id, fields, health FROM {g}.profiles ORDER BY id", lambda row: canonical_bytes(row["fields"])),
        ("SELECT id, slot, body FROM {g}.fragments ORDER BY id, slot", lambda row: fragment_text(row["body"])),
        ("SELECT id, profile_id FROM {g}.identifiers ORDER BY id", lambda row: row["profile_id"]),
        ("SELECT key AS id FROM {g}.messages ORDER BY key", lambda row: b""),
        ("SELECT body AS id FROM {g}.components ORDER BY body", lambda row: b""),
    ):
        for row in await connection.fetch(query.replace("{g}", generations.namespace_of(generation))):
            digest.update(str(row["id"]).encode() + shown(row))
    return digest.hexdigest()


def fragment_text(body):
    fragment = fragment_from(body)
    return canonical_bytes(
        [dict(fragment.fields), fragment.events, fragment.first, fragment.last, dict(fragment.streams), fragment.days]
    )
