"""What must run beside the builder for audiences to be right at every moment: one place for a role to start it all."""

from __future__ import annotations

import asyncio

import structlog

from headwater.audiences.filling import Filler
from headwater.audiences.scheduling import FlipScheduler
from headwater.audiences.sizes import SizeKeeper
from headwater.database.pool import open_pool

CONNECTIONS = 3
RETRY_SECONDS = 2.0

logger = structlog.get_logger(__name__)


async def keep_up(database_url: str) -> None:
    """Wake profiles whose moment has come, fill new audiences, add up sizes; until cancelled."""
    while True:
        try:
            await _keep_up(database_url)
        except Exception:  # this goes on as long as its process; all of it is safe to begin again
            logger.exception("audiences are not kept up; trying again")
        await asyncio.sleep(RETRY_SECONDS)


async def _keep_up(database_url: str) -> None:
    pool = await open_pool(database_url, size=CONNECTIONS)
    try:
        async with asyncio.TaskGroup() as group:
            for each in (FlipScheduler(pool), Filler(pool), SizeKeeper(pool)):
                group.create_task(each.run(), name=type(each).__name__)
    finally:
        pool.terminate()
