"""End tasks for sure."""

from __future__ import annotations

import asyncio
from typing import Any

AGAIN_SECONDS = 2.0
"""A task may do what it must before it ends, and that takes less time."""


async def cancelled(*tasks: asyncio.Future[Any], again_seconds: float = AGAIN_SECONDS) -> None:
    """Cancel tasks and wait until all have ended, with whatever.

    A cancellation can get lost: `asyncio.wait_for` forgets one that comes in the moment of the result (until Python 3.12), and
    libraries use it. A task that works for ever would then be waited for as long, so who has not ended is cancelled again.
    """
    left = set(tasks)
    while left:
        for task in left:
            task.cancel()
        done, left = await asyncio.wait(left, timeout=again_seconds)
        for task in done:
            if not task.cancelled():
                task.exception()  # noticed; otherwise asyncio reports it as forgotten
