"""What people can see of requests and answers: how much is kept, and of whom."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

import pytest
from nats.aio.client import Client

from headwater.database import migrations
from headwater.database.pool import open_pool
from headwater.log import connection, streams
from headwater.log.writer import LogWriter
from headwater.routing import attempts
from headwater.routing.attempts import (
    BODY_CHARACTERS,
    SUCCESSES_PER_SECOND,
    Allowance,
    AttachmentAttempts,
    AttemptLog,
    Result,
)
from headwater.routing.destination import Exchange
from headwater.settings import LogSettings


@pytest.fixture
async def client(nats_url: str) -> AsyncIterator[Client]:
    opened = await connection.connect(nats_url, "test")
    await streams.ensure(opened, LogSettings(partitions=4))
    yield opened
    await connection.close(opened)


@pytest.fixture
async def pool(database_url: str) -> AsyncIterator[Any]:
    await migrations.migrate(database_url)
    opened = await open_pool(database_url)
    yield opened
    await opened.close()


@pytest.fixture
async def log(client: Client, pool: Any) -> AsyncIterator[AttemptLog]:
    writer = LogWriter(client)
    made = AttemptLog(client, writer, pool)
    tasks = [asyncio.create_task(writer.run()), asyncio.create_task(made.run())]
    yield made
    for task in tasks:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


def _keep(of: AttachmentAttempts, result: Result, message: str, body: str = "{}") -> None:
    exchange = Exchange({"method": "POST", "url": "https://vendor.example/", "headers": [], "body": body}, None)
    of.keep(result, "why", revision=3, seconds=0.02, number=1, messages=[message], exchange=exchange)


async def _found(client: Client, wanted: int, pipeline: str | None = None) -> list[attempts.KeptAttempt]:
    async with asyncio.timeout(10):
        while True:
            found = [each async for each in attempts.newest(client, 50, pipeline)]
            if len(found) >= wanted:
                return found
            await asyncio.sleep(0.05)


def test_an_allowance_refills_with_time() -> None:
    """Two a second: two at once, no third; after half a second one more; a rest never saves up more than a second's."""
    allowance = Allowance(2.0)
    assert [allowance.take(10.0) for _ in range(3)] == [True, True, False]
    assert [allowance.take(10.5) for _ in range(2)] == [True, False]
    assert [allowance.take(99.0) for _ in range(3)] == [True, True, False]


async def test_attempts_are_read_back_newest_first_by_pipeline(client: Client, log: AttemptLog) -> None:
    """What two integrations sent is there with request and reason, the newest first, also of one pipeline alone."""
    _keep(log.of("p1", "i"), "delivered", "m1")
    _keep(log.of("p2", "i"), "refused", "m2")
    _keep(log.of("p1", "j"), "again", "m3")
    assert [each.messages for each in await _found(client, 3)] == [("m3",), ("m2",), ("m1",)]
    of_one = await _found(client, 2, "p1")
    assert [(each.integration_id, each.result, each.revision) for each in of_one] == [
        ("j", "again", 3),
        ("i", "delivered", 3),
    ]
    assert of_one[0].request["url"] == "https://vendor.example/"


async def test_a_large_body_is_cut_and_says_so(client: Client, log: AttemptLog) -> None:
    """The start of the body is kept, with the length that it had."""
    _keep(log.of("p1", "i"), "delivered", "m1", body="x" * (BODY_CHARACTERS + 5))
    (kept,) = await _found(client, 1)
    assert len(kept.request["body"]) == BODY_CHARACTERS
    assert kept.request["cut"] == BODY_CHARACTERS + 5


async def test_who_watches_sees_more(client: Client, log: AttemptLog) -> None:
    """Successes are a few a second; of a pipeline that somebody watches, more; of others still a few."""
    calm, watched = log.of("p-calm", "i"), log.of("p-watched", "i")
    await client.publish(attempts.watch_subject("p-watched"), b"p-watched")
    async with asyncio.timeout(5):
        while not watched.wants("delivered") or sum(watched.wants("delivered") for _ in range(40)) <= 5:
            await asyncio.sleep(1.1)
            await client.publish(attempts.watch_subject("p-watched"), b"p-watched")
    assert sum(calm.wants("delivered") for _ in range(40)) <= SUCCESSES_PER_SECOND


async def test_a_log_that_is_away_holds_nobody_up(client: Client, log: AttemptLog) -> None:
    """Without the stream nothing is kept, and keeping goes on afterwards."""
    await client.request(f"$JS.API.STREAM.DELETE.{streams.ATTEMPTS}", timeout=5)
    assert [each async for each in attempts.newest(client, 5)] == []
    _keep(log.of("p1", "i"), "delivered", "lost or late")
    await asyncio.sleep(1.2)
    await streams.ensure(client, LogSettings(partitions=4))
    _keep(log.of("p1", "i"), "delivered", "m2")
    assert ("m2",) in [each.messages for each in await _found(client, 2)]
