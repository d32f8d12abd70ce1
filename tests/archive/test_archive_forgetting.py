"""What is to be forgotten leaves the log and every file, archived or not, and nothing else does."""

from __future__ import annotations

from datetime import date

import pytest
from archive_bench import Bench, event, stream_record
from hypothesis import given
from hypothesis import strategies as st
from nats.js.errors import NotFoundError
from test_archive_reading import MOMENT

from headwater.archive import compaction, forgetting, storing
from headwater.archive.files import ArchivedFile, Content, Place
from headwater.archive.verification import verify
from headwater.log import streams
from headwater.settings import ArchiveSettings


async def forget(bench: Bench, *sequences: int) -> None:
    async with bench.pool.acquire() as connection:
        await forgetting.forget(connection, sequences)


async def remaining(bench: Bench, *sequences: int) -> int:
    async with bench.pool.acquire() as connection:
        return await forgetting.remaining(connection, sequences)


async def test_archived_records_leave_files_and_log(bench: Bench) -> None:
    """The rest of the file stays, a file of forgotten records alone goes, and the archive still counts as whole."""
    await bench.append([event(1), event(2), stream_record(3), event(4)])
    await bench.archive(4)
    old = set(bench.store.names())
    await forget(bench, 2, 3)
    assert await remaining(bench, 2, 3) == 2
    await bench.tidy(ArchiveSettings())
    assert await remaining(bench, 2, 3) == 0
    assert [record.sequence for record in await bench.read()] == [1, 4]
    assert len(list(bench.store.names())) == 1
    assert old.isdisjoint(bench.store.names())
    with pytest.raises(NotFoundError):
        await bench.client.jsm().get_msg(streams.MAIN, 2)
    assert (await verify(bench.pool, bench.store)).problems == ()


async def test_records_on_their_way_reach_no_file(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Asked for before the cut, or while it is gathered, they are in no file at any moment."""
    monkeypatch.setattr("headwater.archive.cut.MEMORY_BYTES", 1)
    await bench.append([event(number) for number in range(1, 6)])
    await forget(bench, 2)
    archiver = bench.archiver(ArchiveSettings())
    cut = await archiver.new_cut()
    messages = await bench.messages(1, 5)
    await archiver.gather(cut, messages)
    await forget(bench, 4, 5)
    await archiver.commit(cut)
    assert [record.sequence for record in await bench.read()] == [1, 3]
    await bench.tidy(ArchiveSettings())
    assert await remaining(bench, 2, 4, 5) == 0
    assert (await verify(bench.pool, bench.store)).problems == ()


async def test_what_the_log_has_forgotten_already_leaves_the_files(bench: Bench) -> None:
    """Records beyond the log's retention, and one whose deletion was interrupted, are no obstacle."""
    await bench.append([event(number) for number in range(1, 5)])
    await bench.archive(4)
    await bench.client.jsm().purge_stream(streams.MAIN, seq=3)
    await bench.client.jsm().delete_msg(streams.MAIN, 4)
    await forget(bench, 1, 4)
    await bench.tidy(ArchiveSettings())
    assert await remaining(bench, 1, 4) == 0
    assert [record.sequence for record in await bench.read()] == [2, 3]


async def test_the_last_records_of_an_idle_log_can_be_forgotten(bench: Bench) -> None:
    """Gone before they were archived, with no later record to show the hole: the archive passes them all the same."""
    await bench.append([event(1)])
    await bench.archive(1)
    await bench.append([event(2), event(3)])
    await forget(bench, 2, 3)
    await forgetting.work(bench.pool, bench.client, bench.store)
    await bench.archive(3)
    await bench.tidy(ArchiveSettings())
    assert await remaining(bench, 2, 3) == 0
    report = await verify(bench.pool, bench.store)
    assert (report.position, report.problems, report.gaps) == (3, (), ())


async def test_forgetting_goes_on_where_it_was_interrupted(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Stopped between the new file and the old one's removal, the next round finishes."""
    await bench.append([event(1), event(2)])
    await bench.archive(2)
    await forget(bench, 1)
    with monkeypatch.context() as patched:

        async def stop(*_: object) -> int:
            raise KeyboardInterrupt

        patched.setattr(storing, "remove_due", stop)
        with pytest.raises(KeyboardInterrupt):
            await bench.archiver(ArchiveSettings()).tidy()
    assert await remaining(bench, 1) == 1
    assert len(list(bench.store.names())) == 2
    await bench.tidy(ArchiveSettings())
    assert await remaining(bench, 1) == 0
    assert len(list(bench.store.names())) == 1


async def test_replaced_files_do_not_keep_what_is_forgotten(bench: Bench) -> None:
    """Files that were joined a moment ago stay for readers, but not with a record that nothing may keep."""
    for number in (1, 2):
        await bench.append([event(number, day="2026-11-01")])
        await bench.archive(number, ArchiveSettings(idle_seconds=0.01, file_bytes=2))
    await bench.tidy(ArchiveSettings())
    assert len(list(bench.store.names())) == 3
    await forget(bench, 1)
    await bench.tidy(ArchiveSettings())
    (left,) = await bench.files()
    assert list(bench.store.names()) == [left.path]
    assert left.content.rows == 1


def _small(day: int, source: str, number: int, size: int) -> ArchivedFile:
    content = Content(number, number, MOMENT, MOMENT, 1, size, "")
    return ArchivedFile(f"{number}", Place(date(2026, 11, day), "event", source), content)


@given(st.lists(st.tuples(st.integers(22, 23), st.sampled_from("ab"), st.integers(1, 49)), max_size=60))
def test_joining_comes_to_an_end_and_mixes_nothing(drawn: list[tuple[int, str, int]]) -> None:
    """Groups are of one place, in order, within the size; done again and again there is nothing left to join."""
    files = [_small(day, source, number, size) for number, (day, source, size) in enumerate(sorted(drawn), 1)]
    rounds = 0
    while groups := list(compaction.plan([file for file in files if file.content.bytes < 50], 100, date(2026, 11, 23))):
        group = groups[0]
        assert len({file.place for file in group}) == 1
        numbers = [file.content.first_sequence for file in group]
        assert numbers == sorted(numbers)
        size = sum(file.content.bytes for file in group)
        assert size <= 100
        first = group[0]
        joined = _small(first.place.day.day, first.place.source, first.content.first_sequence, size)
        files = sorted(
            [file for file in files if file not in group] + [joined],
            key=lambda file: (file.place, file.content.first_sequence),
        )
        rounds += 1
        assert rounds <= len(drawn)
