"""What tests of the archive do: fill a log, archive it, look at the files."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence
from datetime import date
from typing import Any

import pytest
from nats.aio.client import Client

from headwater import jsontext
from headwater.archive import manifest, storing
from headwater.archive.archiver import Archiver
from headwater.archive.reading import ArchiveReader
from headwater.archive.stores import Store
from headwater.events import RecordMeta
from headwater.log import streams
from headwater.log.consumer import Delivered
from headwater.log.ordered import OrderedReader
from headwater.log.records import EncodedRecord, encode_event, encode_stream_record
from headwater.log.writer import LogWriter
from headwater.settings import ArchiveSettings

PARTITIONS = 4
DAY = "2026-11-23"
BOTH_STORES = pytest.mark.parametrize("store", ["folder", "objects"], indirect=True)


def event(number: int, *, source: str = "shop", day: str = DAY, data: bytes | None = None) -> EncodedRecord:
    """A small event; `number` tells it from others."""
    text = data if data is not None else jsontext.encode({"type": "track", "event": "Paid", "userId": f"u{number}"})
    meta = RecordMeta("event", source, f"m{number}", f"u{number}", f"{day}T10:00:00.000Z")
    return encode_event(source, meta, text, PARTITIONS)


def stream_record(number: int, *, stream: str = "default") -> EncodedRecord:
    """A small record of a stream."""
    meta = RecordMeta("stream", stream, f"r{number}", f"u{number}", f"{DAY}T10:00:00.000Z")
    return encode_stream_record(stream, meta, b'{"number":%d}' % number, PARTITIONS)


class Bench:
    """A log, an archive, and what a test does with them."""

    def __init__(self, client: Client, pool: Any, store: Store) -> None:
        self.client = client
        self.pool = pool
        self.store = store

    @property
    def reader(self) -> ArchiveReader:
        return ArchiveReader(self.pool, self.store)

    async def append(self, records: Sequence[EncodedRecord]) -> None:
        """Put records into the log, in order."""
        writer = LogWriter(self.client)
        running = asyncio.create_task(writer.run())
        await writer.append(records)
        await writer.close()
        running.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await running

    def archiver(self, settings: ArchiveSettings) -> Archiver:
        return Archiver(self.client, self.pool, self.store, settings, today=lambda: date.fromisoformat(DAY))

    async def archive(self, upto: int, settings: ArchiveSettings = ArchiveSettings(idle_seconds=0.01)) -> None:
        """Archive until the position is `upto`, and tidy up as long as there is something to tidy."""
        working = asyncio.create_task(self.archiver(settings).run())
        try:
            async with asyncio.timeout(20):
                while await self.position() < upto:
                    if working.done():
                        working.result()
                    await asyncio.sleep(0.02)
        finally:
            working.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await working

    async def tidy(self, settings: ArchiveSettings) -> None:
        """Do all that is left to do besides archiving."""
        archiver = self.archiver(settings)
        for _ in range(20):
            await archiver.tidy()

    async def remove_now(self) -> None:
        """Let the time pass that replaced files stay for readers."""
        async with self.pool.acquire() as opened:
            await manifest.hasten_removals(opened)
        await storing.remove_due(self.pool, self.store)

    async def position(self) -> int:
        async with self.pool.acquire() as opened:
            return await manifest.position(opened)

    async def files(self) -> list[Any]:
        async with self.pool.acquire() as opened:
            return await manifest.files(opened, manifest.Selection())

    async def read(self, selection: manifest.Selection = manifest.Selection(), size: int = 1000) -> list[Any]:
        return [found async for batch in self.reader.batches(selection, size) for found in batch]

    async def messages(self, first: int, last: int) -> list[Delivered]:
        """What a consumer hands out."""
        reader = OrderedReader(self.client, streams.MAIN, streams.SUBJECTS[streams.MAIN])
        messages = await reader.take(last, 5)
        await reader.stop()
        return messages[first - 1 : last]

    async def log_payloads(self, first: int, last: int) -> list[bytes]:
        manager = self.client.jsm()
        return [(await manager.get_msg(streams.MAIN, seq)).data for seq in range(first, last + 1)]
