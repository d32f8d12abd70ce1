"""People for tests of pages: records that are in the log and in profiles, as the role `profile` would have put them there."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

from headwater import jsontext
from headwater.audiences import defaults, sizes
from headwater.audiences.filling import Filler
from headwater.audiences.observer import AudienceObserver
from headwater.events import RecordMeta
from headwater.log import streams
from headwater.log.records import encode_stream_record
from headwater.log.writer import LogWriter
from headwater.profiles.compiled_schema import CompiledSchema
from headwater.profiles.preparation import LogRecord, Preparer
from headwater.profiles.store import generations
from headwater.profiles.store.batch import Batch
from headwater.profiles.store.builder import Builder

HOSTILE = '<img src=x onerror="document.title=1"><script>document.title=1</script>'


class Town:
    """Records of the stream `default` for a running console, each a second after the one before."""

    def __init__(self, running: Any) -> None:
        self.running = running
        self.pool = running.pool
        self.count = 0

    async def bring(self, *records: dict[str, Any], at: datetime | None = None) -> None:
        """Let these records become profiles."""
        moment = datetime.now(UTC) - timedelta(minutes=5) if at is None else at
        payloads = []
        for record in records:
            self.count += 1
            stamped = (moment + timedelta(seconds=self.count)).isoformat(timespec="milliseconds")
            meta = RecordMeta("stream", "default", f"m{self.count}", "u", stamped.replace("+00:00", "Z"))
            payloads.append(encode_stream_record("default", meta, jsontext.encode(record), 8))
        last = await self._write(payloads)
        first = last - len(payloads) + 1
        async with self.pool.acquire() as connection:
            generation = await generations.live(connection)
            compiled = CompiledSchema(generation.schema)
            secret = await generations.secret(connection)
            builder = Builder(generation, compiled, secret, [AudienceObserver()])
            found = [LogRecord(first + place, 0, 1.0, each.payload) for place, each in enumerate(payloads)]
            arrivals = Preparer(compiled, {}).prepare(found).arrivals
            await builder.apply(connection, Batch(tuple(arrivals)), datetime.now(UTC))

    async def _write(self, payloads: list[Any]) -> int:
        client = self.running.console.log
        writer = LogWriter(client)
        writing = asyncio.create_task(writer.run())
        await writer.append(payloads)
        await writer.close()
        writing.cancel()
        reports = await streams.report(client)
        return next(each.last_seq for each in reports if each.name == streams.MAIN)

    async def fill(self) -> None:
        """Let audiences be filled and counted, as the background does."""
        filler = Filler(self.pool)
        while await filler.fill_page():
            pass
        async with self.pool.acquire() as connection:
            generation = await generations.live(connection)
        await sizes.add_up(self.pool, generation.number)
        async with self.pool.acquire() as connection, connection.transaction():
            await sizes.keep(connection, generation.number)

    async def profile(self, name: str, value: str) -> str:
        """The id of the profile with this identifier."""
        found = await self.running.console.services.profiles.reader.by_identifier(name, value)
        assert found is not None
        return str(found.id)


async def town_of(running: Any) -> Town:
    """A town with the audiences of a first start and nobody in it."""
    await running.console.log.jsm().purge_stream(streams.MAIN)  # other tests share the log
    await defaults.create_defaults(running.pool)
    return Town(running)


ANN = (
    {
        "user_id": "ann",
        "email": "Ann@Shop.example",
        "_uid": "browser-1",
        "_e": "pv",
        "url": "shop.example/a",
        "city": "Oslo",
    },
    {"user_id": "ann", "_uid": "browser-2", "first_name": "Ann", "visits": "3"},
    {"user_id": "bob", "_uid": "browser-2", "email": "bob@shop.example", "city": HOSTILE},
)
"""Ann with two browsers, of which one is Bob's as well."""
