"""What the log's commands share: a session with the database and the log, and a writer where they need one."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

from headwater.cancelling import cancelled
from headwater.cli.configuration_session import session
from headwater.engines import endpoints
from headwater.log import connection
from headwater.log.connection import LogClient
from headwater.log.writer import LogWriter
from headwater.settings import Settings


class LogSession(NamedTuple):
    """A command's access to the log and the configuration."""

    client: LogClient
    pool: Any
    settings: Settings
    actor: str


@asynccontextmanager
async def log_session(command: str) -> AsyncIterator[LogSession]:
    """Reach log and database of this install; `command` names the connection.

    Raises ConfigurationError when the install is not running, UnavailableError when the log does not answer.
    """
    async with session() as made:
        client = await connection.connect(endpoints.resolve(made.settings).nats_url, f"headwater {command}")
        try:
            yield LogSession(client, made.pool, made.settings, made.actor)
        finally:
            await connection.close(client)


@asynccontextmanager
async def log_writer(client: LogClient) -> AsyncIterator[LogWriter]:
    """A writer that commits while the block runs."""
    writer = LogWriter(client)
    running = asyncio.create_task(writer.run())
    try:
        yield writer
        await writer.close()
    finally:
        await cancelled(running)
