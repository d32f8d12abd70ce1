"""The role `route`: deliver what is in the log to the integrations."""

from __future__ import annotations

import asyncio
import contextlib

import nats.errors
import structlog
from nats.aio.client import Client
from prometheus_client import Gauge

from headwater.cancelling import cancelled
from headwater.database.pool import open_pool
from headwater.engines import endpoints
from headwater.errors import UnavailableError
from headwater.log import connection, consumer, streams
from headwater.log.writer import LogWriter
from headwater.pipelines import secrets
from headwater.pipelines.snapshot import ConfigurationSnapshot
from headwater.pipelines.watcher import SnapshotWatcher
from headwater.roles import operations
from headwater.roles.addresses import allowed_hosts
from headwater.roles.engines import connect_log
from headwater.roles.serving import Server, serve_until
from headwater.routing.attempts import AttemptLog
from headwater.routing.dead_letters import DeadLetterStore
from headwater.routing.destinations import DestinationMaker
from headwater.routing.outbound import Outbound
from headwater.routing.ownership import Ownership
from headwater.routing.router import Router, consumer_labels
from headwater.settings import Settings
from headwater.timeseries.recorder import recording

POOL_SIZE = 4

LAG = Gauge("headwater_log_lag", "Records that an integration has not settled", ["stream", "consumer", "integration"])

logger = structlog.get_logger(__name__)


async def route(settings: Settings, number: int, stop: asyncio.Event) -> None:
    """Deliver until `stop`. `number` tells several processes of one machine apart (0, 1, …)."""
    engines = endpoints.resolve(settings)
    client = await connect_log(engines.nats_url, f"route {number}")
    await streams.ensure(client, settings.log)
    pool = await _open_pool(engines.database_url)
    outbound = Outbound(allowed_hosts(settings))
    maker = DestinationMaker(settings, secrets.resolver(settings), outbound)
    writer = LogWriter(client)
    attempts = AttemptLog(client, writer, pool)
    keeping = [asyncio.create_task(writer.run()), asyncio.create_task(attempts.run())]
    router = Router(client, DeadLetterStore(pool), maker.make, Ownership(engines.database_url), attempts)
    async with SnapshotWatcher(engines.database_url) as configuration:

        async def measure() -> None:
            with contextlib.suppress(nats.errors.Error, TimeoutError):  # the last known lag stays, as for the archive
                await _measure_lag(client, configuration.snapshot)

        checks = {"log": lambda: client.is_connected, "configuration": lambda: configuration.ready}
        health = operations.application("route", checks, measure)
        operating = settings.operations
        ops = Server(health, operating.host, operating.route_port + number, setting="operations.route_port")
        following = asyncio.create_task(router.follow(configuration.changes()))
        logger.info("routing")
        async with recording(engines.database_url, "route", measure):
            await serve_until(stop, ops)
            await cancelled(following)
            await router.stop()
    await cancelled(*keeping)
    await outbound.close()
    pool.terminate()
    await connection.close(client)


async def _open_pool(url: str):  # type: ignore[no-untyped-def]  # asyncpg has no types
    while True:
        try:
            return await open_pool(url, size=POOL_SIZE)
        except UnavailableError as fault:
            logger.warning("waiting for the database", reason=str(fault))


async def _measure_lag(client: Client, snapshot: ConfigurationSnapshot) -> None:
    names = consumer_labels(snapshot)
    for stream in (streams.MAIN, streams.REPLAYS):
        for found in await consumer.lag(client, stream):
            integration = names.get(found.name, "")
            LAG.labels(stream, found.name, integration).set(found.waiting + found.unacknowledged)
