"""The role `profile`: build profiles from the log."""

from __future__ import annotations

import asyncio
import gc
import os

import structlog

from headwater.archive.stores import open_store
from headwater.audiences.observer import AudienceObserver
from headwater.audiences.succession import AudienceSuccession
from headwater.audiences.upkeep import keep_up
from headwater.cancelling import cancelled
from headwater.collect.forgetting import RefusalCopies
from headwater.engines import endpoints
from headwater.log import connection, streams
from headwater.log.writer import LogWriter
from headwater.pipelines import secrets
from headwater.pipelines.watcher import SnapshotWatcher
from headwater.profiles.erasure.keepers import CopyKeeper
from headwater.profiles.erasure.sweeper import Sweeper
from headwater.profiles.outbox import OutboxRelay
from headwater.profiles.rebuild.rebuilder import Rebuilder
from headwater.profiles.worker import ProfileWorker
from headwater.roles import operations
from headwater.roles.engines import connect_log
from headwater.roles.serving import Server, serve_until
from headwater.routing.forgetting import DeliveryCopies
from headwater.routing.ownership import Ownership
from headwater.settings import Settings
from headwater.timeseries.recorder import recording

NICENESS = 5
"""Taking events and delivering them come first; before archiving, which can wait longer."""

YOUNG_OBJECTS = 1_000_000
"""Allocations between two searches for cyclic garbage. A batch on its way holds hundreds of thousands of objects that are no
garbage, and with the threshold of other roles they were searched several times for each batch."""

logger = structlog.get_logger(__name__)


async def profile(settings: Settings, number: int, stop: asyncio.Event) -> None:
    """Build profiles until `stop`. Several processes share the partitions of the log among themselves."""
    os.nice(NICENESS)
    gc.set_threshold(YOUNG_OBJECTS, *gc.get_threshold()[1:])
    engines = endpoints.resolve(settings)
    client = await connect_log(engines.nats_url, f"profile {number}")
    await streams.ensure(client, settings.log)
    async with SnapshotWatcher(engines.database_url) as configuration:
        worker = ProfileWorker(
            client,
            engines.database_url,
            settings.log.partitions,
            configuration,
            secrets.resolver(settings),
            observers=lambda: [AudienceObserver()],
            batch_limit=settings.profile.batch_limit,
        )
        checks = {"log": lambda: client.is_connected, "profiles": lambda: worker.ready}
        health = operations.application("profile", checks, worker.measure)
        operating = settings.operations
        ops = Server(health, operating.host, operating.profile_port + number, setting="operations.profile_port")
        working = asyncio.create_task(worker.run(stop))
        writer = LogWriter(client)
        relay = OutboxRelay(
            client, writer, engines.database_url, settings.log.partitions, settings.log.dedup_window_seconds
        )
        rebuilder = Rebuilder(
            client,
            engines.database_url,
            settings.log.partitions,
            configuration,
            secrets.resolver(settings),
            open_store(settings),
            [AudienceSuccession()],
        )
        keepers: list[CopyKeeper] = [DeliveryCopies(client), RefusalCopies(client)]
        sweeper = Sweeper(client, engines.database_url, open_store(settings), keepers)
        sweeping = Ownership(engines.database_url).hold("deletions", sweeper.run)
        works = (keep_up(engines.database_url), writer.run(), relay.run(), rebuilder.run(), sweeping)
        beside = [asyncio.create_task(work) for work in works]
        logger.info("building profiles")
        async with recording(engines.database_url, "profile", worker.measure):
            await serve_until(stop, ops)
            await working
        await cancelled(*beside)
    await connection.close(client)
