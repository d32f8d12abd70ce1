"""Profiles that are built from a real log into a real database, for tests."""

import asyncio
import contextlib

from headwater import jsontext
from headwater.database import migrations
from headwater.database.pool import open_pool
from headwater.database.transactions import transaction
from headwater.events import RecordMeta
from headwater.log import connection, streams
from headwater.log.records import encode_event, encode_stream_record
from headwater.log.writer import LogWriter
from headwater.pipelines import bootstrap, secrets
from headwater.pipelines.watcher import SnapshotWatcher
from headwater.profiles.store import generations
from headwater.profiles.versions import version_store
from headwater.profiles.worker import ProfileWorker
from headwater.settings import LogSettings, Settings

PARTITIONS = 4


class Running:
    """A log, a database, and workers that can be started and ended."""

    def __init__(self, client, url, pool, writer, settings):
        self.client, self.url, self.pool, self.writer, self.settings = client, url, pool, writer, settings
        self.sent = 0

    @contextlib.asynccontextmanager
    async def worker(self, observers=tuple):
        stop = asyncio.Event()
        async with SnapshotWatcher(self.url) as configuration:
            worker = ProfileWorker(
                self.client, self.url, PARTITIONS, configuration, secrets.resolver(self.settings), observers
            )
            task = asyncio.create_task(worker.run(stop))
            yield worker
            stop.set()
            await task

    async def post(self, *records, stream="default"):
        """Records through a Lytics door."""
        encoded = []
        for data in records:
            self.sent += 1
            user = str(data.get("user_id", self.sent))
            meta = RecordMeta("stream", stream, f"m{self.sent}", user, "2026-11-23T10:00:00.000Z")
            encoded.append(encode_stream_record(stream, meta, jsontext.encode(data), PARTITIONS))
        await self.writer.append(encoded)

    async def track(self, pipeline, user):
        """An event of a pipeline."""
        self.sent += 1
        data = {"type": "track", "event": "Tested", "userId": user, "messageId": f"m{self.sent}"}
        meta = RecordMeta("event", pipeline, f"m{self.sent}", user, "2026-11-23T10:00:00.000Z")
        await self.writer.append([encode_event(pipeline, meta, jsontext.encode(data), PARTITIONS)])

    async def fields(self, name):
        """The values of a field in all profiles."""
        return sorted(row["fields"].get(name) for row in await self.rows("SELECT fields FROM {g}.profiles"))

    async def rows(self, sql):
        """Rows of the live generation."""
        async with transaction(self.pool) as database:
            generation = await generations.live(database)
            return await database.fetch(sql.replace("{g}", generation.namespace))

    async def until(self, name, expected, seconds=40):
        """Wait until the values of a field are as expected."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while await self.fields(name) != expected:
                    await asyncio.sleep(0.05)
        assert await self.fields(name) == expected


@contextlib.asynccontextmanager
async def opened(database_url, nats_url, folder):
    """A prepared install without any process."""
    settings = Settings(data_folder=str(folder))
    await migrations.migrate(database_url)
    pool = await open_pool(database_url)
    await bootstrap.create_defaults(pool, secrets.open_box(settings))
    await version_store.ensure_first(pool)
    async with transaction(pool) as database:
        await generations.ensure_first(database, (await version_store.live(database)).schema)
    client = await connection.connect(nats_url, "test")
    await streams.ensure(client, LogSettings(partitions=PARTITIONS, dedup_window_seconds=60))
    writer = LogWriter(client)
    writing = asyncio.create_task(writer.run())
    yield Running(client, database_url, pool, writer, settings)
    writing.cancel()
    await connection.close(client)
    await pool.close()
