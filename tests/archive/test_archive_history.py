"""Looking back goes through the archive into the log without a seam."""

from __future__ import annotations

from archive_bench import Bench, event, stream_record

from headwater.archive import history
from headwater.log import streams
from headwater.log.reader import Query


async def sequences(bench: Bench, query: Query) -> list[int]:
    return [found.sequence async for found in history.read(bench.client, bench.reader, query)]


async def test_what_the_log_forgot_comes_from_the_archive(bench: Bench) -> None:
    """Each record once and in order, with the bytes and the time that the log had, and chosen by content too."""
    await bench.append([event(1), stream_record(2), event(3), event(4)])
    payloads = await bench.log_payloads(1, 4)
    third = (await bench.client.jsm().get_msg(streams.MAIN, 3)).time
    await bench.archive(4)
    await bench.client.jsm().purge_stream(streams.MAIN, seq=4)
    await bench.append([event(5)])
    found = [found async for found in history.read(bench.client, bench.reader, Query())]
    assert [entry.sequence for entry in found] == [1, 2, 3, 4, 5]
    assert [entry.payload for entry in found[:4]] == payloads
    assert third is not None
    assert abs(found[2].stored_at - third.timestamp()) < 2e-6  # a file has microseconds
    assert await sequences(bench, Query(kind="event", source="shop", since=found[2].stored_at)) == [3, 4, 5]
    assert await sequences(bench, Query(user="u3")) == [3]
    assert await sequences(bench, Query(until=found[2].stored_at)) == [1, 2]
    assert await history.count(bench.client, bench.reader, Query(kind="event", source="shop")) >= 4


async def test_a_log_that_forgot_everything_is_no_end(bench: Bench) -> None:
    """The archive alone answers."""
    await bench.append([event(1), event(2)])
    await bench.archive(2)
    await bench.client.jsm().purge_stream(streams.MAIN)
    assert await sequences(bench, Query()) == [1, 2]
