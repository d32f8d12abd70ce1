"""A replay against a collector and a log that are really there, without the roles behind them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable

import orjson
import pytest
import uvicorn
from nats.aio.client import Client

from headwater.demo.ledger import Ledger
from headwater.demo.play import Target, play
from headwater.demo.status import Balance, Status
from headwater.engines import endpoints
from headwater.errors import ConfigurationError
from headwater.events import RecordMeta
from headwater.log import connection, streams
from headwater.log.records import encode_event
from headwater.log.writer import LogWriter
from headwater.settings import LogSettings

PIPELINE = "p-demo"


class Log:
    """A log with a writer; `take` stores events as the collector does."""

    def __init__(self, client: Client, writer: LogWriter) -> None:
        self.client = client
        self.ledger = Ledger(client, PIPELINE)
        self._writer = writer

    async def take(self, *message_ids: str) -> None:
        metas = [RecordMeta("event", PIPELINE, name, "u", "2026-03-01T12:00:00.000Z") for name in message_ids]
        await self._writer.append([encode_event(PIPELINE, meta, b"{}", 4) for meta in metas])


@pytest.fixture
async def log(nats_url: str) -> AsyncIterator[Log]:
    client = await connection.connect(nats_url, "test")
    await streams.ensure(client, LogSettings(partitions=4))
    writer = LogWriter(client)
    writing = asyncio.create_task(writer.run())
    yield Log(client, writer)
    writing.cancel()
    await connection.close(client)


async def _run(
    log: Log, keep: Callable[[str], bool], count: int, *, status: int = 200, patience: float = 0.1
) -> tuple[Status, Balance]:
    """Replay `count` events to a collector that answers all and stores those that `keep` names."""

    async def collector(scope, receive, send) -> None:
        message = await receive()
        body = message["body"]
        while message.get("more_body"):
            message = await receive()
            body += message["body"]
        if status == 200:
            await log.take(*(e["messageId"] for e in orjson.loads(body)["batch"] if keep(e["messageId"])))
        await send({"type": "http.response.start", "status": status, "headers": [(b"content-length", b"2")]})
        await send({"type": "http.response.body", "body": b"{}"})

    port = endpoints.free_port()
    server = uvicorn.Server(
        uvicorn.Config(collector, port=port, log_level="critical", access_log=False, lifespan="off")
    )
    serving = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.005)
    try:
        target = Target(f"http://127.0.0.1:{port}", "wk", {}, {})
        events = ({"messageId": f"m{number}", "userId": f"u{number}"} for number in range(count))
        return await play(
            target, events, count, rate=None, ledger=log.ledger, show=lambda _: None, patience_seconds=patience
        )
    finally:
        server.should_exit = True
        await serving


async def test_all_that_is_stored_is_accounted_for(log: Log) -> None:
    """Every event in the log: nothing lost, no duplicates, and the second replay is all duplicates."""
    _, first = await _run(log, lambda _: True, 250)
    assert first == Balance(stored=250, duplicates=0, lost=0, unsettled=0, waiting=0)
    _, second = await _run(log, lambda _: True, 250)
    assert second == Balance(stored=0, duplicates=250, lost=0, unsettled=0, waiting=0)


async def test_collector_that_lies_is_found_out(log: Log) -> None:
    """Answered with 200 and not stored is lost, also among events that were in the log before."""
    await log.take("m0", "m1", "m2")
    _, balance = await _run(log, lambda name: name != "m7", 20)
    assert balance == Balance(stored=16, duplicates=3, lost=1, unsettled=0, waiting=0)
    assert not balance.good


async def test_refused_events_are_not_lost(log: Log) -> None:
    """What the collector refused is not in the log, and nobody misses it there."""
    status, balance = await _run(log, lambda _: True, 20, status=400)
    assert (status.refused, balance.lost, balance.good) == (20, 0, True)


async def test_unknown_key_ends_the_replay(log: Log) -> None:
    """Nothing is waited for when the collector takes nothing from us."""
    with pytest.raises(ConfigurationError, match="takes nothing"):
        await _run(log, lambda _: True, 2000, status=401)


async def test_silent_router_is_waited_for_only_so_long(log: Log) -> None:
    """An integration whose lag nobody tells leaves the end unknown after the patience, not good and not endless."""
    target = Target("http://127.0.0.1:9", "wk", {"web/crm": "route-p-i"}, {"route-0": "http://127.0.0.1:9/metrics"})
    started = time.monotonic()
    _, balance = await play(target, [], 0, rate=None, ledger=log.ledger, show=lambda _: None, patience_seconds=0.2)
    assert (balance.waiting, balance.good) == (None, False)
    assert time.monotonic() - started < 10
