"""The role `archive`: bring every record of the log into Parquet files, after everybody else had the processor."""

from __future__ import annotations

import asyncio
import contextlib
import os
import time

import structlog
from nats.aio.client import Client

from headwater.archive import metrics
from headwater.archive.archiver import Archiver, log_state
from headwater.archive.margin import margin
from headwater.archive.stores import open_store
from headwater.cancelling import cancelled
from headwater.database.pool import open_pool
from headwater.engines import endpoints
from headwater.errors import TransientError
from headwater.log import connection, streams
from headwater.roles import operations
from headwater.roles.engines import connect_log
from headwater.roles.serving import Server, serve_until
from headwater.routing.ownership import Ownership
from headwater.settings import LogSettings, Settings
from headwater.timeseries.recorder import recording

NICENESS = 19
"""Collecting and routing come first; what is not archived now is archived later."""
POOL_SIZE = 2
WATCH_SECONDS = 60.0
START_LIMIT_SECONDS = 1e9
"""As long as it takes: a role waits for its engines."""

logger = structlog.get_logger(__name__)


async def archive(settings: Settings, number: int, stop: asyncio.Event) -> None:
    """Archive until `stop`. Of several processes one works, the others take over when it is gone."""
    os.nice(NICENESS)
    engines = endpoints.resolve(settings)
    client = await connect_log(engines.nats_url, f"archive {number}")
    await streams.ensure(client, settings.log)
    pool = await open_pool(engines.database_url, size=POOL_SIZE, start_limit_seconds=START_LIMIT_SECONDS)
    archiver = Archiver(client, pool, open_store(settings), settings.archive)

    async def measure() -> None:
        with contextlib.suppress(TransientError):
            await _measure(client, archiver, settings.log)

    checks = {"log": lambda: client.is_connected, "archive": lambda: archiver.healthy}
    operating = settings.operations
    ops = Server(
        operations.application("archive", checks, measure),
        operating.host,
        operating.archive_port + number,
        setting="operations.archive_port",
    )
    working = asyncio.create_task(Ownership(engines.database_url).hold("archive", archiver.run))
    watching = asyncio.create_task(_watch(client, archiver, settings.log))
    working.add_done_callback(lambda _: stop.set())  # it ends by itself only when it cannot go on
    logger.info("archiving", store=open_store(settings).place)
    async with recording(engines.database_url, "archive", measure):
        await serve_until(stop, ops)
    await cancelled(watching, working)
    pool.terminate()
    await connection.close(client)


async def _measure(client: Client, archiver: Archiver, settings: LogSettings) -> str | None:
    """Bring the gauges up to date; returns what an operator should be warned of.

    A process that waits to take over is behind with nothing: the one that archives says how things are.
    """
    if not archiver.begun:
        for gauge in (metrics.LAG_RECORDS, metrics.LAG_SECONDS, metrics.MARGIN_RECORDS):
            gauge.set(0)
        return None
    found = margin(await log_state(client), archiver.position, settings)
    metrics.POSITION.set(archiver.position)
    metrics.LAG_RECORDS.set(found.waiting)
    metrics.LAG_SECONDS.set(0.0 if archiver.oldest is None else time.time() - archiver.oldest)
    metrics.MARGIN_RECORDS.set(found.spare)
    return found.danger


async def _watch(client: Client, archiver: Archiver, settings: LogSettings) -> None:
    while True:
        await asyncio.sleep(WATCH_SECONDS)
        with contextlib.suppress(TransientError):
            danger = await _measure(client, archiver, settings)
            if danger is not None:
                logger.warning(danger)
