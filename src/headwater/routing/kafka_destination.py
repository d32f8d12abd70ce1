"""A Kafka topic as a destination: one message for each output, stored by all in-sync replicas before it counts.

At least once: when some messages of a batch fail for now, the whole batch is sent again. Messages of one person have
one key, so they are in one partition.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, TypeVar

from headwater import jsontext
from headwater.errors import InputError, PermanentError, TransientError
from headwater.events import Record
from headwater.playbooks import CompiledIntegration, HttpRequest
from headwater.playbooks.outputs import SYSTEM_CLOCK
from headwater.playbooks.scalars import scalar_text
from headwater.routing.destination import Attempt, Exchange, Fault, Outgoing, Pace, Prepared
from headwater.routing.exchanges import shown_exchange
from headwater.routing.kafka_producer import KafkaProducer, Message
from headwater.routing.kafka_settings import MESSAGE_LIMIT_BYTES, KafkaSettings
from headwater.routing.masking import Mask
from headwater.routing.outbound import RESOLVED_SECONDS, resolve
from headwater.routing.outcomes import Outcome, Refused, Retry

ROOM_FOR_HEADERS_BYTES = 1024
"""Of a message's limit: what the protocol itself writes into it."""

T = TypeVar("T")


class KafkaDestination:
    """One revision of an integration that writes to a topic."""

    def __init__(
        self,
        revision: int,
        integration: CompiledIntegration,
        pace: Pace,
        settings: KafkaSettings,
        batch_size: int,
        timeout_seconds: float,
        allowed_hosts: Collection[str],
        mask: Mask,
    ) -> None:
        self.revision = revision
        self.pace = pace
        self._integration = integration
        self._settings = settings
        self._batch_size = batch_size
        self._timeout = timeout_seconds
        self._allowed = frozenset(allowed_hosts)
        self._mask = mask
        self._producer: KafkaProducer | None = None
        self._checked_until = 0.0
        self._opening = asyncio.Lock()
        # Threads of its own: brokers that do not answer must not take those that others resolve names in.
        self._threads = ThreadPoolExecutor(pace.concurrency, thread_name_prefix="kafka")

    def prepare(self, record: Record) -> Prepared:
        """Run the playbook; each output is a message."""
        prepared = self._integration.prepare(record.data, SYSTEM_CLOCK)
        key = message_key(record.data)
        faults = [Fault(flag.where, flag.message) for flag in prepared.flags]
        outgoing = []
        for output in prepared.outputs:
            try:
                message = Message(key, jsontext.encode(output.body))
            except InputError as fault:
                faults.append(Fault("output", str(fault)))
            else:
                outgoing.append(Outgoing(None, self._batch_size, message))
        return Prepared(tuple(outgoing), None if prepared.drop is None else prepared.drop.reason, tuple(faults))

    async def send(self, pieces: Sequence[Outgoing]) -> Attempt:
        """Send the messages and wait until each is stored."""
        messages: list[Message] = [piece.content for piece in pieces]
        outcome: Outcome | None = self._too_large(messages)
        if outcome is None:
            try:
                outcome = await self._send(messages)
            except TransientError as fault:
                outcome = Retry(str(fault), fault.retry_after)
            except PermanentError as fault:
                outcome = Refused(str(fault), split=False)
        return Attempt(outcome, partial(self._shown, messages))

    def _shown(self, messages: Sequence[Message]) -> Exchange:
        brokers = ",".join(map(str, self._settings.brokers))
        content = b"\n".join(message.value for message in messages)
        shown = HttpRequest("PRODUCE", f"kafka://{brokers}/{self._settings.topic}", (), content)
        return shown_exchange(shown, None, self._mask)

    def _too_large(self, messages: Sequence[Message]) -> Refused | None:
        """Found before anything is sent: halving the batch then leaves no message doubled."""
        limit = MESSAGE_LIMIT_BYTES - ROOM_FOR_HEADERS_BYTES
        largest = max(len(message.value) + len(message.key or b"") for message in messages)
        if largest <= limit:
            return None
        return Refused(f"a message has {largest} bytes, more than Kafka takes ({limit})", split=len(messages) > 1)

    async def _send(self, messages: Sequence[Message]) -> Outcome:
        producer = await self._ready()
        abandoned = threading.Event()
        try:
            outcome = await self._in_thread(producer.send, messages, abandoned)
        finally:
            abandoned.set()
        if isinstance(outcome, Refused) and len(messages) == 1:
            return Refused(outcome.reason, split=False)
        return outcome

    async def _ready(self) -> KafkaProducer:
        """The producer, with the addresses that it connects to checked not long ago."""
        async with self._opening:
            if self._producer is not None and self._producer.broken:
                self._forget()
            if self._producer is not None and time.monotonic() < self._checked_until:
                return self._producer
            try:
                return await self._opened()
            except PermanentError:
                self._forget()
                raise

    async def _opened(self) -> KafkaProducer:
        for broker in self._settings.brokers:
            await resolve(broker.host, broker.port, self._allowed)
        if self._producer is None:
            self._producer = KafkaProducer(self._settings, self._timeout)
        named = await self._in_thread(self._producer.brokers)
        if isinstance(named, Retry):
            raise TransientError(named.reason)
        for broker in named:  # a cluster may send its clients anywhere
            await resolve(broker.host, broker.port, self._allowed)
        self._checked_until = time.monotonic() + RESOLVED_SECONDS
        return self._producer

    def _forget(self) -> None:
        self._producer = None
        self._checked_until = 0.0

    async def _in_thread(self, work: Callable[..., T], *arguments: Any) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, work, *arguments)


def message_key(event: Mapping[str, Any]) -> bytes | None:
    """Who an event is about: `userId`, else `anonymousId`; None, which means any partition, when it has neither."""
    for name in ("userId", "anonymousId"):
        text = scalar_text(event.get(name))
        if text:
            return text.encode("utf-8", "surrogatepass")
    return None
