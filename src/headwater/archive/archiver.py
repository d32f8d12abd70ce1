"""Follow the log and archive it: gather a cut, commit it, tidy up, again.

Exactly once: the files of a cut and the position behind it are committed in one transaction of PostgreSQL. Whatever dies
before leaves announced files, which the next session removes, and the position, from which it reads again. A second
archiver that believes to be alone finds the position moved, or its announced files condemned, and starts over.

Invariants
1. Every sequence up to the position is a row of exactly one file of the manifest, or forgotten, or inside a gap.
2. The rows of a file are sorted by sequence; the files of one place written by cuts do not overlap.
3. Memory is bounded by the cut's (`cut.MEMORY_BYTES`) and by one take from the log.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

import nats.errors
import structlog
from nats.aio.client import Client
from nats.js.errors import APIError, NotFoundError

from headwater.archive import compaction, forgetting, manifest, metrics, storing
from headwater.archive.manifest import Gap, GapReason
from headwater.archive.missing import uncovered
from headwater.archive.rows import Row, row_of
from headwater.archive.stores import Store, empty_staging
from headwater.database.transactions import transaction
from headwater.errors import ConfigurationError, InputError, TransientError, UnavailableError
from headwater.log import streams
from headwater.log.consumer import Delivered
from headwater.log.ordered import OrderedReader
from headwater.log.streams import StreamReport
from headwater.settings import ArchiveSettings

if TYPE_CHECKING:
    from headwater.archive.cut import Cut  # loads pyarrow: an archiver of an idle install never needs it

TAKE = 500
POLL_SECONDS = 1.0
TIDY_SECONDS = 10.0
RETRY_SECONDS = 2.0

logger = structlog.get_logger(__name__)


def _utc_today() -> date:
    return datetime.now(UTC).date()


class Archiver:
    """Archives one log. `oldest` is when the log took the first record that is read and not committed, if there is one.

    `begun` tells whether `position` is known: before, and in a process that waits to take over, nothing can be said of it.
    `today` tells the day that is not over, whose small files wait longer to be joined.
    """

    def __init__(
        self,
        client: Client,
        pool: Any,
        store: Store,
        settings: ArchiveSettings,
        today: Callable[[], date] = _utc_today,
    ) -> None:
        self.healthy = True
        self.begun = False
        self.position = 0
        self.oldest: float | None = None
        self._client = client
        self._pool = pool
        self._store = store
        self._settings = settings
        self._today = today
        self._tidied = 0.0

    async def run(self) -> None:
        """Archive until cancelled. Passing faults start over from the last commit.

        Raises ConfigurationError when the archive belongs to another log.
        """
        try:
            while True:
                try:
                    await self._session()
                except (TransientError, OSError) as fault:  # OSError: disk full, or the folder is not to be written
                    self.healthy = False
                    metrics.FAULTS.labels(type(fault).__name__).inc()
                    logger.warning("archiving starts over", reason=str(fault))
                    _heed_cancellation()
                    await asyncio.sleep(RETRY_SECONDS)
        finally:
            self.begun = False

    async def _session(self) -> None:
        await self._begin()
        reader = OrderedReader(
            self._client, streams.MAIN, streams.SUBJECTS[streams.MAIN], after=self.position, window=2 * TAKE
        )
        cut: Cut | None = None
        try:
            while True:
                _heed_cancellation()
                messages = await reader.take(TAKE, POLL_SECONDS)
                self.healthy = True
                if messages:
                    cut = await self.new_cut() if cut is None else cut
                    await self.gather(cut, messages)
                if cut is not None and self._is_due(cut):
                    await self.commit(cut)
                    cut = None
                if not messages or cut is None:
                    await self.tidy()
        finally:
            self.oldest = None
            await reader.stop()
            if cut is not None:
                cut.discard()

    async def _begin(self) -> None:
        """Void what was begun before, and find out where to go on."""
        async with transaction(self._pool) as connection:
            await manifest.condemn_announced(connection)
            self.position = await manifest.position(connection)
        self.begun = True
        await asyncio.to_thread(empty_staging, self._store)
        log = await log_state(self._client)
        if log.last_seq < self.position:
            raise ConfigurationError(
                f"the archive has records up to {self.position}, the log only up to {log.last_seq}: it is another log; "
                "restore the log's data, or use another database and an empty archive",
                "archive",
            )

    async def new_cut(self) -> Cut:
        """Nothing yet, after the position."""
        from headwater.archive.cut import Cut  # loads pyarrow: see above

        return await asyncio.to_thread(Cut, self.position, self._store.staging)

    async def gather(self, cut: Cut, messages: Sequence[Delivered]) -> None:
        """Take messages into the cut, and note what should be between them and is not."""
        if self.oldest is None:
            self.oldest = messages[0].stored_at
        forgotten = await self._account(cut, messages[-1].sequence, {message.sequence for message in messages})
        for message in messages:
            if message.sequence not in forgotten:
                self._take_in(cut, message)
        if cut.full:
            await asyncio.to_thread(cut.relieve)

    async def _account(self, cut: Cut, last: int, present: set[int]) -> set[int]:
        """Let the cut reach to `last`, with a gap for what is neither present nor forgotten. Returns what is forgotten."""
        first = cut.last + 1
        async with transaction(self._pool, read_only=True) as connection:
            forgotten = set(await forgetting.between(connection, first, last))
        known = ((number, number) for number in sorted(forgotten | present))
        for missing in uncovered(first, last, known):
            cut.gaps.append(await self._explained(*missing))
        cut.account(last)
        return forgotten

    async def _explained(self, first: int, last: int) -> Gap:
        log = await log_state(self._client)
        reason: GapReason = "expired" if log.first_seq > last else "deleted"
        return Gap(first, last, reason)

    def _take_in(self, cut: Cut, message: Delivered) -> None:
        row = _row(message)
        if row is None:
            cut.gaps.append(Gap(message.sequence, message.sequence, "unreadable"))
        else:
            cut.add(row)

    def _is_due(self, cut: Cut) -> bool:
        now = time.monotonic()
        return (
            cut.bytes >= self._settings.cut_bytes
            or now - cut.begun >= self._settings.cut_seconds
            or now - cut.grew >= self._settings.idle_seconds
        )

    async def commit(self, cut: Cut) -> None:
        """Make the cut part of the archive, with whatever was asked to be forgotten left out."""
        async with transaction(self._pool, read_only=True) as connection:
            forgotten = await forgetting.between(connection, cut.position + 1, cut.last)
        staged = await asyncio.to_thread(cut.finish, forgotten)
        files = await storing.put(self._pool, self._store, staged)
        async with transaction(self._pool) as connection:
            await manifest.move_position(connection, cut.position, cut.last)
            await manifest.add_files(connection, files)
            await manifest.add_gaps(connection, cut.gaps)
        self.position, self.oldest = cut.last, None
        cut.discard()
        metrics.FILES.inc(len(files))
        metrics.ROWS.inc(sum(file.content.rows for file in files))
        metrics.BYTES.inc(sum(file.content.bytes for file in files))
        for gap in cut.gaps:
            metrics.MISSING.labels(gap.reason).inc(gap.last - gap.first + 1)
            logger.error("records reached no file", first=gap.first, last=gap.last, reason=gap.reason)

    async def tidy(self) -> None:
        """Forget what was asked for, remove files, join files: a part at a time."""
        if time.monotonic() - self._tidied < TIDY_SECONDS:
            return
        forgotten = await forgetting.work(self._pool, self._client, self._store)
        removed = await storing.remove_due(self._pool, self._store)
        joined = await compaction.compact(self._pool, self._store, self._settings.file_bytes, self._today())
        if self.oldest is None:
            await self._pass_the_end()
        metrics.FORGOTTEN.inc(forgotten)
        metrics.JOINED.inc(joined)
        if not (forgotten or removed or joined):  # while there is work, the next part comes with the next pause
            self._tidied = time.monotonic()

    async def _pass_the_end(self) -> None:
        """Account for records at the end of the log that were taken out of it: no later record may come for long."""
        last = (await log_state(self._client)).last_seq
        if last > self.position and not await _has_record(self._client, self.position + 1):
            cut = await self.new_cut()
            await self._account(cut, last, set())
            await self.commit(cut)


def _heed_cancellation() -> None:
    """Raise CancelledError when this task was cancelled and something below it went on all the same.

    `asyncio.wait_for`, which the log's client uses, loses a cancellation that comes together with the answer (Python 3.11).
    """
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError


async def _has_record(client: Client, sequence: int) -> bool:
    """Whether the log has a record at this place or later."""
    try:
        await client.jsm().get_msg(streams.MAIN, seq=sequence, subject=">", next=True)
    except NotFoundError:
        return False
    except (OSError, nats.errors.Error, APIError) as fault:
        raise UnavailableError(f"the event log does not answer ({type(fault).__name__})") from fault
    return True


def _row(message: Delivered) -> Row | None:
    try:
        return row_of(message)
    except InputError as fault:
        logger.error("an entry of the log cannot be archived", reason=str(fault))
        return None


async def log_state(client: Client) -> StreamReport:
    """First and last sequence of the log, and more. Raises UnavailableError when it does not answer."""
    try:
        reports = await streams.report(client)
    except (OSError, nats.errors.Error) as fault:
        raise UnavailableError(f"the event log does not answer ({type(fault).__name__})") from fault
    for found in reports:
        if found.name == streams.MAIN:
            return found
    raise UnavailableError("the event log has no stream of ours yet; it is made when a role starts")
