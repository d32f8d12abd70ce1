"""Figures in PostgreSQL: written again without harm, rolled up over processes, read as series and totals."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta

import pytest
from prometheus_client import CollectorRegistry, Counter, Gauge

from headwater.database import migrations
from headwater.database.pool import open_connection
from headwater.timeseries import figures
from headwater.timeseries.minutes import Key
from headwater.timeseries.ranges import RANGES, range_named
from headwater.timeseries.recorder import STEPS, Recorder, forget, roll_up, write

HOUR, DAY, WEEK, MONTH = RANGES


class Process:
    """A process with one counter and one level, on a clock of its own."""

    def __init__(self, url: str, now: float) -> None:
        registry = CollectorRegistry()
        self.now = now
        self.delivered = Counter("headwater_route_delivered", "text", ["integration"], registry=registry)
        self.waiting = Gauge("headwater_log_lag", "text", ["integration"], registry=registry)
        self.recorder = Recorder(url, "route", registry=registry, clock=lambda: self.now)


@pytest.fixture
async def database(database_url):
    """A connection to a migrated database."""
    await migrations.migrate(database_url)
    connection = await open_connection(database_url)
    yield connection
    await connection.close()


async def test_two_processes_are_added_up_and_twice_is_once(database, database_url):
    """Each writes its minute several times; the sum is what both counted."""
    now = datetime.now(UTC)
    first, second = Process(database_url, now.timestamp()), Process(database_url, now.timestamp())
    for process, count in ((first, 3), (second, 4)):
        process.delivered.labels("web/ga4").inc(count)
        await process.recorder.record()
        process.delivered.labels("web/ga4").inc(1)
        await process.recorder.record()
        await process.recorder.record()
    found = await figures.totals(database, ["delivered"], HOUR, now)
    assert found == {Key("delivered", "web/ga4", ""): 9.0}


async def test_figures_wait_for_the_database(database, database_url):
    """What was counted while PostgreSQL was away is written with its own minute when it is back."""
    now = datetime.now(UTC)
    process = Process("postgresql://nobody@127.0.0.1:1/nothing", now.timestamp() - 600)
    process.delivered.labels("web/ga4").inc(5)
    await process.recorder.record()
    process.now += 60
    await process.recorder.record()
    process.recorder._url = database_url
    process.now = now.timestamp()
    await process.recorder.record()
    values = (await figures.series(database, ["delivered"], HOUR, now))["delivered"]["web/ga4"]
    assert (sum(values), values[-11]) == (5.0, 5.0)


async def test_steps_are_those_of_their_minutes(database):
    """Counts add up, levels keep their highest; a minute that comes late corrects its steps."""
    minute = int(datetime(2026, 1, 5, 10, 0, tzinfo=UTC).timestamp() // 60)
    count, level = Key("delivered", "web/ga4", ""), Key("waiting", "web/ga4", "")
    for process, value in (("a", 10.0), ("b", 20.0)):
        minutes = {
            minute: {count: value, level: value},
            minute + 59: {count: 1.0, level: 5.0},
            minute + 60: {count: 7.0},
        }
        await write(database, process, minutes)
        await roll_up(database, list(minutes))
    rows = await database.fetch("SELECT seconds, at, measure, value FROM counts_by_step ORDER BY seconds, at, measure")
    ten, eleven, six = (datetime(2026, 1, 5, hour, tzinfo=UTC) for hour in (10, 11, 6))
    assert [tuple(row) for row in rows] == [
        (900, ten, "delivered", 30.0),
        (900, ten, "waiting", 20.0),
        (900, ten + timedelta(minutes=45), "delivered", 2.0),
        (900, ten + timedelta(minutes=45), "waiting", 5.0),
        (900, eleven, "delivered", 14.0),
        (3600, ten, "delivered", 32.0),
        (3600, ten, "waiting", 20.0),
        (3600, eleven, "delivered", 14.0),
        (21_600, six, "delivered", 46.0),
        (21_600, six, "waiting", 20.0),
    ]


async def test_what_is_old_is_forgotten(database):
    """Minutes and short steps go, long steps stay for a year."""
    key = Key("delivered", "web/ga4", "")
    minute = int((datetime.now(UTC) - timedelta(days=20)).timestamp() // 60)
    await write(database, "a", {minute: {key: 1.0}})
    await roll_up(database, [minute])
    await forget(database)
    assert await database.fetchval("SELECT count(*) FROM counts_by_minute") == 0
    assert [row["seconds"] for row in await database.fetch("SELECT seconds FROM counts_by_step")] == [21_600]


def test_every_range_is_kept_in_steps_of_its_own():
    """Each range of the charts has its steps, and each step holds the one before it a whole number of times."""
    assert {round(found.step.total_seconds()) for found in RANGES} == {60, *STEPS}
    lengths = [60, *STEPS]
    assert all(longer % shorter == 0 for shorter, longer in itertools.pairwise(lengths))


@pytest.mark.parametrize("name", ["hour", "day", "week", "month"])
async def test_every_range_shows_what_happened_in_it(database, name):
    """Something that happened just now is in the last step of every range, whichever table it is read from."""
    now = datetime(2026, 1, 5, 10, 30, tzinfo=UTC)
    minutes = {int(now.timestamp() // 60): {Key("delivered", "web/ga4", ""): 6.0}}
    await write(database, "a", minutes)
    await roll_up(database, list(minutes))
    span = range_named(name)
    values = (await figures.series(database, ["delivered"], span, now))["delivered"]["web/ga4"]
    assert len(values) == span.length / span.step
    assert (values[-1], sum(values)) == (6.0, 6.0)


async def test_a_level_is_the_newest_of_each_process(database):
    """A process that told of 9 a minute ago and of 2 now has 2; the highest of all processes counts."""
    minute = int(datetime.now(UTC).timestamp() // 60)
    key = Key("waiting", "web/ga4", "")
    await write(database, "a", {minute - 1: {key: 9.0}, minute: {key: 2.0}})
    await write(database, "b", {minute: {key: 3.0}})
    await write(database, "gone", {minute - 20: {key: 50.0}})
    assert await figures.levels(database) == {"waiting": {"web/ga4": 3.0}}
