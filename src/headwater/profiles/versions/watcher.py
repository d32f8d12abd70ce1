"""Follow the live schema: every process that asks has the newest one compiled, within 2 seconds of its going live.

Going live is a change of the configuration, so it is announced as all of them are; and because an announcement can be lost
with its connection, the live number is looked at every second.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any, NamedTuple

import structlog

from headwater.database import faults
from headwater.database.pool import open_connection
from headwater.errors import UnavailableError
from headwater.pipelines.watcher import CHANNEL, POLL_SECONDS
from headwater.profiles.compiled_schema import CompiledSchema
from headwater.profiles.versions import version_store
from headwater.profiles.versions.version_store import QUERIES

_QUESTION_LIMIT_SECONDS = 5.0

_log = structlog.get_logger(__name__)


class LiveSchema(NamedTuple):
    """The live version, ready for events."""

    number: int
    compiled: CompiledSchema


async def load(connection: Any, known: LiveSchema | None = None) -> LiveSchema:
    """The live version; `known` itself when that is still it. Raises UnavailableError while there is none yet."""
    number = await connection.fetchval(QUERIES["live_number"])
    if known is not None and known.number == number:
        return known
    found = await version_store.live(connection)
    # Compiling a large schema takes about as long as a hundred events: not in the event loop.
    return LiveSchema(found.number, await asyncio.to_thread(CompiledSchema, found.schema))


class SchemaWatcher:
    """Holds the live schema. Starts without PostgreSQL; use as an async context manager."""

    def __init__(self, database_url: str, *, poll_seconds: float = POLL_SECONDS) -> None:
        self._database_url = database_url
        self._poll_seconds = poll_seconds
        self._live: LiveSchema | None = None
        self._changed = asyncio.Condition()
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._complained = False

    @property
    def ready(self) -> bool:
        """Whether a schema was ever loaded."""
        return self._live is not None

    @property
    def live(self) -> LiveSchema:
        """The live schema as this process knows it. Raises UnavailableError before the first load."""
        if self._live is None:
            raise UnavailableError("the schema is still being loaded; try again soon")
        return self._live

    async def __aenter__(self) -> SchemaWatcher:
        self._task = asyncio.create_task(self._follow(), name="schema watcher")
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
            self._task = None

    async def wait_for(self, number: int, limit_seconds: float) -> LiveSchema:
        """Wait until this version, or a later one, is held. Raises TimeoutError."""
        async with asyncio.timeout(limit_seconds), self._changed:
            await self._changed.wait_for(lambda: self._live is not None and self._live.number >= number)
        return self.live

    async def _follow(self) -> None:
        while True:
            try:
                await self._follow_one_connection()
            except Exception as fault:  # following ends with the process, whatever one look met
                if not self._complained:
                    _log.warning("the schema cannot be read, the last one stays in force", reason=str(fault))
                self._complained = True
            await asyncio.sleep(self._poll_seconds)

    async def _follow_one_connection(self) -> None:
        connection = await open_connection(self._database_url, statement_limit_seconds=_QUESTION_LIMIT_SECONDS)
        try:
            with faults.translated():
                await connection.add_listener(CHANNEL, lambda *_: self._wake.set())
                while True:
                    self._wake.clear()
                    await self._look(connection)
                    with contextlib.suppress(TimeoutError):
                        async with asyncio.timeout(self._poll_seconds):
                            await self._wake.wait()
        finally:
            # Not `close`: a server that hangs must not hold up the end of this process.
            connection.terminate()

    async def _look(self, connection: Any) -> None:
        async with asyncio.timeout(_QUESTION_LIMIT_SECONDS * 2):
            loaded = await load(connection, self._live)
        self._complained = False
        if loaded is not self._live:
            async with self._changed:
                self._live = loaded
                self._changed.notify_all()
