"""Tasks are ended for sure."""

import asyncio

from headwater.cancelling import cancelled


async def test_who_misses_a_cancellation_is_cancelled_again():
    """And who ends with an error has ended."""
    heard = []

    async def hard_of_hearing():
        while True:
            try:
                await asyncio.sleep(60)
            except asyncio.CancelledError:
                heard.append(1)
                if len(heard) == 3:
                    raise

    async def failing():
        try:
            await asyncio.sleep(60)
        finally:
            raise ValueError("too late")

    tasks = [asyncio.create_task(work()) for work in (hard_of_hearing, failing)]
    await asyncio.sleep(0)
    await cancelled(*tasks, again_seconds=0.01)
    assert len(heard) == 3
    assert all(task.done() for task in tasks)
