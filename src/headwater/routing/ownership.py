"""One process at a time works for an ordered integration.

Order cannot be kept by two processes that take turns on one consumer. The owner holds an advisory lock of PostgreSQL on
a connection of its own and looks every `LOOK_SECONDS` whether the connection still stands. Who gets a lock that somebody
may have lost a moment ago (it was taken before, or the server started just now) waits `GRACE_SECONDS` before working:
by then the old owner has noticed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import structlog

from headwater.cancelling import cancelled
from headwater.database import faults
from headwater.database.pool import open_connection
from headwater.errors import TransientError

LOOK_SECONDS = 2.0
ANSWER_SECONDS = 3.0
GRACE_SECONDS = LOOK_SECONDS + ANSWER_SECONDS + 1
_TRY = """
SELECT pg_try_advisory_lock(hashtextextended($1, 0)) AS owned,
       extract(epoch FROM clock_timestamp() - pg_postmaster_start_time())::float8 AS server_age
"""

logger = structlog.get_logger(__name__)


class Ownership:
    """Locks by name in one database."""

    def __init__(self, database_url: str) -> None:
        self._database_url = database_url

    async def hold(self, name: str, work: Callable[[], Awaitable[None]]) -> None:
        """Run `work` while this process owns `name`, again after a lost connection; returns when `work` returns."""
        contended = False
        while True:
            try:
                if await self._work_as_owner(name, work, contended):
                    return
                contended = True
            except TransientError as fault:
                logger.warning("ownership cannot be asked for", name=name, reason=str(fault))
            await asyncio.sleep(LOOK_SECONDS)

    async def _work_as_owner(self, name: str, work: Callable[[], Awaitable[None]], contended: bool) -> bool:
        connection = await open_connection(self._database_url)
        try:
            with faults.translated():
                state = await connection.fetchrow(_TRY, name)
            if not state["owned"]:
                return False
            if contended or state["server_age"] < GRACE_SECONDS:
                await asyncio.sleep(GRACE_SECONDS)
            working = asyncio.ensure_future(work())
            watching = asyncio.create_task(_until_lost(connection))
            try:
                await asyncio.wait({working, watching}, return_when=asyncio.FIRST_COMPLETED)
                if working.done():
                    working.result()
                    return True
                logger.warning("ownership is lost with the database connection; starting again", name=name)
                return False
            finally:
                await cancelled(working, watching)
        finally:
            connection.terminate()


async def _until_lost(connection: Any) -> None:
    while True:
        await asyncio.sleep(LOOK_SECONDS)
        try:
            with faults.translated():
                await connection.fetchval("SELECT 1", timeout=ANSWER_SECONDS)
        except TransientError:
            return
