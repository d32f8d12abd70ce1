"""Streams that keep a page live: they end when they should, and never fall silent."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator

from headwater.console.streams import Event, messages
from headwater.errors import UnavailableError


class Source:
    """Events one after another with a pause; `closed` says that whoever read them has let go."""

    def __init__(self, *names: str, pause: float = 0.0, fault: Exception | None = None) -> None:
        self.names, self.pause, self.fault, self.closed = names, pause, fault, False

    async def events(self) -> AsyncGenerator[Event]:
        try:
            for name in self.names:
                await asyncio.sleep(self.pause)
                yield Event(name, "<p>")
            if self.fault is not None:
                raise self.fault
        finally:
            self.closed = True


async def sent(source: Source, stopping: asyncio.Event | None = None, **limits: float) -> list[str | None]:
    """The names of what was sent, None for a comment."""
    stop = asyncio.Event() if stopping is None else stopping
    async with asyncio.timeout(5):
        return [message.event async for message in messages(source.events(), stop, **limits)]


async def test_events_pass_in_order():
    """All of them, then the stream ends and its source is closed."""
    source = Source("a", "b", "c")
    assert await sent(source) == ["a", "b", "c"]
    assert source.closed


async def test_silence_is_broken():
    """While nothing happens comments are sent, and the event that comes late is not lost."""
    found = await sent(Source("late", pause=0.2), quiet_seconds=0.05)
    assert found[-1] == "late"
    assert set(found[:-1]) == {None}


async def test_a_stream_ends_when_it_is_old():
    """Also one in which nothing happens: the session must be looked at again."""
    source = Source("never", pause=60)
    assert "never" not in await sent(source, longest_seconds=0.1, quiet_seconds=0.05)
    assert source.closed


async def test_the_end_of_the_process_ends_streams():
    """At once, in the middle of waiting."""
    stopping, source = asyncio.Event(), Source("never", pause=60)
    asyncio.get_running_loop().call_later(0.05, stopping.set)
    assert "never" not in await sent(source, stopping, quiet_seconds=60)
    assert source.closed


async def test_an_engine_that_is_away_ends_the_stream_quietly():
    """What was sent stays; the browser asks again by itself."""
    assert await sent(Source("a", fault=UnavailableError("the log is away"))) == ["a"]
