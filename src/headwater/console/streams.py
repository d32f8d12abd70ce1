"""Streams of server-sent events that keep a page live.

A stream ends when the process stops, and after some minutes, so that a session that was ended does not look on for ever.
The browser connects again by itself; so the first event of a stream brings the page up to date.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator
from typing import Any, NamedTuple

import structlog
from litestar.connection import ASGIConnection
from litestar.response import ServerSentEvent, ServerSentEventMessage

from headwater.console.ports import console_of
from headwater.errors import HeadwaterError

LONGEST_SECONDS = 300.0
QUIET_SECONDS = 15.0
"""After so long without an event a comment is sent: proxies end connections that carry nothing."""
RECONNECT_MILLISECONDS = 1000

Connection = ASGIConnection[Any, Any, Any, Any]


_log = structlog.get_logger(__name__)


class Event(NamedTuple):
    """A part of a page by name: `sse-swap="name"` shows it."""

    name: str
    html: str


def stream(connection: Connection, events: AsyncGenerator[Event]) -> ServerSentEvent:
    """The reply that sends events as they come, until the process stops or the stream is old."""
    sent = messages(events, console_of(connection).stopping)
    return ServerSentEvent(sent, headers={"cache-control": "no-store", "x-accel-buffering": "no"})


async def pause(connection: Connection, seconds: float) -> None:
    """Wait between two looks, no longer than the process lives."""
    stopping = console_of(connection).stopping
    try:
        async with asyncio.timeout(seconds):
            await stopping.wait()
    except TimeoutError:
        return


async def messages(
    events: AsyncGenerator[Event],
    stopping: asyncio.Event,
    *,
    longest_seconds: float = LONGEST_SECONDS,
    quiet_seconds: float = QUIET_SECONDS,
) -> AsyncGenerator[ServerSentEventMessage]:
    """What is sent: each event, and a comment where nothing happens for long, so that nobody on the way gives up.

    Ends when `events` end or fail for a known reason, when `stopping` is set, and after `longest_seconds`.
    """
    deadline = time.monotonic() + longest_seconds
    stopped, coming = asyncio.ensure_future(stopping.wait()), _next(events)
    try:
        while not stopped.done() and time.monotonic() < deadline:
            both: set[asyncio.Future[Any]] = {coming, stopped}
            await asyncio.wait(both, timeout=quiet_seconds, return_when=asyncio.FIRST_COMPLETED)
            if not coming.done():
                yield ServerSentEventMessage(comment="nothing new")
                continue
            event = coming.result()
            if event is None:
                return
            yield ServerSentEventMessage(data=event.html, event=event.name, retry=RECONNECT_MILLISECONDS)
            coming = _next(events)
    except HeadwaterError as fault:
        _log.warning("a live page was cut off", reason=str(fault))
    finally:
        stopped.cancel()
        coming.cancel()
        await asyncio.gather(coming, return_exceptions=True)
        await events.aclose()


def _next(events: AsyncGenerator[Event]) -> asyncio.Future[Event | None]:
    return asyncio.ensure_future(anext(events, None))
