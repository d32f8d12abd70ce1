"""A reader who keeps his own place: whole and in order, whatever becomes of the server's side."""

from __future__ import annotations

import asyncio

from headwater.events import RecordMeta
from headwater.log import connection, streams
from headwater.log.ordered import OrderedReader
from headwater.log.records import encode_event
from headwater.log.writer import LogWriter
from headwater.settings import LogSettings

RECORDS = 300


async def test_reading_goes_on_after_the_server_forgot_the_position(nats_url: str) -> None:
    """The consumer behind the reader is deleted again and again: every record comes once, in order."""
    client = await connection.connect(nats_url, "test")
    await streams.ensure(client, LogSettings(partitions=4))
    writer = LogWriter(client)
    writing = asyncio.create_task(writer.run())
    source = "ordered-reader"
    meta = [RecordMeta("event", source, f"o{n}", f"u{n}", "2026-01-01T00:00:00.000Z") for n in range(RECORDS)]
    await writer.append([encode_event(source, one, b"{}", partitions=4) for one in meta])
    reader = OrderedReader(client, streams.MAIN, [f"hw.event.{source}.*"], window=40)
    sequences: list[int] = []
    async with asyncio.timeout(60):
        while len(sequences) < RECORDS:
            sequences += [message.sequence for message in await reader.take(30, 0.5)]
            for found in await client.jsm().consumers_info(streams.MAIN):
                await client.jsm().delete_consumer(streams.MAIN, found.name)
    assert sequences == sorted(set(sequences))
    assert await reader.waiting() == 0
    await reader.stop()
    writing.cancel()
    await connection.close(client)
