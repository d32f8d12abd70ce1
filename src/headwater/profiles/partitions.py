"""Which partitions of the log this process builds profiles from.

Every partition is an advisory lock of PostgreSQL, held on a connection of its own. Each worker shows that it is there, counts the others,
and holds its share. Two workers may believe for a moment that they own the same partition; the positions, which are compared and
set in the transaction that writes profiles, let only one of them write.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from headwater.database import faults
from headwater.database.pool import open_connection

PRESENCE = 0x48577770
PARTITION = 0x48577071
"""First keys of our advisory locks; the second key is a worker's own number, or the partition."""

_COUNT = """
SELECT count(DISTINCT pid) FROM pg_locks
WHERE locktype = 'advisory' AND classid = $1 AND granted
    AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""


class PartitionClaims:
    """The partitions of one process. Every method raises UnavailableError or TransientError as `faults.translated` says."""

    def __init__(self, database_url: str, partitions: int) -> None:
        self._database_url = database_url
        self._partitions = partitions
        self._connection: Any = None
        self._held: set[int] = set()

    @property
    def held(self) -> frozenset[int]:
        """The partitions as of the last look."""
        return frozenset(self._held)

    async def look(self) -> frozenset[int]:
        """Take free partitions up to this worker's share, give back what is more, and say what it holds."""
        with faults.translated():
            if self._connection is None:
                await self._connect()
            workers = max(1, await self._connection.fetchval(_COUNT, PRESENCE))
            share = -(-self._partitions // workers)
            for partition in sorted(self._held)[share:]:
                await self._connection.execute("SELECT pg_advisory_unlock($1, $2)", PARTITION, partition)
                self._held.discard(partition)
            await self._take(share)
        return self.held

    async def close(self) -> None:
        """Give everything back."""
        connection, self._connection = self._connection, None
        self._held.clear()
        if connection is not None:
            connection.terminate()

    async def _connect(self) -> None:
        self._held.clear()
        self._connection = await open_connection(self._database_url)
        await self._connection.execute("SELECT pg_advisory_lock_shared($1, 0)", PRESENCE)

    async def _take(self, share: int) -> None:
        free: Collection[int] = set(range(self._partitions)) - self._held
        for partition in sorted(free):
            if len(self._held) >= share:
                return
            if await self._connection.fetchval("SELECT pg_try_advisory_lock($1, $2)", PARTITION, partition):
                self._held.add(partition)
