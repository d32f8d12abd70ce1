"""Follow the configuration: every process holds the newest snapshot, within 2 seconds of a change.

A change is announced by NOTIFY and, because a notification can be lost with its connection, looked for every second by
comparing one number. While PostgreSQL is away the last good snapshot stays in force.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

import structlog

from headwater.cancelling import cancelled
from headwater.database import faults
from headwater.database.pool import open_connection
from headwater.pipelines import snapshot
from headwater.pipelines.changes import QUERIES
from headwater.pipelines.snapshot import EMPTY, ConfigurationSnapshot, Source
from headwater.pipelines.token_store import TokenGrant

POLL_SECONDS = 1.0
CHANNEL = "headwater_configuration"
_QUESTION_LIMIT_SECONDS = 5.0

_log = structlog.get_logger(__name__)


class SnapshotWatcher:
    """Holds the newest `ConfigurationSnapshot` and tells who wants to know.

    Starts without PostgreSQL: `ready` is False until the first load. Use as an async context manager, or call `start`
    and `stop`. It answers `by_write_key`, `token`, `account_ids` and `link_key` itself, from whatever snapshot is in force.
    """

    def __init__(self, database_url: str, *, poll_seconds: float = POLL_SECONDS) -> None:
        self._database_url = database_url
        self._poll_seconds = poll_seconds
        self._snapshot = EMPTY
        self._changed = asyncio.Condition()
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._connected = False
        self._complained = False

    @property
    def snapshot(self) -> ConfigurationSnapshot:
        """The snapshot in force; `EMPTY` before the first load."""
        return self._snapshot

    @property
    def ready(self) -> bool:
        """Whether a snapshot was ever loaded."""
        return self._snapshot is not EMPTY

    @property
    def connected(self) -> bool:
        """Whether the last look at the database succeeded; False means that the snapshot may be old."""
        return self._connected

    @property
    def account_ids(self) -> frozenset[str]:
        """Account ids that browsers may use in paths."""
        return self._snapshot.account_ids

    @property
    def link_key(self) -> bytes:
        """The key of ids that one page hands to another."""
        return self._snapshot.link_key

    def by_write_key(self, key: str) -> Source | None:
        """The source of a write key, disabled ones too."""
        return self._snapshot.by_write_key(key)

    def token(self, raw: str) -> TokenGrant | None:
        """What a token allows; None when it is unknown or revoked."""
        return self._snapshot.token(raw)

    async def __aenter__(self) -> SnapshotWatcher:
        self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    def start(self) -> None:
        """Begin to follow, in a task of the running loop."""
        if self._task is None:
            self._task = asyncio.create_task(self._follow(), name="configuration watcher")

    async def stop(self) -> None:
        """End following; the last snapshot stays readable."""
        if self._task is not None:
            await cancelled(self._task)
            self._task = None

    async def wait_ready(self, limit_seconds: float) -> None:
        """Wait for the first load. Raises TimeoutError."""
        async with asyncio.timeout(limit_seconds), self._changed:
            await self._changed.wait_for(lambda: self.ready)

    async def changes(self) -> AsyncIterator[ConfigurationSnapshot]:
        """The snapshot in force as soon as there is one, then each newer one. A slow reader sees only the newest."""
        seen = EMPTY
        while True:
            async with self._changed:
                while self._snapshot is seen:
                    await self._changed.wait()
                seen = self._snapshot
            yield seen

    async def _follow(self) -> None:
        while True:
            try:
                await self._follow_one_connection()
            except Exception as fault:  # following ends with the process, whatever one look met
                # A table that is not there yet means that migrations are still running elsewhere.
                if self._connected or not self._complained:
                    _log.warning("configuration cannot be read, the last one stays in force", reason=str(fault))
                self._connected, self._complained = False, True
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
            version = await connection.fetchval(QUERIES["configuration_version"])
            if version != self._snapshot.version:
                loaded = await snapshot.load(connection, self._snapshot)
                async with self._changed:
                    self._snapshot = loaded
                    self._changed.notify_all()
        self._connected = True
