"""Whatever happens to the archiver, each record is in the archive once, or its absence is explained."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from archive_bench import Bench, event, stream_record

from headwater.archive import manifest, storing
from headwater.archive.archiver import Archiver
from headwater.archive.manifest import Gap, OvertakenError
from headwater.archive.margin import Margin, margin
from headwater.archive.stores import FolderStore
from headwater.errors import ConfigurationError, UnavailableError
from headwater.log import streams
from headwater.log.records import EncodedRecord
from headwater.log.streams import StreamReport
from headwater.settings import ArchiveSettings, LogSettings


class FaultyStore(FolderStore):
    """A folder in which the second file of the first cut cannot be put."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.puts = 0

    def put(self, staged: Path, name: str) -> None:
        self.puts += 1
        if self.puts == 2:
            raise UnavailableError("the store is away")
        super().put(staged, name)


async def test_a_cut_that_fails_halfway_leaves_nothing(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its files are removed, its records are archived by the next cut, once."""
    monkeypatch.setattr("headwater.archive.archiver.RETRY_SECONDS", 0.01)
    bench.store = FaultyStore(tmp_path / "faulty")
    await bench.append([event(1), stream_record(2), event(3)])
    await bench.archive(3)
    assert [record.sequence for record in await bench.read()] == [1, 2, 3]
    await bench.tidy(ArchiveSettings())
    assert sorted(bench.store.names()) == sorted(file.path for file in await bench.files())
    assert list(bench.store.staging.iterdir()) == []


async def test_a_large_cut_leaves_memory_on_the_way(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows go into the staged files in parts, and the file has several row groups in order."""
    monkeypatch.setattr("headwater.archive.cut.MEMORY_BYTES", 2_000)
    monkeypatch.setattr("headwater.archive.archiver.TAKE", 3)
    await bench.append([event(number, source=f"s{number % 3}") for number in range(1, 41)])
    await bench.archive(40, ArchiveSettings(idle_seconds=1))
    assert len(await bench.files()) == 3
    assert [record.payload for record in await bench.read()] == await bench.log_payloads(1, 40)


async def test_the_slower_of_two_archivers_gives_way(bench: Bench) -> None:
    """A process that was cut off and comes back commits nothing, whichever part of its work it is in."""
    await bench.append([event(1)])
    await bench.archive(1)
    async with bench.pool.acquire() as connection:
        with pytest.raises(OvertakenError):
            await manifest.move_position(connection, 0, 1)
    (file,) = await bench.files()
    async with bench.pool.acquire() as connection:
        await manifest.announce(connection, ["late"])
        await manifest.condemn_announced(connection)
        with pytest.raises(OvertakenError):
            async with connection.transaction():
                await manifest.replace_files(connection, [file], [_renamed(file, "late")], 0)
    assert await storing.remove_due(bench.pool, bench.store) == 1
    assert await bench.files() == [file]


def _renamed(file: Any, path: str) -> Any:
    return type(file)(path, file.place, file.content)


async def test_what_the_log_lost_is_a_named_gap(bench: Bench) -> None:
    """Records that left the log before they were archived are missing by number, with the reason, and so is no record."""
    await bench.append([event(number) for number in range(1, 6)])
    await bench.client.jsm().purge_stream(streams.MAIN, seq=3)
    await bench.client.jsm().delete_msg(streams.MAIN, 4)
    await bench.append([EncodedRecord("hw.event.shop.0", "odd", b"no record"), event(7)])
    await bench.archive(7)
    async with bench.pool.acquire() as connection:
        gaps = await manifest.gaps(connection)
    assert gaps == [Gap(1, 2, "expired"), Gap(4, 4, "deleted"), Gap(6, 6, "unreadable")]
    assert [record.sequence for record in await bench.read()] == [3, 5, 7]


async def test_another_log_is_refused(bench: Bench) -> None:
    """An archive that is ahead of its log belongs to another one; going on would mix them."""
    await bench.append([event(1), event(2)])
    await bench.archive(2)
    async with bench.pool.acquire() as connection:
        await manifest.move_position(connection, 2, 9)
    with pytest.raises(ConfigurationError, match="another log"):
        await bench.archiver(ArchiveSettings()).run()


async def test_an_idle_archiver_reads_nothing_twice(bench: Bench) -> None:
    """Between two cuts nothing is read again: the rows written are the records there are."""
    working = asyncio.create_task(_archiving(bench.archiver(ArchiveSettings(idle_seconds=0.05))))
    for number in range(1, 4):
        await bench.append([event(number)])
        async with asyncio.timeout(10):
            while await bench.position() < number:
                await asyncio.sleep(0.02)
    working.cancel()
    assert [file.content.rows for file in await bench.files()] == [1, 1, 1]


async def test_a_lost_cancellation_is_heeded(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """A library may swallow a cancellation at the wrong moment; the archiver ends all the same."""
    begun = asyncio.Event()

    async def swallow(*_: object) -> int:
        begun.set()
        try:
            await asyncio.sleep(10)
        except asyncio.CancelledError:
            return 0
        return 0

    monkeypatch.setattr("headwater.archive.forgetting.work", swallow)
    working = asyncio.create_task(bench.archiver(ArchiveSettings()).run())
    async with asyncio.timeout(10):
        await begun.wait()
        working.cancel()
        with pytest.raises(asyncio.CancelledError):
            await working


async def _archiving(archiver: Archiver) -> None:
    await archiver.run()


NOW = datetime(2026, 11, 23, tzinfo=UTC).timestamp()


@pytest.mark.parametrize(
    ("position", "size", "expected"),
    [
        (1000, 99, Margin(0, 1000, 0.99)),
        (950, 10, Margin(50, 950, 0.5)),
        (100, 99, Margin(900, 100, 0.99)),
        (0, 10, Margin(1000, 0, 0.5)),
    ],
)
def test_the_margin_counts_what_the_log_may_forget(position: int, size: int, expected: Margin) -> None:
    """Waiting and spare records, and how much of the log's limit (here half of the age) is used."""
    state = StreamReport("HEADWATER", 1000, size, 1, 1000, "2026-11-13T00:00:00Z", "2026-11-23T00:00:00Z", 0)
    assert margin(state, position, LogSettings(retention_days=20, retention_bytes=100), NOW) == expected


@pytest.mark.parametrize(
    ("found", "dangerous"),
    [
        (Margin(waiting=0, spare=0, used=1.0), False),
        (Margin(waiting=900, spare=100, used=0.5), False),
        (Margin(waiting=500, spare=500, used=0.95), False),
        (Margin(waiting=900, spare=100, used=0.95), True),
    ],
)
def test_a_warning_comes_when_the_log_is_full_and_the_archive_behind(found: Margin, dangerous: bool) -> None:
    """A full log alone is normal, and so is a long way to catch up in a log that has room."""
    assert (found.danger is not None) == dangerous
