"""What is archived reads back as it was in the log."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from archive_bench import BOTH_STORES, Bench, event, stream_record
from hypothesis import given
from hypothesis import strategies as st

from headwater.archive.files import ArchivedFile, Content, Place
from headwater.archive.manifest import Selection
from headwater.archive.missing import uncovered
from headwater.archive.parquet import Archived
from headwater.archive.reading import merged
from headwater.settings import ArchiveSettings

MOMENT = datetime(2026, 11, 23, tzinfo=UTC)


async def test_records_come_back_in_order_and_byte_for_byte(bench: Bench) -> None:
    """Two sources, two days, several cuts: one sequence of records, equal to the log's bytes."""
    await bench.append([event(1), stream_record(2), event(3, day="2026-11-22"), event(4, source="app")])
    await bench.archive(4)
    await bench.append([event(5), stream_record(6)])
    await bench.archive(6)
    found = await bench.read(size=2)
    assert [record.sequence for record in found] == [1, 2, 3, 4, 5, 6]
    assert [record.payload for record in found] == await bench.log_payloads(1, 6)


@pytest.mark.parametrize(
    "data",
    [
        b'{"properties":{"total":123456789012345678901234567890,"small":1e-400,"exact":0.1000000000000000055511151231}}',
        '{"name":"Zoë 𝕏 \\u0000 \\n","type":{"not":"text"}}'.encode(),
        b'{"userId":42,"timestamp":"yesterday","event":null}',
        b'{"timestamp":"9999-12-31T23:59:59.999-14:00"}',
        b"{}",
    ],
)
async def test_values_keep_their_spelling(bench: Bench, data: bytes) -> None:
    """Large integers, exact fractions, odd texts and odd types are what was sent, to the last digit."""
    await bench.append([event(1, data=data)])
    await bench.archive(1)
    (found,) = await bench.read()
    assert found.data == data


async def test_selections_choose_by_place_sequence_and_time(bench: Bench) -> None:
    """Kind, sources, sequences and the time of storing are conditions that hold together."""
    await bench.append([event(1), stream_record(2), event(3, source="app"), event(4)])
    await bench.archive(4)
    everything = await bench.read()
    third = datetime.fromtimestamp(everything[2].stored_at, UTC)

    async def chosen(selection: Selection) -> list[int]:
        return [record.sequence for record in await bench.read(selection)]

    assert await chosen(Selection(kind="stream")) == [2]
    assert await chosen(Selection(sources=("shop", "default"))) == [1, 2, 4]
    assert await chosen(Selection(after=1, until_sequence=3)) == [2, 3]
    assert await chosen(Selection(since=third)) == [3, 4]
    assert await chosen(Selection(until=third)) == [1, 2]
    assert await chosen(Selection(since=third + timedelta(days=1))) == []


async def test_single_records_are_found_by_sequence(bench: Bench) -> None:
    """Those that the archive has come back, others are left out."""
    await bench.append([event(1), stream_record(2), event(3)])
    await bench.archive(3)
    found = await bench.reader.fetch([3, 2, 77])
    assert {number: record.record.meta.message_id for number, record in found.items()} == {2: "r2", 3: "m3"}


@BOTH_STORES
async def test_joined_files_hold_the_same_records(bench: Bench) -> None:
    """Many small files of a day that is over become one, and nothing else changes, for a reader under way too."""
    for number in range(1, 6):
        await bench.append([event(number, day="2026-11-01")])
        await bench.archive(number, ArchiveSettings(idle_seconds=0.01, file_bytes=2))
    before = await bench.read()
    assert len(await bench.files()) == 5
    reading = bench.reader.batches(size=1)
    assert (await anext(reading))[0].sequence == 1
    await bench.tidy(ArchiveSettings(idle_seconds=0.01))
    assert len(await bench.files()) == 1
    assert await bench.read() == before
    await bench.remove_now()
    assert [batch[0].sequence async for batch in reading] == [2, 3, 4, 5]


def _file(first: int, last: int) -> ArchivedFile:
    content = Content(first, last, MOMENT, MOMENT, 1, 1, "")
    return ArchivedFile(f"{first}-{last}", Place(MOMENT.date(), "event", "shop"), content)


@given(
    st.lists(st.integers(1, 60).flatmap(lambda n: st.tuples(st.just(n), st.integers(0, 3))), unique_by=lambda p: p[0])
)
def test_merging_files_sorts_their_records(spread: list[tuple[int, int]]) -> None:
    """However records are spread over files, they come by ascending sequence, and files open no sooner than needed."""
    contents = {owner: sorted(number for number, other in spread if other == owner) for owner in range(4)}
    files = {owner: _file(numbers[0], numbers[-1]) for owner, numbers in contents.items() if numbers}
    owners = {file.path: owner for owner, file in files.items()}
    seen: list[int] = []

    def rows(file: ArchivedFile):  # type: ignore[no-untyped-def]  # a generator for one use
        assert all(number <= file.content.first_sequence for number in seen)
        for number in contents[owners[file.path]]:
            yield Archived(number, 0.0, b"", b"")

    for record in merged(list(files.values()), rows):
        seen.append(record.sequence)  # noqa: PERF401  # looked at while it grows
    assert seen == sorted(number for number, _ in spread)


@given(st.integers(1, 5), st.integers(0, 12), st.lists(st.tuples(st.integers(1, 20), st.integers(0, 4))))
def test_what_is_covered_and_what_is_not_make_the_whole(first: int, length: int, spans: list[tuple[int, int]]) -> None:
    """Every number of the range is either covered or in exactly one of the ranges that come back."""
    last = first + length
    covered = sorted((start, start + more) for start, more in spans)
    left = [number for start, end in uncovered(first, last, covered) for number in range(start, end + 1)]
    taken = {number for start, end in covered for number in range(start, end + 1)}
    assert left == [number for number in range(first, last + 1) if number not in taken]
