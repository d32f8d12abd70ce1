"""What a returned `append` promises, with a real NATS server."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from nats.aio.client import Client

from headwater.engines import endpoints, nats_server
from headwater.engines.processes import RunningProcess
from headwater.errors import InputError, UnavailableError
from headwater.events import RecordMeta
from headwater.log import connection, reader, streams
from headwater.log.records import EncodedRecord, encode_event
from headwater.log.writer import LogWriter
from headwater.settings import LogSettings, Settings


def _record(message_id: str, user: str = "u", size: int = 0) -> EncodedRecord:
    meta = RecordMeta("event", "p1", message_id, user, "2026-01-01T00:00:00.000Z")
    return encode_event("p1", meta, b'{"messageId":"%s","x":"%s"}' % (message_id.encode(), b"x" * size), partitions=4)


@pytest.fixture
async def client(nats_url: str) -> AsyncIterator[Client]:
    opened = await connection.connect(nats_url, "test")
    await streams.ensure(opened, LogSettings(partitions=4, dedup_window_seconds=60))
    yield opened
    await connection.close(opened)


@pytest.fixture
async def writer(client: Client) -> AsyncIterator[LogWriter]:
    opened = LogWriter(client)
    task = asyncio.create_task(opened.run())
    yield opened
    task.cancel()


async def _stored(client: Client) -> list[str]:
    return [found.record.meta.message_id async for found in reader.read(client, reader.Query())]


async def test_appended_records_are_read_back_in_order(client: Client, writer: LogWriter) -> None:
    """What append took stands in the log once, in the order given, with its bytes unchanged."""
    await writer.append([_record(f"m{n}") for n in range(50)])
    assert await _stored(client) == [f"m{n}" for n in range(50)]


async def test_concurrent_appends_share_commits(client: Client, writer: LogWriter) -> None:
    """A thousand single appends at once are all stored, none twice."""
    await asyncio.gather(*(writer.append([_record(f"m{n}")]) for n in range(1000)))
    assert sorted(await _stored(client)) == sorted(f"m{n}" for n in range(1000))


@pytest.mark.parametrize("old", [1, 20, 100])
async def test_a_batch_that_mixes_new_and_old_stores_only_the_new(client: Client, writer: LogWriter, old: int) -> None:
    """Duplicates that another process wrote are absorbed; the new records beside them are stored in order."""
    other = LogWriter(client)
    other_run = asyncio.create_task(other.run())
    await other.append([_record(f"m{n}") for n in range(0, 2 * old, 2)])
    await writer.append([_record(f"m{n}") for n in range(200)])
    other_run.cancel()
    stored = await _stored(client)
    assert sorted(stored) == sorted(f"m{n}" for n in range(200))
    fresh = [name for name in stored if int(name[1:]) % 2 == 1]
    assert fresh == sorted(fresh, key=lambda name: int(name[1:]))


async def test_the_same_record_twice_in_one_append_is_stored_once(client: Client, writer: LogWriter) -> None:
    """A duplicate inside one call waits for the same commit."""
    await writer.append([_record("a"), _record("a"), _record("b")])
    assert await _stored(client) == ["a", "b"]


async def test_the_same_id_of_another_pipeline_is_another_record(client: Client, writer: LogWriter) -> None:
    """Dedup is scoped to the source."""
    first = _record("a")
    meta = RecordMeta("event", "p2", "a", "u", "2026-01-01T00:00:00.000Z")
    await writer.append([first, encode_event("p2", meta, b"{}", partitions=4)])
    assert await _stored(client) == ["a", "a"]


async def test_a_record_over_the_logs_limit_is_the_callers_error(writer: LogWriter) -> None:
    """Eight megabytes never fit; the caller learns it at once and nothing is retried."""
    with pytest.raises(InputError, match="over the log's limit"):
        await writer.append([_record("a", size=9_000_000)])


async def test_a_full_queue_refuses_at_once(client: Client) -> None:
    """Memory is bounded: without anybody committing, append refuses beyond the limit instead of growing."""
    writer = LogWriter(client, queue_limit_bytes=10_000, timeout_seconds=5)
    waiting = asyncio.create_task(writer.append([_record("a", size=9_000)]))
    await asyncio.sleep(0)
    with pytest.raises(UnavailableError, match="too much is waiting"):
        await writer.append([_record("b", size=9_000)])
    waiting.cancel()


async def test_what_append_confirmed_survives_kill_9_of_the_server(data_root: Path) -> None:
    """Every confirmed record is in the log after NATS was killed twice in the middle; none is there twice."""
    settings = Settings(data_folder=str(data_root / "log-kill"))
    endpoints.run_folder(settings).mkdir(parents=True)
    server = nats_server.prepare(settings)
    process = RunningProcess(server.process, on_event=lambda _: None, on_line=lambda *_: None)
    running = asyncio.create_task(process.run())
    client = await _connected(server.url)
    await streams.ensure(client, LogSettings(partitions=4))
    writer = LogWriter(client, timeout_seconds=20)
    writing = asyncio.create_task(writer.run())
    confirmed: list[str] = []

    async def produce(producer: int) -> None:
        for n in range(60):
            names = [f"{producer}-{n}-{k}" for k in range(5)]
            await writer.append([_record(name) for name in names])
            confirmed.extend(names)

    producers = [asyncio.create_task(produce(producer)) for producer in range(8)]
    for _ in range(2):
        await asyncio.sleep(0.15)
        assert process.pid is not None
        os.kill(process.pid, signal.SIGKILL)
        await asyncio.sleep(0.5)
    await asyncio.gather(*producers)
    stored = await _stored(client)
    assert len(confirmed) == 8 * 60 * 5
    assert sorted(stored) == sorted(confirmed)
    writing.cancel()
    await connection.close(client)
    await process.stop()
    await running


async def _connected(url: str) -> Client:
    async with asyncio.timeout(20):
        while True:
            try:
                return await connection.connect(url, "test")
            except UnavailableError:
                await asyncio.sleep(0.05)


async def test_an_unreachable_log_is_an_unavailable_error_in_bounded_time(data_root: Path) -> None:
    """With the server gone, append gives up after its timeout."""
    settings = Settings(data_folder=str(data_root / "log-gone"))
    endpoints.run_folder(settings).mkdir(parents=True)
    server = nats_server.prepare(settings)
    process = RunningProcess(server.process, on_event=lambda _: None, on_line=lambda *_: None)
    running = asyncio.create_task(process.run())
    client = await _connected(server.url)
    await streams.ensure(client, LogSettings())
    writer = LogWriter(client, timeout_seconds=0.5)
    writing = asyncio.create_task(writer.run())
    await process.stop()
    async with asyncio.timeout(2):
        with pytest.raises(UnavailableError):
            await writer.append([_record("a")])
    writing.cancel()
    await running
    await connection.close(client)
