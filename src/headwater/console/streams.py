"""Streams of server-sent events that keep a page live.

A stream ends when the process stops, and after some minutes, so that a session that was ended does not look on for ever.
The browser connects again by itself; so the first event of a stream brings the page up to date.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from typing import Any, NamedTuple

from litestar.connection import ASGIConnection
from litestar.response import ServerSentEvent, ServerSentEventMessage

from headwater.console.ports import console_of

LONGEST_SECONDS = 300.0
RECONNECT_MILLISECONDS = 1000

Connection = ASGIConnection[Any, Any, Any, Any]


class Event(NamedTuple):
    """A part of a page by name: `sse-swap="name"` shows it."""

    name: str
    html: str


def stream(connection: Connection, events: AsyncGenerator[Event]) -> ServerSentEvent:
    """The reply that sends events as they come, until the process stops or the stream is old."""
    messages = _messages(events, console_of(connection).stopping)
    return ServerSentEvent(messages, headers={"cache-control": "no-store", "x-accel-buffering": "no"})


async def pause(connection: Connection, seconds: float) -> None:
    """Wait between two looks, no longer than the process lives."""
    stopping = console_of(connection).stopping
    try:
        async with asyncio.timeout(seconds):
            await stopping.wait()
    except TimeoutError:
        return


async def _messages(events: AsyncGenerator[Event], stopping: asyncio.Event) -> AsyncIterator[ServerSentEventMessage]:
    deadline = time.monotonic() + LONGEST_SECONDS
    async with aclosing(events):
        while not stopping.is_set() and time.monotonic() < deadline:
            event = await _next(events, stopping)
            if event is None:
                return
            yield ServerSentEventMessage(data=event.html, event=event.name, retry=RECONNECT_MILLISECONDS)


async def _next(events: AsyncGenerator[Event], stopping: asyncio.Event) -> Event | None:
    """The next event; None when there is none any more or the process stops first."""
    coming = asyncio.ensure_future(anext(events, None))
    stopped = asyncio.ensure_future(stopping.wait())
    try:
        await asyncio.wait({coming, stopped}, return_when=asyncio.FIRST_COMPLETED)
        return coming.result() if coming.done() else None
    finally:
        stopped.cancel()
        if not coming.done():
            coming.cancel()
            await asyncio.gather(coming, return_exceptions=True)
