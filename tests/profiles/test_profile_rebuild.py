"""Profiles built anew: from a real archive and a real log, beside a worker that goes on."""

import asyncio
import contextlib
from datetime import UTC, datetime

import msgspec
import pytest
from running_profiles import PARTITIONS
from stored_profiles import fingerprint

from headwater.archive.archiver import Archiver
from headwater.archive.stores import FolderStore
from headwater.database.transactions import transaction
from headwater.errors import InputError
from headwater.log import streams
from headwater.pipelines import secrets
from headwater.pipelines.changes import change
from headwater.pipelines.watcher import SnapshotWatcher
from headwater.profiles.erasure.desk import ErasureDesk
from headwater.profiles.identifiers import Identifier
from headwater.profiles.progress import last_sequence
from headwater.profiles.rebuild import rebuilder as rebuilder_module
from headwater.profiles.rebuild.desk import RebuildDesk
from headwater.profiles.rebuild.rebuilder import Rebuilder
from headwater.profiles.schema import Blocked, Field, Mapping
from headwater.profiles.store import generations
from headwater.profiles.versions import version_store
from headwater.settings import ArchiveSettings


@pytest.fixture(autouse=True)
def _quick(monkeypatch):
    monkeypatch.setattr(rebuilder_module, "LOOK_SECONDS", 0.05)


@pytest.fixture
def store(tmp_path):
    return FolderStore(tmp_path / "archive")


@contextlib.asynccontextmanager
async def rebuilding(running, store, companions=(), size=20):
    """The part of the profile role that rebuilds."""
    async with SnapshotWatcher(running.url) as configuration:
        resolver = secrets.resolver(running.settings)
        made = Rebuilder(running.client, running.url, PARTITIONS, configuration, resolver, store, companions, size)
        task = asyncio.create_task(made.run())
        yield task
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def archive(running, store):
    """Archive everything that is in the log, and let the log forget it."""
    archiver = Archiver(running.client, running.pool, store, ArchiveSettings(idle_seconds=0.01, cut_seconds=0.01))
    working = asyncio.create_task(archiver.run())
    last = await last_sequence(running.client)
    async with asyncio.timeout(30):
        while archiver.position < last:
            await asyncio.sleep(0.05)
    working.cancel()
    await asyncio.gather(working, return_exceptions=True)
    await running.client.jsm().purge_stream(streams.MAIN)


async def ended(desk, seconds=60):
    """The rebuild when it is over."""
    async with asyncio.timeout(seconds):
        while (found := await desk.status()) is not None and found.state == "building":
            await asyncio.sleep(0.05)
    return found


def records(count, start=0):
    """Visits of ten people who have two browsers each, and names that change."""
    return [
        {
            **({"user_id": f"u{n % 10}"} if n % 3 else {}),
            "anonymous_id": f"a{n % 20}",
            "city": f"city {n}",
            "_ts": 1_790_000_000_000 + n,
        }
        for n in range(start, start + count)
    ]


async def live_number(running):
    async with transaction(running.pool) as database:
        return (await generations.live(database)).number


async def publish(running, **changed):
    """Publish the live schema with changes."""
    async with change(running.pool, "test") as made:
        schema = msgspec.structs.replace((await version_store.live(made.connection)).schema, **changed)
        return await version_store.publish(made, schema, tag="next", description="a change for this test")


async def test_what_is_built_anew_equals_what_was_live(running, store):
    """Half of it from the archive, which alone has it, and half from the log: every profile, fragment, component and message is the same."""
    desk = RebuildDesk(running.pool)
    async with running.worker(), rebuilding(running, store):
        await running.post(*records(100))
        await running.until("_num_events", [10] * 10)
        await archive(running, store)
        await running.post(*records(100, start=100))
        await running.until("_num_events", [20] * 10)
        before = await desk.start("test")
        assert (before.state, before.done) == ("building", 0)
        found = await ended(desk)
        assert (found.state, found.done) == ("live", found.total)
        async with transaction(running.pool) as database:
            assert await fingerprint(database, 2) == await fingerprint(database, 1)
            assert (await generations.live(database)).number == 2
        await running.post(*records(10, start=200))
        await running.until("_num_events", [21] * 10)


async def test_a_version_that_waits_is_built_and_goes_live(running, store):
    """A browser that identifies nobody any more, and a field that old records fill: both hold for all history."""
    async with running.worker(), rebuilding(running, store):
        await running.post({"user_id": "u1", "anonymous_id": "a1", "shoe": "41"}, {"anonymous_id": "a1", "shoe": "42"})
        await running.until("_num_events", [2])
        await archive(running, store)
        async with transaction(running.pool) as database:
            schema = (await version_store.live(database)).schema
        published = await publish(
            running,
            fields=(*schema.fields, Field("shoe", "string")),
            mappings=(*schema.mappings, Mapping("shoe", "shoe", "default")),
            blocked=Blocked(values={"anonymous_id": ("a1",)}),
        )
        assert published.summary.state == "waiting"
        desk = RebuildDesk(running.pool)
        await desk.start("test")
        assert (await ended(desk)).schema_version == str(published.number)
        assert await running.fields("shoe") == ["41"]
        assert await running.fields("_num_events") == [1]
        async with transaction(running.pool) as database:
            assert (await version_store.live(database)).number == published.number
            assert (await generations.live(database)).schema_version == str(published.number)


