"""A small world for tests: people who do things, and audiences of them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from stored_profiles import Stored

from headwater.audiences import store
from headwater.audiences.filling import Filler
from headwater.audiences.memberships import Memberships
from headwater.audiences.objects import Audience
from headwater.audiences.observer import AudienceObserver
from headwater.audiences.scheduling import FlipScheduler
from headwater.audiences.sizes import add_up, sizes
from headwater.audiences.store import Draft
from headwater.database import migrations
from headwater.database.pool import open_pool
from headwater.pipelines import pipeline_store
from headwater.pipelines.changes import change
from headwater.profiles.compiled_schema import CompiledSchema
from headwater.profiles.schema_file import read_schema
from headwater.profiles.store import generations
from headwater.profiles.store.batch import Arrival, Batch

BEGIN = datetime(2026, 11, 1, tzinfo=UTC)
SCHEMA = CompiledSchema(
    read_schema("""
ranks: [user_id, email, cookie]
event_time: [ts]
message_id: [id]
identifiers:
  user_id: {unique: true}
  email: {form: email, limit: 2}
  cookie: {limit: 3, shared: nobody, alarm: 50}
fields:
  user_id: {is_identifier: true}
  email: {is_identifier: true}
  cookie: {is_identifier: true, type: "[]string"}
  city: {}
  visits: {type: int, mergeop: sum}
  spent: {type: number, mergeop: sum}
  last_visit: {type: date, mergeop: max}
  cities: {type: "[]string"}
mappings:
  - {field: user_id, expr: user_id}
  - {field: email, expr: email}
  - {field: cookie, expr: cookie}
  - {field: city, expr: city}
  - {field: visits, expr: count(id)}
  - {field: spent, expr: spent}
  - {field: last_visit, expr: now()}
  - {field: cities, expr: set(city)}
""")
)


class People:
    """Events in, memberships out. `now` is the clock of everything here; events happen then."""

    def __init__(self, pool: Any, stored: Stored) -> None:
        self.pool = pool
        self.stored = stored
        self.now = BEGIN
        self.messages = 0

    @classmethod
    async def open(cls, url: str) -> People:
        await migrations.migrate(url)
        pool = await open_pool(url, size=6)
        async with change(pool, "test") as made:
            await pipeline_store.create(made, name="Audiences", slug="audiences")
        stored = await Stored.create(url, SCHEMA, [AudienceObserver()])
        async with stored.connection.transaction():
            await generations.make_live(stored.connection, stored.generation.number)
        return cls(pool, stored)

    async def close(self) -> None:
        await self.stored.connection.close()
        await self.pool.close()

    @property
    def generation(self) -> int:
        return self.stored.generation.number

    def clock(self) -> datetime:
        return self.now

    def later(self, **by: float) -> None:
        self.now += timedelta(**by)

    async def do(self, *records: dict[str, Any]) -> None:
        """Events in one batch, each a record; `ago` seconds before now."""
        arrivals = []
        for record in records:
            self.messages += 1
            at = self.now - timedelta(seconds=record.pop("ago", 0))
            document = {"id": f"m{self.messages}", "ts": round(at.timestamp() * 1000), **record}
            arrivals.append(Arrival(self.messages, "event", SCHEMA.effect(document, "web", self.now)))
        await self.stored.builder.apply(self.stored.connection, Batch(tuple(arrivals)), self.now)
        self.now += timedelta(microseconds=1)  # no two transactions happen at one instant

    async def create(self, text: str, slug: str, *, with_events: bool = False, **more: Any) -> Audience:
        async with change(self.pool, "test") as made:
            draft = Draft(segment_ql=text, name=slug, slug=slug, **more)
            return await store.create(made, draft, with_events=with_events)

    async def update(self, audience: Audience, *, with_events: bool = False, **more: Any) -> Audience:
        async with change(self.pool, "test") as made:
            return await store.update(made, audience, Draft(**more), with_events=with_events)

    async def delete(self, audience: Audience) -> None:
        async with change(self.pool, "test") as made:
            await store.delete(made, audience)

    async def fill(self) -> None:
        filler = Filler(self.pool, clock=self.clock)
        while await filler.fill_page():
            pass

    async def flip(self) -> int:
        """Let the scheduler do what is due now."""
        scheduler = FlipScheduler(self.pool, clock=self.clock)
        count = 0
        while asked := await scheduler.ask_due():
            count += asked
        return count

    async def members(self, slug: str) -> set[str]:
        """Who is in an audience: user ids, else cookies."""
        rows = await self.stored.rows(
            "SELECT p.fields FROM {g}.memberships m JOIN {g}.profiles p ON p.id = m.profile_id "
            "WHERE (SELECT number FROM audiences WHERE slug = $1) = ANY(m.audiences)",
            slug,
        )
        return {row["fields"].get("user_id") or row["fields"]["cookie"][0] for row in rows}

    async def sizes(self) -> dict[str, int]:
        """Members by slug."""
        async with self.pool.acquire() as connection:
            counted = await sizes(connection, self.generation)
            numbers = {
                row["number"]: row["slug"] for row in await connection.fetch("SELECT number, slug FROM audiences")
            }
        return {slug: counted.get(number, 0) for number, slug in numbers.items()}

    async def add_up(self) -> None:
        await add_up(self.pool, self.generation)

    async def events(self) -> list[tuple[str, str, str]]:
        """What was announced so far: event, audience, who."""
        rows = await self.pool.fetch("SELECT data FROM outbox ORDER BY id")
        found = []
        for row in rows:
            data = row["data"]
            who = data.get("userId") or data["properties"]["identifiers"]["cookie"][0]
            found.append((data["event"].removeprefix("Audience "), data["properties"]["audience"], who))
        return found

    async def announced(self) -> list[dict[str, Any]]:
        return [row["data"] for row in await self.pool.fetch("SELECT data FROM outbox ORDER BY id")]

    async def profile_id(self, value: str) -> bytes:
        """The profile of an identifier."""
        rows = await self.stored.rows("SELECT profile_id FROM {g}.identifiers WHERE value = $1", value)
        return bytes(rows[0]["profile_id"])

    async def history(self, value: str) -> list[tuple[bool, str, str]]:
        """Entries and exits of the profile of an identifier: entered, cause, clause."""
        found = await Memberships(self.stored.connection, self.generation).history(await self.profile_id(value))
        return [(each.entered, each.reason.cause, each.reason.clause) for each in found]
