"""What the log itself says about a replay: how much it holds, and whether everything that was sent is in it."""

from __future__ import annotations

from collections.abc import Collection
from contextlib import aclosing

from nats.aio.client import Client

from headwater.log import reader
from headwater.log.reader import Query


class Ledger:
    """The events of one pipeline in the log."""

    def __init__(self, client: Client, pipeline_id: str) -> None:
        self._client = client
        self._query = Query(kind="event", source=pipeline_id)

    async def count(self) -> int:
        """How many there are."""
        return await reader.count(self._client, self._query)

    async def absent(self, message_ids: Collection[str]) -> int:
        """How many of these ids the log does not hold. Reads every event of the pipeline until all are found."""
        wanted = set(message_ids)
        async with aclosing(reader.read(self._client, self._query)) as records:
            async for found in records:
                wanted.discard(found.record.meta.message_id)
                if not wanted:
                    break
        return len(wanted)
