"""An install without its roles: migrated database, fresh streams, and the settings that lead commands there."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from nats.aio.client import Client

from headwater.database import migrations
from headwater.database.pool import open_pool
from headwater.events import RecordMeta
from headwater.log import connection, streams
from headwater.log.records import encode_event, encode_stream_record
from headwater.log.writer import LogWriter
from headwater.pipelines import deployment_store, integration_store, pipeline_store
from headwater.pipelines.changes import change
from headwater.pipelines.objects import Integration, Pipeline, RevisionContent
from headwater.routing.dead_letters import DeadLetter, DeadLetterStore
from headwater.settings import LogSettings

MOMENT = datetime(2026, 3, 1, 12, tzinfo=UTC).timestamp()


class Install(NamedTuple):
    """A log and a database with the pipeline `web` that delivers to the integration `crm`."""

    client: Client
    pool: Any
    writer: LogWriter
    pipeline: Pipeline
    integration: Integration

    async def append(self, message_id: str, data: bytes, user: str = "u") -> None:
        """Put an event of the pipeline into the log."""
        meta = RecordMeta("event", self.pipeline.id, message_id, user, "2026-03-01T12:00:00.000Z")
        await self.writer.append([encode_event(self.pipeline.id, meta, data, 4)])

    async def append_to_stream(self, stream: str, message_id: str, data: bytes) -> None:
        """Put a record of a Lytics stream into the log."""
        meta = RecordMeta("stream", stream, message_id, "u", "2026-03-01T12:00:00.000Z")
        await self.writer.append([encode_stream_record(stream, meta, data, 4)])

    async def bury(self, message_id: str, reason: str = "HTTP 400", integration_id: str | None = None) -> None:
        """Keep a dead letter."""
        record = b'{"meta":{"kind":"event","source":"p","message_id":"%s","user_key":"u","received_at":"r"},'
        letter = DeadLetter(
            message_id=message_id,
            piece=0,
            revision=1,
            reason=reason,
            attempts=2,
            first_seen=MOMENT,
            failed_at=MOMENT + 60,
            record=record % message_id.encode() + b'"data":{"total":12345678901234567890.10}}',
            request={"method": "POST", "url": "https://crm.example/v1"},
            reply={"status": 400, "body": "[bad] phone"},
        )
        owner = self.integration.id if integration_id is None else integration_id
        await DeadLetterStore(self.pool).add(self.pipeline.id, owner, [letter])

    async def queued(self) -> int:
        """How many records wait to be sent again."""
        return next(found.messages for found in await streams.report(self.client) if found.name == streams.REPLAYS)


@pytest.fixture
async def install(
    nats_url: str, database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Install]:
    """The parts of an install that the log's commands reach."""
    monkeypatch.setenv("HEADWATER_NATS_URL", nats_url)
    monkeypatch.setenv("HEADWATER_DATABASE_URL", database_url)
    monkeypatch.setenv("HEADWATER_DATA_FOLDER", str(tmp_path))
    await migrations.migrate(database_url)
    client = await connection.connect(nats_url, "test")
    await streams.ensure(client, LogSettings(partitions=4))
    pool = await open_pool(database_url, size=2)
    async with change(pool, "test") as made:
        created = await pipeline_store.create(made, name="Web", slug="web")
        await pipeline_store.add_write_key(made, created, "wk_web")
        pipeline = await pipeline_store.find(made.connection, created.id)
        integration = await integration_store.create(made, name="CRM", slug="crm")
        await integration_store.save(made, integration, RevisionContent(kit="crm", texts={}))
        await deployment_store.attach(made, pipeline, integration)
    writer = LogWriter(client)
    writing = asyncio.create_task(writer.run())
    yield Install(client, pool, writer, pipeline, integration)
    writing.cancel()
    await pool.close()
    await connection.close(client)


@pytest.fixture
def output(
    capfdbinary: pytest.CaptureFixture[bytes], monkeypatch: pytest.MonkeyPatch
) -> Callable[[Awaitable[None]], Awaitable[str]]:
    """Runs a command and gives what it printed."""
    monkeypatch.setenv("COLUMNS", "250")

    async def run(command: Awaitable[None]) -> str:
        capfdbinary.readouterr()
        await command
        return capfdbinary.readouterr().out.decode()

    return run