async def test_live_traffic_goes_on_and_nothing_is_lost_or_doubled(running, store):
    """Records come in all the time, before, while and after it switches over; each counts once."""
    desk = RebuildDesk(running.pool)
    sent = 0
    async with running.worker(), running.worker(), rebuilding(running, store):
        await running.post(*records(200))
        sent += 200
        await running.until("_num_events", [20] * 10)
        await archive(running, store)
        await desk.start("test")
        while (await desk.status()).state == "building" or sent < 400:
            await running.post(*records(10, start=sent))
            sent += 10
            await asyncio.sleep(0.02)
        await running.post(*records(10, start=sent))
        sent += 10
        await running.until("_num_events", [sent // 10] * 10)
        assert await live_number(running) == 2
    rows = await running.rows("SELECT count(*) AS messages FROM {g}.messages")
    assert rows[0]["messages"] == sent


async def test_interrupted_it_goes_on(running, store):
    """The process is gone in the middle; the next one begins where the last transaction ended, and the result is the same."""
    await running.post(*records(2000))
    async with running.worker():
        await running.until("_num_events", [200] * 10)
    desk = RebuildDesk(running.pool)
    await desk.start("test")
    async with rebuilding(running, store, size=10) as task:
        async with asyncio.timeout(30):
            while (await desk.status()).done < 100:
                await asyncio.sleep(0.01)
        task.cancel()
    left = await desk.status()
    assert left.state == "building"
    assert 100 <= left.done < 2000
    async with rebuilding(running, store, size=200):
        assert (await ended(desk)).state == "live"
    async with transaction(running.pool) as database:
        assert await fingerprint(database, 2) == await fingerprint(database, 1)


async def test_who_was_deleted_stays_away(running, store):
    """Deleted before the rebuild, and deleted in the middle of it: nothing of them is in the new profiles, and later records count."""

    async def last():
        return await last_sequence(running.client)

    await running.post(*records(400))
    async with running.worker():
        await running.until("_num_events", [40] * 10)
    eraser = ErasureDesk(running.pool, last)
    await eraser.erase("test", Identifier("user_id", "u1"))
    desk = RebuildDesk(running.pool)
    await desk.start("test")
    async with rebuilding(running, store, size=10) as task:
        async with asyncio.timeout(30):
            while (await desk.status()).done < 100:
                await asyncio.sleep(0.01)
        task.cancel()
    await eraser.erase("test", Identifier("user_id", "u2"))
    await running.post({"user_id": "u2", "city": "Oslo"})
    async with running.worker(), rebuilding(running, store):
        await ended(desk)
        await running.until("user_id", [f"u{n}" for n in range(10) if n != 1])
    (row,) = await running.rows("SELECT fields FROM {g}.profiles WHERE fields->>'user_id' = 'u2'")
    assert (row["fields"]["city"], row["fields"]["_num_events"]) == ("Oslo", 1)


async def test_one_at_a_time_and_it_can_be_given_up(running, store):
    """A second one is refused; given up, nothing is left of it, and the next one has a number of its own."""
    desk = RebuildDesk(running.pool)
    with pytest.raises(InputError, match="no rebuild is under way"):
        await desk.cancel("test")
    await desk.start("test")
    with pytest.raises(InputError, match="a rebuild is under way"):
        await desk.start("test")
    assert (await desk.cancel("test")).state == "cancelled"
    async with transaction(running.pool) as database:
        assert [each.number for each in await generations.every(database)] == [1]
    assert (await desk.start("test")).generation == 3


async def test_what_was_replaced_is_dropped_after_a_while(running, store, monkeypatch):
    """Not at once, because somebody may be reading it."""
    monkeypatch.setattr(rebuilder_module, "KEEP_SECONDS", 1.0)
    desk = RebuildDesk(running.pool)
    async with running.worker(), rebuilding(running, store):
        await running.post(*records(10))
        await running.until("_num_events", [1] * 10)
        await desk.start("test")
        finished = (await ended(desk)).finished_at
        async with asyncio.timeout(20):
            while True:
                async with transaction(running.pool) as database:
                    if [each.number for each in await generations.every(database)] == [2]:
                        break
                await asyncio.sleep(0.05)
        assert (datetime.now(UTC) - finished).total_seconds() >= 1.0
