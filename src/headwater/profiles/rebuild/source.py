"""Everything that was ever received, in the order of the log: first from the archive, then from the log itself."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from typing import TYPE_CHECKING, NamedTuple

from nats.aio.client import Client

from headwater.archive.manifest import Selection
from headwater.log import streams
from headwater.log.ordered import OrderedReader
from headwater.profiles.plan import everything_of
from headwater.profiles.preparation import LogRecord

if TYPE_CHECKING:  # loads pyarrow, which a process that rebuilds nothing does not need
    from headwater.archive.reading import ArchiveReader

TAKE_SECONDS = 0.5


class Stretch(NamedTuple):
    """Records, and the sequence up to which there are no others."""

    records: Sequence[LogRecord]
    reached: int


class History:
    """All records after a sequence, from the archive as far as it goes."""

    def __init__(self, client: Client, archive: ArchiveReader, after: int, size: int) -> None:
        self._archive = archive
        self._size = size
        self._client = client
        self.reached = after
        self._log: OrderedReader | None = None

    async def archived(self) -> AsyncGenerator[Stretch, None]:
        """Until nothing is left that the archive has and we have not. Raises as `ArchiveReader.batches`."""
        while (end := await self._archive.position()) > self.reached:
            selection = Selection(after=self.reached, until_sequence=end)
            async with aclosing(self._archive.batches(selection, self._size)) as batches:
                async for batch in batches:
                    self.reached = batch[-1].sequence
                    # Partitions do not matter: one reader takes the records of all.
                    records = [LogRecord(each.sequence, 0, each.stored_at, each.payload) for each in batch]
                    yield Stretch(records, self.reached)
            self.reached = end
            yield Stretch((), end)

    async def logged(self, at_least: int = 0) -> Stretch:
        """The next records of the log; none when all were taken, and then everything up to `at_least` is.

        `at_least` is a sequence that the log is known to have given out. Raises UnavailableError when the log does not answer.
        """
        reader = self._reader()
        messages = await reader.take(self._size, TAKE_SECONDS)
        if messages:
            self.reached = messages[-1].sequence
        elif await reader.exhausted():
            self.reached = max(self.reached, at_least)
        records = [LogRecord(each.sequence, 0, each.stored_at, each.payload) for each in messages]
        return Stretch(records, self.reached)

    async def close(self) -> None:
        """Give the place in the log up."""
        if self._log is not None:
            await self._log.stop()

    def _reader(self) -> OrderedReader:
        if self._log is None:
            subjects = everything_of(frozenset((0,)), 1)
            self._log = OrderedReader(self._client, streams.MAIN, subjects, after=self.reached, window=4 * self._size)
        return self._log
