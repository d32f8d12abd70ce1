"""Replay events through the front door, and watch them until every integration is done with them."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import timedelta
from typing import Any, NamedTuple

from pyreqwest.client import Client, ClientBuilder
from pyreqwest.exceptions import PyreqwestError

from headwater.demo import measurements
from headwater.demo.ledger import Ledger
from headwater.demo.measurements import Meter
from headwater.demo.sender import Sender
from headwater.demo.status import Balance, Status, balance_of, status_of

LOOK_SECONDS = 0.5
SCRAPE_SECONDS = 3.0
PATIENCE_SECONDS = 60.0
"""How long deliveries may stand still, after the last event is sent, before the replay stops waiting."""

Event = dict[str, Any]
Show = Callable[[Status], None]


class Target(NamedTuple):
    """Where to send and whom to watch.

    `integrations` maps each attached integration ("pipeline/integration") to its consumer of the log, `processes` the
    name of each role's process to the address of its metrics.
    """

    url: str
    write_key: str
    integrations: Mapping[str, str]
    processes: Mapping[str, str]


async def play(
    target: Target,
    events: Iterable[Event],
    total: int,
    *,
    rate: float | None,
    ledger: Ledger,
    show: Show,
    patience_seconds: float = PATIENCE_SECONDS,
) -> tuple[Status, Balance]:
    """Send `events` (`total` of them) and return when they are delivered, or nothing moved for `patience_seconds`.

    Raises ConfigurationError when the collector takes nothing at all.
    """
    async with _Watch(target, total) as watch:
        await watch.look()
        before = await ledger.count()
        message_ids: set[str] = set()
        sending = asyncio.create_task(watch.sender.send(_noting(events, message_ids), rate))
        try:
            while not sending.done():
                await asyncio.wait({sending}, timeout=LOOK_SECONDS)
                show(await watch.look())
            sending.result()
        finally:
            sending.cancel()
        status = await _until_settled(watch, show, patience_seconds)
        stored = await ledger.count() - before
        # Where the log grew by every event, all of them are in it. Else some are duplicates, or lost: it must be read.
        absent = 0 if stored >= status.sent else await ledger.absent(message_ids)
        return status, balance_of(status, stored, absent, watch.meter.restarted)


def _noting(events: Iterable[Event], message_ids: set[str]) -> Iterator[Event]:
    for event in events:
        message_ids.add(event["messageId"])
        yield event


async def _until_settled(watch: _Watch, show: Show, patience_seconds: float) -> Status:
    moved_at, last = time.monotonic(), (-1, -1)
    while True:
        status = await watch.look()
        show(status)
        if status.lag == 0:
            return status
        moved = (-1 if status.lag is None else status.lag, status.settled)
        if moved != last:
            moved_at, last = time.monotonic(), moved
        elif time.monotonic() - moved_at > patience_seconds:
            return status
        await asyncio.sleep(LOOK_SECONDS)


class _Watch:
    """The sender, the meter, and the connection to the roles' metrics."""

    def __init__(self, target: Target, total: int) -> None:
        self._target = target
        self._total = total
        self._started = time.monotonic()
        self._seconds = 0.0
        self.sender = Sender(target.url, target.write_key)
        self.meter = Meter()

    async def __aenter__(self) -> _Watch:
        builder = ClientBuilder().no_proxy().timeout(timedelta(seconds=SCRAPE_SECONDS))
        self._client: Client = builder.build()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._client.close()

    async def look(self) -> Status:
        """Read the metrics of all processes."""
        await asyncio.gather(*(self._read(name, url) for name, url in self._target.processes.items()))
        tally = self.sender.tally
        if tally.sent < self._total:
            self._seconds = time.monotonic() - self._started
        integrations = self._target.integrations
        return status_of(
            tally, self.meter, self._total, self._seconds, tuple(integrations), tuple(integrations.values())
        )

    async def _read(self, process: str, url: str) -> None:
        with contextlib.suppress(PyreqwestError, ValueError):
            response = await self._client.get(url).build().send()
            if response.status == 200:
                self.meter.read(process, measurements.parse(await response.text()))
                return
        self.meter.miss(process)
