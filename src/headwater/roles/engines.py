"""Reach the engines at the start of a role, however long they take."""

from __future__ import annotations

import asyncio

import structlog

from headwater.errors import UnavailableError
from headwater.log import connection
from headwater.log.connection import LogClient

LONGEST_PAUSE_SECONDS = 2.0

logger = structlog.get_logger(__name__)


async def connect_log(url: str, name: str, *, limit_seconds: float | None = None) -> LogClient:
    """Connect to the log, trying until it is there; at most `limit_seconds`, then UnavailableError."""
    loop = asyncio.get_running_loop()
    deadline = None if limit_seconds is None else loop.time() + limit_seconds
    pause = 0.1
    while True:
        try:
            return await connection.connect(url, f"headwater {name}")
        except UnavailableError as fault:
            if deadline is not None and loop.time() > deadline:
                raise
            logger.warning("waiting for the event log", reason=str(fault))
            await asyncio.sleep(pause)
            pause = min(pause * 2, LONGEST_PAUSE_SECONDS)
