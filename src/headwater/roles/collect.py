"""The role `collect`: the public doors, and the group commit behind them."""

from __future__ import annotations

import asyncio

import structlog

from headwater.cancelling import cancelled
from headwater.collect.app import create_app
from headwater.collect.refusal_log import RefusalStream
from headwater.engines import endpoints
from headwater.log import connection, streams
from headwater.log.writer import LogWriter
from headwater.pipelines.watcher import SnapshotWatcher
from headwater.roles import operations
from headwater.roles.engines import connect_log
from headwater.roles.serving import Server, serve_until
from headwater.settings import Settings
from headwater.timeseries.recorder import recording

logger = structlog.get_logger(__name__)


async def serve(settings: Settings, number: int, stop: asyncio.Event) -> None:
    """Collect until `stop`. `number` tells several processes of one machine apart (0, 1, …)."""
    engines = endpoints.resolve(settings)
    client = await connect_log(engines.nats_url, f"collect {number}")
    await streams.ensure(client, settings.log)
    writer = LogWriter(
        client,
        batch_limit=settings.log.commit_batch_limit,
        queue_limit_bytes=settings.collect.in_flight_limit_bytes,
        timeout_seconds=settings.collect.commit_timeout_seconds,
        gather_seconds=settings.log.commit_wait_milliseconds / 1000,
    )
    refusals = RefusalStream(client)
    async with SnapshotWatcher(engines.database_url) as sources:
        app = create_app(writer, refusals, sources, settings.collect, settings.log.partitions)
        health = operations.application(
            "collect", {"log": lambda: writer.healthy, "configuration": lambda: sources.ready}
        )
        shared = settings.collect.processes > 1
        doors = Server(app, settings.collect.host, settings.collect.port, setting="collect.port", shared=shared)
        operating = settings.operations
        ops = Server(health, operating.host, operating.collect_port + number, setting="operations.collect_port")
        background = [asyncio.create_task(writer.run()), asyncio.create_task(refusals.run())]
        logger.info("collecting", host=settings.collect.host, port=settings.collect.port)
        async with recording(engines.database_url, "collect"):
            await serve_until(stop, doors, ops)
            await writer.close()
        await cancelled(*background)
    await connection.close(client)
