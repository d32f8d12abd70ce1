"""The life of a role's process: its loop, its logs, its signals, its exit code."""

from __future__ import annotations

import asyncio
import gc
import signal
import sys
from collections.abc import Awaitable, Callable

import structlog
import uvloop

from headwater.errors import HeadwaterError
from headwater.roles import logs
from headwater.settings import Settings

Role = Callable[[asyncio.Event], Awaitable[None]]

GARBAGE_THRESHOLDS = (200_000, 20, 20)
"""Allocations between two searches for cyclic garbage. Events are trees: counting references frees them at once, while
every event makes dozens of dictionaries, so that the default of 700 had the collector search a hundred times a second."""


def run(settings: Settings, name: str, role: Role) -> None:
    """Run `role` until SIGTERM or SIGINT sets its event and it has drained. Exits with 1 when it fails."""
    logs.configure(settings.operations)
    structlog.contextvars.bind_contextvars(role=name)
    gc.freeze()  # what is loaded by now stays: never search it
    gc.set_threshold(*GARBAGE_THRESHOLDS)
    try:
        uvloop.run(_with_signals(role))
    except HeadwaterError as fault:
        structlog.get_logger(__name__).error("cannot go on", reason=str(fault))
        sys.exit(1)


async def _with_signals(role: Role) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    await role(stop)
