"""Events of our own get into the log exactly once."""

import asyncio
from datetime import timedelta

import pytest
from running_profiles import PARTITIONS, Running

from headwater.database.pool import open_connection
from headwater.log import reader, streams
from headwater.pipelines import pipeline_store
from headwater.pipelines.changes import change
from headwater.profiles.outbox import OutboxRelay


@pytest.fixture
async def outbox(running: Running):  # the fixture above
    async with change(running.pool, "test") as made:
        running.pipeline = (await pipeline_store.create(made, name="Audiences", slug="audiences")).id
    running.connection = await open_connection(running.url)
    running.relay = OutboxRelay(running.client, running.writer, running.url, PARTITIONS, 60)
    yield running
    await running.connection.close()


async def put(outbox, message_id):
    await outbox.connection.execute(
        "INSERT INTO outbox (pipeline_id, message_id, user_key, data) VALUES ($1, $2, 'u', $3)",
        outbox.pipeline,
        message_id,
        {"type": "track", "event": "Tested", "messageId": message_id},
    )


async def logged(outbox):
    query = reader.Query(kind="event", source=outbox.pipeline)
    return [found.record.meta.message_id async for found in reader.read(outbox.client, query)]


async def test_rows_are_sent_in_order_and_deleted(outbox):
    """And a relay that died before deleting sends them again without any effect."""
    for number in range(3):
        await put(outbox, f"m{number}")
    rows = await outbox.connection.fetch("SELECT * FROM outbox")
    assert await outbox.relay.relay(outbox.connection) == 3
    await outbox.connection.executemany(
        "INSERT INTO outbox (pipeline_id, message_id, user_key, data, attempted_at) VALUES ($1, $2, $3, $4, now())",
        [(row["pipeline_id"], row["message_id"], row["user_key"], row["data"]) for row in rows],
    )
    await outbox.relay.relay(outbox.connection)
    assert await logged(outbox) == ["m0", "m1", "m2"]
    assert await outbox.connection.fetchval("SELECT count(*) FROM outbox") == 0


async def test_what_was_sent_before_the_window_is_looked_up(outbox):
    """The log forgot that it had the message, so the relay looks for it; what is not there is sent."""
    await put(outbox, "m0")
    await outbox.relay.relay(outbox.connection)
    await outbox.client.jsm().update_stream(
        (await outbox.client.jsm().stream_info(streams.MAIN)).config.evolve(duplicate_window=0.1)
    )
    await asyncio.sleep(0.3)
    await put(outbox, "m0")
    await put(outbox, "m1")
    await outbox.connection.execute("UPDATE outbox SET attempted_at = now() - $1::interval", timedelta(seconds=50))
    await outbox.relay.relay(outbox.connection)
    assert await logged(outbox) == ["m0", "m1"]


async def test_a_merge_is_an_event(outbox):
    """With the id as it is now, and those that it was made of."""
    async with outbox.worker():
        await outbox.post({"user_id": "u1"}, {"anonymous_id": "a1"})
        await outbox.until("_num_events", [1, 1])
        await outbox.post({"user_id": "u1", "anonymous_id": "a1"})
        await outbox.until("_num_events", [3])
    await outbox.relay.relay(outbox.connection)
    query = reader.Query(kind="event", source=outbox.pipeline)
    (event,) = [found.record.data async for found in reader.read(outbox.client, query)]
    assert event["event"] == "Profile Merged"
    assert event["properties"]["profile_id"] in event["properties"]["former_ids"]
    assert len(event["properties"]["former_ids"]) == 2


async def test_a_row_that_is_taken_back_while_it_is_read_is_not_sent(outbox):
    """The relay reads it, waits for whoever deletes it, finds it gone when it marks it, and sends only the other."""
    for number in range(2):
        await put(outbox, f"m{number}")
    deleting = await open_connection(outbox.url)
    transaction = deleting.transaction()
    await transaction.start()
    await deleting.execute("DELETE FROM outbox WHERE message_id = 'm0'")
    relaying = asyncio.create_task(outbox.relay.relay(outbox.connection))
    async with asyncio.timeout(10):
        while not await deleting.fetchval("SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted)"):
            await asyncio.sleep(0.02)
    await transaction.commit()
    await relaying
    await deleting.close()
    assert await logged(outbox) == ["m1"]


async def test_the_relay_is_called_when_a_row_is_committed(outbox, monkeypatch):
    """Nobody waits for its next look."""
    monkeypatch.setattr("headwater.profiles.outbox.LOOK_SECONDS", 60)
    relaying = asyncio.create_task(outbox.relay.run())
    await asyncio.sleep(0.5)  # it has looked, and found nothing
    await put(outbox, "m0")
    async with asyncio.timeout(10):
        while await logged(outbox) != ["m0"]:
            await asyncio.sleep(0.02)
    relaying.cancel()
