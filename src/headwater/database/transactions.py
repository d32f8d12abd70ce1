"""Borrow a connection from the pool, with passing faults translated."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from headwater.database import faults

ACQUIRE_LIMIT_SECONDS = 10.0


@asynccontextmanager
async def transaction(pool: Any, *, read_only: bool = False) -> AsyncIterator[Any]:
    """One transaction on one connection; committed when the block ends, rolled back when it raises.

    A read-only transaction sees one state of the database in all its statements (repeatable read).
    Raises UnavailableError or TransientError as `faults.translated` says. The commit of a transaction whose connection
    broke at the last moment may have happened: what is written must be safe to write again.
    """
    isolation = "repeatable_read" if read_only else "read_committed"
    with faults.translated():
        async with (
            pool.acquire(timeout=ACQUIRE_LIMIT_SECONDS) as connection,
            connection.transaction(isolation=isolation, readonly=read_only),
        ):
            yield connection
