"""The archive: from the log into files, back in order, single records, and the check of everything.

The log is filled before; one process on real engines then archives it as the role does, without being niced. Events have
about 1.2 KB and come from twenty sources. Beside it: the floor, which is reading the same log and doing nothing.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import resource
import shutil
import sys
import tempfile
import time
from datetime import date
from pathlib import Path
from typing import Any

import orjson

from headwater.archive import compaction
from headwater.archive.archiver import Archiver
from headwater.archive.reading import ArchiveReader
from headwater.archive.stores import FolderStore
from headwater.archive.verification import verify
from headwater.database import migrations
from headwater.database.pool import open_pool
from headwater.engines.endpoints import Endpoints
from headwater.events import RecordMeta
from headwater.log import connection, streams
from headwater.log.ordered import OrderedReader
from headwater.log.records import encode_event
from headwater.log.writer import LogWriter
from headwater.settings import ArchiveSettings, LogSettings, Settings
from load import ID_MARK, TIME_MARK, sample_event

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))  # the engines are started as tests start them
from conftest import EngineRunner  # see above

RECORDS = 100_000
SOURCES = 20
DAY_AFTER = date(2026, 3, 5)
"""The archived day is over."""
MOMENT = "2026-03-04T10:15:31.000Z"


async def fill(client: Any) -> None:
    """Put RECORDS events into the log."""
    writer = LogWriter(client)
    running = asyncio.create_task(writer.run())
    texts = [orjson.dumps(sample_event(number)).decode().replace(TIME_MARK, MOMENT) for number in range(500)]
    for start in range(0, RECORDS, 1000):
        records = []
        for number in range(start, start + 1000):
            source = f"pipeline-{number % SOURCES}"
            meta = RecordMeta("event", source, f"m{number}", f"user-{number % 5000}", MOMENT)
            data = texts[number % 500].replace(ID_MARK, f"m{number}").encode()
            records.append(encode_event(source, meta, data, 16))
        await writer.append(records)
    await writer.close()
    running.cancel()


async def floor(client: Any) -> float:
    """Records per second of a reader that does nothing with them."""
    reader = OrderedReader(client, streams.MAIN, streams.SUBJECTS[streams.MAIN])
    started, taken = time.perf_counter(), 0
    while taken < RECORDS:
        taken += len(await reader.take(500, 5))
    await reader.stop()
    return RECORDS / (time.perf_counter() - started)


async def archive(archiver: Archiver) -> float:
    """Records per second from the log into committed files."""
    started = time.perf_counter()
    working = asyncio.create_task(archiver.run())
    while archiver.position < RECORDS:  # noqa: ASYNC110  # looks from outside, as an operator does
        await asyncio.sleep(0.05)
    spent = time.perf_counter() - started
    working.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await working
    return RECORDS / spent


def peak_megabytes() -> float:
    """The most memory that this process ever had."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


async def run(engines: Endpoints, folder: Path) -> None:
    """Measure, and print a line for each figure."""
    await migrations.migrate(engines.database_url)
    client = await connection.connect(engines.nats_url, "bench")
    await streams.ensure(client, LogSettings())
    pool = await open_pool(engines.database_url, size=2)
    store = FolderStore(folder / "archive")
    await fill(client)
    before = peak_megabytes()
    bare = await floor(client)
    settings = ArchiveSettings(cut_bytes=32 * 1024**2, idle_seconds=0.2)
    written = await archive(Archiver(client, pool, store, settings))
    report = await verify(pool, store)
    assert (report.problems, report.rows) == ((), RECORDS)
    print(
        f"records into files        {written:>10,.0f}/s  ({written / bare:.2f} of reading the log and doing nothing, {bare:,.0f}/s)"
    )
    print(f"size                      {report.bytes / RECORDS:>10,.0f} bytes a record, {report.files} files")
    print(f"memory                    {peak_megabytes():>10,.0f} MB at most, {before:,.0f} before")
    await measure_reading(pool, store)
    started = time.perf_counter()
    while await compaction.compact(pool, store, settings.file_bytes, DAY_AFTER):
        pass
    print(f"joining the day's files   {RECORDS / (time.perf_counter() - started):>10,.0f} records/s")
    await measure_reading(pool, store)
    started = time.perf_counter()
    report = await verify(pool, store)
    assert report.problems == ()
    print(
        f"verify                    {RECORDS / (time.perf_counter() - started):>10,.0f} records/s, {report.files} files"
    )
    await pool.close()
    await connection.close(client)


async def measure_reading(pool: Any, store: FolderStore) -> None:
    """All records in order, and some by their numbers."""
    reader = ArchiveReader(pool, store)
    started, read = time.perf_counter(), 0
    async for batch in reader.batches():
        read += len(batch)
    assert read == RECORDS
    print(f"read in order             {RECORDS / (time.perf_counter() - started):>10,.0f} records/s")
    chance = random.Random(1)
    spent = []
    for _ in range(10):
        started = time.perf_counter()
        found = await reader.fetch([chance.randint(1, RECORDS) for _ in range(20)])
        spent.append(time.perf_counter() - started)
        assert found
    print(f"20 records by number      {sorted(spent)[5] * 1000:>10,.0f} ms")


def main() -> None:
    """Start engines, measure, stop."""
    folder = Path(tempfile.mkdtemp(prefix="headwater-bench-"))
    folder.chmod(0o755)
    runner = EngineRunner(Settings(data_folder=str(folder / "engines")))
    runner.start()
    try:
        asyncio.run(run(runner.endpoints, folder))
    finally:
        runner.stop()
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
