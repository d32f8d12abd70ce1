"""From the log into profiles: a real NATS, a real PostgreSQL, and a worker between them."""

import asyncio
import random
from datetime import UTC, datetime

from running_profiles import PARTITIONS
from stored_profiles import fingerprint

from headwater.database.transactions import transaction
from headwater.integrations import library
from headwater.log import reader
from headwater.pipelines import deployment_store, integration_store, pipeline_store
from headwater.pipelines.changes import change
from headwater.pipelines.objects import RevisionContent
from headwater.profiles.compiled_schema import CompiledSchema
from headwater.profiles.plan import subjects_of
from headwater.profiles.preparation import LogRecord, Preparer
from headwater.profiles.progress import BuildingProgress
from headwater.profiles.store import generations
from headwater.profiles.store.batch import Batch
from headwater.profiles.store.builder import Builder


async def test_records_of_the_lytics_doors_become_profiles(running):
    """With nothing to set up; nested objects are read by their dotted names."""
    async with running.worker():
        await running.post({"user_id": "u1", "city": "Oslo"}, {"user_id": "u2", "user": {"city": "Rome"}})
        await running.until("user_id", ["u1", "u2"])


async def test_a_new_worker_goes_on_where_the_last_one_ended(running):
    """Nothing is counted twice and nothing is left out."""
    await running.post(*({"user_id": f"u{n}"} for n in range(30)))
    async with running.worker():
        await running.until("_num_events", [1] * 30)
    await running.post(*({"user_id": f"u{n}"} for n in range(30)))
    async with running.worker():
        await running.until("_num_events", [2] * 30)


async def test_a_record_that_cannot_be_read_stops_nobody(running):
    """It is counted with its reason, and those behind it become profiles."""
    await running.client.jetstream().publish("hw.stream.default.1", b'{"meta":{"kind":"stream"},"data":{}}')
    await running.post({"user_id": "u1", "city": "a\0b"})
    async with running.worker():
        await running.until("city", ["a\ufffdb"])
    rows = await running.rows("SELECT reason FROM {g}.drops WHERE kind = 'record'")
    assert [row["reason"] for row in rows] == ["not a record"]


class Choosy:
    """An observer that breaks on one profile."""

    async def observe(self, connection, generation, deltas, now):
        if any(delta.after is not None and delta.after.get("city") == "Nowhere" for delta in deltas):
            raise ValueError("cannot be told")


async def test_a_message_that_breaks_the_transaction_is_left_out_alone(running):
    """The batch is cut until the one at fault is found; it is counted with its reason, and positions go on."""
    await running.post(*({"user_id": f"u{n}", "city": "Nowhere" if n == 7 else "Oslo"} for n in range(20)))
    async with running.worker(lambda: [Choosy()]):
        await running.until("city", ["Oslo"] * 19)
        await running.post({"user_id": "u20", "city": "Oslo"})
        await running.until("city", ["Oslo"] * 20)
    rows = await running.rows("SELECT reason, count FROM {g}.drops WHERE kind = 'record'")
    assert [tuple(row) for row in rows] == [("fault: ValueError", 1)]


async def test_workers_that_race_for_the_same_people_agree(running):
    """Two workers over the partitions, and lanes in each, join the same profiles at once: what they make is what one makes."""
    chance = random.Random(4)  # noqa: S311  # the same records in every run
    records = []
    for number in range(600):
        person = chance.randrange(12)
        # The partition follows the first of these that is there, so the events of one person are everywhere.
        ends = [
            {"user_id": f"u{person}"},
            {"anonymous_id": f"a{person}-{chance.randrange(3)}"},
            {"email": f"p{person}@x.io"},
        ]
        record = {key: value for end in chance.sample(ends, chance.randrange(1, 4)) for key, value in end.items()}
        records.append({**record, "_ts": 1_790_000_000_000 + number, "city": chance.choice(["Oslo", "Rome", "Bonn"])})
    async with running.worker(), running.worker():
        for start in range(0, len(records), 40):
            await running.post(*records[start : start + 40])
        async with asyncio.timeout(60):
            while sum(each for each in await running.fields("_num_events")) < len(records):
                await asyncio.sleep(0.1)
    async with transaction(running.pool) as database:
        live = await generations.live(database)
        other = await generations.create(database, live.schema)
        schema = CompiledSchema(live.schema)
        builder = Builder(other, schema, await generations.secret(database))
        read = [
            LogRecord(found.sequence, 0, found.stored_at, found.payload)
            async for found in reader.read(running.client, reader.Query())
        ]
        await builder.apply(database, Batch(tuple(Preparer(schema, {}).prepare(read).arrivals)), datetime.now(UTC))
        assert await fingerprint(database, live.number) == await fingerprint(database, other.number)


async def test_events_of_a_pipeline_with_profiles_attached_become_profiles(running):
    """From the moment of attaching on, also those that other partitions passed long ago; other pipelines' events do not."""
    async with change(running.pool, "test") as made:
        attached = await pipeline_store.create(made, name="Shop", slug="shop")
        integration = await integration_store.create(made, name="Profiles", slug="built-in")
        content = RevisionContent(kit="profiles", texts=library.texts("profiles"))
        await integration_store.save(made, integration, content, "test")
    other = await pipeline_store.find(running.pool, "default")
    async with running.worker():
        await running.track(attached.id, "early")
        await running.post({"user_id": "u0"})
        await running.until("user_id", ["u0"])
        async with change(running.pool, "test") as made:
            await deployment_store.attach(made, attached, integration)
        await running.track(attached.id, "u1")
        await running.track(other.id, "u2")
        await running.until("user_id", ["u0", "u1"])
    (row,) = await running.rows("SELECT fields FROM {g}.profiles WHERE fields->>'user_id' = 'u1'")
    assert row["fields"]["events"] == {"Tested": 1}


async def test_all_positions_come_to_the_end_of_the_log(running):
    """Also those of partitions without records, and of a worker that has none to do: who waits for the lowest one is served."""
    progress = BuildingProgress(running.pool, running.client)
    async with running.worker(), running.worker():
        while len(await running.rows("SELECT partition FROM {g}.positions")) < PARTITIONS:
            await asyncio.sleep(0.05)
        await running.post({"user_id": "ann", "city": "Oslo"})
        assert await progress.caught_up(20)
        await running.track("a pipeline without profiles", "ben")
        assert await progress.caught_up(20)
    assert await running.fields("city") == ["Oslo"]


def test_of_events_only_those_that_become_profiles_are_asked_for():
    """By pipeline, and by partition if not all are wanted; with too many names all events are."""
    every = frozenset(range(4))
    assert subjects_of(every, 4, {"shop"}) == ["hw.stream.>", "hw.event.shop.*"]
    assert subjects_of(every, 4, set()) == ["hw.stream.>"]
    assert subjects_of(frozenset({1}), 4, {"b", "a"}) == ["hw.stream.*.1", "hw.event.a.1", "hw.event.b.1"]
    assert subjects_of(every, 4, {str(n) for n in range(65)}) == ["hw.event.>", "hw.stream.>"]
