"""Keep refusals in the stream REFUSED: the newest within a size, for people to look at.

Nothing waits for it. What does not fit into the queue, because the log is away or an attacker is fast, is not kept;
it is counted all the same.
"""

from __future__ import annotations

import asyncio
from collections import deque

import msgspec
import nats.errors
from nats.aio.client import Client

from headwater.collect.ports import Refusal
from headwater.log.records import SUBJECT_ROOT, subject_token

QUEUE_LIMIT = 1000
PAUSE_SECONDS = 0.05
"""At most this often, so that a flood of refusals costs little beside the accepted events."""
PER_PAUSE = 20


class KeptRefusal(msgspec.Struct, frozen=True):
    """A refusal as it stands in the log; the excerpt as text, bytes that are no UTF-8 replaced."""

    source: str
    route: str
    reason: str
    message: str
    field: str
    excerpt: str
    received_at: str
    request_ip: str


class RefusalStream:
    """Publishes refusals in the background. Call `run` as a task."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._queue: deque[Refusal] = deque(maxlen=QUEUE_LIMIT)
        self._wake = asyncio.Event()

    def keep(self, refusal: Refusal) -> None:
        """Take note without waiting; when the queue is full the oldest makes room."""
        self._queue.append(refusal)
        self._wake.set()

    async def run(self) -> None:
        """Publish what is queued, for ever."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._queue:
                for _ in range(min(PER_PAUSE, len(self._queue))):
                    await self._publish(self._queue.popleft())
                await asyncio.sleep(PAUSE_SECONDS)

    async def _publish(self, refusal: Refusal) -> None:
        subject = f"{SUBJECT_ROOT}.refused.{subject_token(refusal.source or '-')}"
        kept = KeptRefusal(**{**refusal._asdict(), "excerpt": refusal.excerpt.decode("utf-8", "replace")})
        try:
            await self._client.publish(subject, msgspec.json.encode(kept))
        except (OSError, nats.errors.Error):
            return  # looking at refusals is a convenience; they are counted already
