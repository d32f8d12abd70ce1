"""The role `console`: the pages and the admin API."""

from __future__ import annotations

import asyncio

import structlog

from headwater.api.ports import Services
from headwater.api.profile_services import profile_services
from headwater.cancelling import cancelled
from headwater.console.accounts.attempts import Attempts
from headwater.console.application import create_app
from headwater.console.deliveries.runs import RunWorker
from headwater.console.ports import Console
from headwater.database.pool import open_pool
from headwater.engines import endpoints
from headwater.log import connection, streams
from headwater.log.writer import LogWriter
from headwater.pipelines import secrets
from headwater.pipelines.watcher import SnapshotWatcher
from headwater.roles import operations
from headwater.roles.addresses import allowed_hosts, public_collector_url
from headwater.roles.engines import connect_log
from headwater.roles.serving import Server, serve_until
from headwater.routing.dead_letter_desk import DeadLetterDesk
from headwater.routing.dead_letters import DeadLetterStore
from headwater.routing.destinations import DestinationMaker
from headwater.routing.outbound import Outbound
from headwater.settings import Settings

logger = structlog.get_logger(__name__)


async def console(settings: Settings, number: int, stop: asyncio.Event) -> None:
    """Serve the pages and the admin API until `stop`."""
    engines = endpoints.resolve(settings)
    client = await connect_log(engines.nats_url, f"console {number}")
    await streams.ensure(client, settings.log)
    writer = LogWriter(client)
    writing = asyncio.create_task(writer.run())
    pool = await open_pool(engines.database_url)
    outbound = Outbound(allowed_hosts(settings))
    async with SnapshotWatcher(engines.database_url) as tokens:
        desk = DeadLetterDesk(DeadLetterStore(pool), writer)
        services = Services(
            pool=pool,
            tokens=tokens,
            box=secrets.open_box(settings),
            dead_letters=desk,
            profiles=profile_services(pool, client, settings),
        )
        working = asyncio.create_task(RunWorker(pool, desk).run())
        app = create_app(
            Console(
                services=services,
                attempts=Attempts(),
                collector_url=public_collector_url(settings),
                first_party_path=settings.collect.first_party_path,
                public_url=settings.console.public_url,
                log=client,
                destinations=DestinationMaker(settings, secrets.resolver(settings), outbound),
                stopping=stop,
            )
        )
        checks = {"log": lambda: client.is_connected, "configuration": lambda: tokens.ready}
        operating = settings.operations
        ops = Server(
            operations.application("console", checks),
            operating.host,
            operating.console_port + number,
            setting="operations.console_port",
        )
        pages = Server(app, settings.console.host, settings.console.port, setting="console.port")
        logger.info("serving the console and the admin API", host=settings.console.host, port=settings.console.port)
        await serve_until(stop, pages, ops)
        await cancelled(working)
        await writer.close()
        await cancelled(writing)
    await outbound.close()
    pool.terminate()
    await connection.close(client)
