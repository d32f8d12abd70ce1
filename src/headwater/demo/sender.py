"""Send events to a collector as an SDK on a server does: batches over a few connections that stay open.

Each household belongs to one lane, and a lane sends one batch after the other: the events of a household arrive in
their order, however often a batch must be repeated. A batch is repeated until the collector has answered for it.
"""

from __future__ import annotations

import asyncio
import random
import time
import zlib
from collections.abc import AsyncIterator, Iterable
from datetime import timedelta
from typing import Any

from pyreqwest.client import Client, ClientBuilder
from pyreqwest.exceptions import BuilderError, PyreqwestError

from headwater import __version__, jsontext
from headwater.demo.replies import Again, Hopeless, Taken, Verdict, judge
from headwater.errors import ConfigurationError
from headwater.routing import backoff

LANES = 4
BATCH_LIMIT = 100
WAITING_BATCHES = 2
REQUEST_SECONDS = 30.0
LONGEST_WAIT_SECONDS = 5.0
FILL_SECONDS = 0.25
"""With a low rate, the time in which a lane fills its batch; an SDK flushes by a timer for the same reason."""
SHORTEST_SLEEP_SECONDS = 0.01
FIRST_ANSWER_SECONDS = 30.0
"""An address that was silent for so long from the start is a wrong one; a collector that answered once is waited for."""
CONTEXT = {"library": {"name": "headwater-demo", "version": __version__}}

Event = dict[str, Any]


class Tally:
    """What has become of the events so far. `repeats` counts requests that were sent again."""

    def __init__(self) -> None:
        self.sent = 0
        self.accepted = 0
        self.refused = 0
        self.repeats = 0
        self.first_refusal = ""
        self.trouble = ""

    def add(self, taken: Taken) -> None:
        """Count an answered batch."""
        self.sent += taken.accepted + taken.refused
        self.accepted += taken.accepted
        self.refused += taken.refused
        self.trouble = ""
        if not self.first_refusal:
            self.first_refusal = taken.reason


class Sender:
    """Sends to one collector with one write key. `tally` may be read at any time."""

    def __init__(self, url: str, write_key: str, first_answer_seconds: float = FIRST_ANSWER_SECONDS) -> None:
        self._url = f"{url.rstrip('/')}/v1/batch"
        self._first_answer_seconds = first_answer_seconds
        self._write_key = write_key
        self._started = time.monotonic()
        self._answered = False
        self.tally = Tally()

    async def send(self, events: Iterable[Event], rate: float | None = None) -> None:
        """Send everything, at most `rate` events per second, and return when all of it is answered for.

        Raises ConfigurationError when the collector will never take anything: wrong address or write key.
        """
        self._started = time.monotonic()
        lanes = [_Lane(batch_size(rate)) for _ in range(LANES)]
        async with _client() as client:
            try:
                async with asyncio.TaskGroup() as group:
                    for lane in lanes:
                        group.create_task(self._empty(lane, client))
                    async for event in _paced(events, rate):
                        await lanes[lane_of(event["userId"])].put(event)
                    for lane in lanes:
                        await lane.close()
            except* ConfigurationError as faults:
                raise faults.exceptions[0] from None

    async def _empty(self, lane: _Lane, client: Client) -> None:
        while batch := await lane.queue.get():
            self.tally.add(await self._deliver(batch, client))

    async def _deliver(self, batch: list[Event], client: Client) -> Taken:
        body = jsontext.encode({"batch": batch, "context": CONTEXT})
        attempt = 0
        while True:
            attempt += 1
            match await self._post(body, len(batch), client):
                case Taken() as taken:
                    return taken
                case Hopeless(reason):
                    raise ConfigurationError(f"the collector takes nothing: {reason}", self._url)
                case Again(reason, after):
                    self.tally.repeats += 1
                    self.tally.trouble = reason
                    await asyncio.sleep(wait_before_repeat(attempt, after, random.random()))  # noqa: S311  # jitter is no secret

    async def _post(self, body: bytes, size: int, client: Client) -> Verdict:
        try:
            request = (
                client.post(self._url)
                .basic_auth(self._write_key, "")
                .header("content-type", "application/json")
                .body_bytes(body)
                .build()
            )
        except (BuilderError, ValueError) as fault:
            return Hopeless(f"the address is not valid: {fault}")
        try:
            response = await request.send()
            answer = bytes(await response.bytes())
        except PyreqwestError as fault:
            if not self._answered and time.monotonic() - self._started > self._first_answer_seconds:
                return Hopeless(f"nobody answers there ({type(fault).__name__}); is `headwater up` running?")
            return Again(f"no answer ({type(fault).__name__})")
        self._answered = True
        return judge(response.status, response.get_header("retry-after"), answer, size, time.time())


class _Lane:
    """The way of some households: a batch that fills, and a few that wait."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._filling: list[Event] = []
        self.queue: asyncio.Queue[list[Event]] = asyncio.Queue(WAITING_BATCHES)

    async def put(self, event: Event) -> None:
        self._filling.append(event)
        if len(self._filling) == self._size:
            await self._flush()

    async def close(self) -> None:
        if self._filling:
            await self._flush()
        await self.queue.put([])  # an empty batch ends the lane

    async def _flush(self) -> None:
        full, self._filling = self._filling, []
        await self.queue.put(full)


def lane_of(user_id: str) -> int:
    """The lane of a household, always the same."""
    return zlib.crc32(user_id.encode()) % LANES


def batch_size(rate: float | None) -> int:
    """Events in a batch: the limit, or less where filling it would take long."""
    return BATCH_LIMIT if rate is None else min(BATCH_LIMIT, max(1, int(rate * FILL_SECONDS / LANES)))


def wait_before_repeat(attempt: int, after: float | None, chance: float) -> float:
    """Seconds until a batch is sent again: as long as the collector asks, else doubling up to a few seconds."""
    own = min(backoff.delay(attempt, chance), LONGEST_WAIT_SECONDS)
    return own if after is None else max(own, after)


async def _paced(events: Iterable[Event], rate: float | None) -> AsyncIterator[Event]:
    started = time.monotonic()
    for number, event in enumerate(events):
        if rate is not None:
            ahead = number / rate - (time.monotonic() - started)
            if ahead > SHORTEST_SLEEP_SECONDS:
                await asyncio.sleep(ahead)
        yield event


def _client() -> Client:
    return (
        ClientBuilder()
        .no_proxy()
        .follow_redirects(False)
        .gzip(False)
        .timeout(timedelta(seconds=REQUEST_SECONDS))
        .pool_max_idle_per_host(LANES)
        .user_agent(f"headwater-demo/{__version__}")
        .build()
    )
