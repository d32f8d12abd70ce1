"""Read records in log order, each once, from a place on: a position that the reader keeps himself.

JetStream's consumer behind it lives in the memory of one server and may go with it. What was handed out tells where to
begin again, so the reader makes a new consumer and goes on; nothing is left out and nothing comes twice.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence

import nats.errors
from nats.aio.client import Client
from nats.js.api import ConsumerInfo
from nats.js.errors import APIError, NotFoundError

from headwater.errors import UnavailableError
from headwater.log import consumer
from headwater.log.consumer import Consumer, ConsumerSpec, Delivered


class OrderedReader:
    """Takes the records of `subjects` after the sequence `after`, or stored since `since` (seconds since 1970)."""

    def __init__(
        self,
        client: Client,
        stream: str,
        subjects: Sequence[str],
        *,
        after: int = 0,
        since: float | None = None,
        window: int = 1000,
    ) -> None:
        self._client = client
        self._stream = stream
        self._subjects = tuple(subjects)
        self._after = after
        self._since = since
        self._window = window
        self._consumer: Consumer | None = None
        self._spec: ConsumerSpec | None = None
        self._place = 0

    async def take(self, limit: int, wait_seconds: float) -> list[Delivered]:
        """Up to `limit` records in log order; waits for the first one at most `wait_seconds`.

        Raises UnavailableError when the log cannot be reached; the next call goes on where the last one ended.
        """
        reading = self._consumer if self._consumer is not None else await self._begin()
        taken: list[Delivered] = []
        for message in await reading.take(limit, wait_seconds):
            if message.place != self._place + 1:
                await self.stop()
                return taken
            self._place = message.place
            self._after = message.sequence
            taken.append(message)
        if reading.lost:
            await self.stop()
        return taken

    async def waiting(self) -> int:
        """How many records the server has not handed out. Raises UnavailableError."""
        return (await self._standing()).num_pending or 0

    async def exhausted(self) -> bool:
        """Whether every record that is in the log now was taken. Raises UnavailableError."""
        info = await self._standing()
        handed_out = info.delivered.consumer_seq if info.delivered is not None else 0
        return not info.num_pending and handed_out == self._place

    async def _standing(self) -> ConsumerInfo:
        for last in (False, True):
            if self._consumer is None:
                await self._begin()
            assert self._spec is not None  # noqa: S101  # made with the consumer
            try:
                info: ConsumerInfo = await self._client.jsm().consumer_info(self._stream, self._spec.name)
            except (OSError, TimeoutError, nats.errors.Error, APIError) as fault:
                await self.stop()
                if last or not isinstance(fault, NotFoundError):
                    raise UnavailableError(f"the event log does not answer ({type(fault).__name__})") from fault
            else:
                return info
        raise AssertionError("unreachable: the second look returns or raises")

    async def stop(self) -> None:
        """Give the server's position up; `take` begins a new one after the last record taken."""
        reading, spec = self._consumer, self._spec
        self._consumer = self._spec = None
        if reading is None or spec is None:
            return
        await reading.stop()
        await consumer.forget(self._client, spec.stream, spec.name)

    async def _begin(self) -> Consumer:
        spec = ConsumerSpec(
            stream=self._stream,
            name=f"reader-{uuid.uuid4().hex[:12]}",
            subjects=self._subjects,
            start_time=None if self._after else self._since,
            start_sequence=self._after + 1 if self._after else None,
            durable=False,
        )
        reading = Consumer(self._client, spec, self._window)
        await reading.start()
        self._consumer, self._spec, self._place = reading, spec, 0
        return reading
