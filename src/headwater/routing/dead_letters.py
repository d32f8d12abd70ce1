"""Dead letters: what was refused for good, kept with the record, the request, the answer and the reason.

A letter waits until a person replays or discards it. Replaying puts its record into the queue of its own integration
only (see `replays`), marked afterwards: interrupted in between, a record may be sent twice, never lost.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from datetime import datetime
from typing import Any, Literal

import msgspec

from headwater.archive import forgetting
from headwater.database import faults
from headwater.database.queries import load
from headwater.database.transactions import transaction
from headwater.errors import InputError
from headwater.log.records import dedup_id
from headwater.pipelines import audit_log

QUERIES = load("headwater.routing")
PAGE = 500

State = Literal["waiting", "replayed", "discarded"]


class DeadLetter(msgspec.Struct, frozen=True):
    """A letter as delivery makes it. Times are seconds since 1970; `record` is the log entry; secrets are masked."""

    message_id: str
    piece: int
    revision: int
    reason: str
    attempts: int
    first_seen: float
    failed_at: float
    record: bytes
    request: dict[str, Any]
    reply: dict[str, Any] | None


class LetterSummary(msgspec.Struct, frozen=True):
    """A stored letter in a list."""

    id: int
    pipeline_id: str
    integration_id: str
    revision: int
    message_id: str
    piece: int
    reason: str
    attempts: int
    first_seen: datetime
    failed_at: datetime
    state: State
    state_changed_at: datetime | None
    state_changed_by: str | None


class StoredLetter(LetterSummary, frozen=True):
    """A stored letter with its content."""

    record: bytes
    request: dict[str, Any]
    reply: dict[str, Any] | None


class ReasonCount(msgspec.Struct, frozen=True):
    """How many letters wait for one reason."""

    pipeline_id: str
    integration_id: str
    reason: str
    letters: int
    oldest: datetime
    newest: datetime


class Choice(msgspec.Struct, frozen=True):
    """Which waiting letters: by id, or by integration and reason; nothing given means all. `up_to` is the newest id."""

    ids: tuple[int, ...] | None = None
    pipeline_id: str | None = None
    integration_id: str | None = None
    reason: str | None = None
    up_to: int | None = None


class WaitingRecord(msgspec.Struct, frozen=True):
    """A letter about to be sent again."""

    id: int
    pipeline_id: str
    integration_id: str
    message_id: str
    record: bytes


class DeadLetterStore:
    """Dead letters in PostgreSQL. Methods raise UnavailableError while it is away."""

    def __init__(self, pool: Any) -> None:
        self._pool = pool

    async def add(self, pipeline_id: str, integration_id: str, letters: Sequence[DeadLetter]) -> None:
        """Store letters of one attachment, all or none. Safe to repeat. Of records that were forgotten meanwhile none is kept."""
        messages = [dedup_id("event", pipeline_id, letter.message_id) for letter in letters]
        async with transaction(self._pool, read_only=True) as connection:
            forgotten = await forgetting.forgotten_among(connection, messages)
        if forgotten:
            letters = [each for each, key in zip(letters, messages, strict=True) if key not in forgotten]
        columns = [
            [letter.message_id for letter in letters],
            [letter.piece for letter in letters],
            [letter.revision for letter in letters],
            [letter.reason for letter in letters],
            [letter.attempts for letter in letters],
            [letter.first_seen for letter in letters],
            [letter.failed_at for letter in letters],
            [letter.record for letter in letters],
            [letter.request for letter in letters],
            [letter.reply for letter in letters],
        ]
        async with transaction(self._pool) as connection:
            await connection.execute(QUERIES["insert_dead_letters"], pipeline_id, integration_id, *columns)

    async def page(
        self, choice: Choice, state: State = "waiting", before: int | None = None, limit: int = 50
    ) -> list[LetterSummary]:
        """Letters, newest first; `before` is the id that the last page ended with."""
        with faults.translated():
            rows = await self._pool.fetch(
                QUERIES["dead_letters"],
                state,
                choice.pipeline_id,
                choice.integration_id,
                choice.reason,
                before,
                min(limit, PAGE),
            )
        return [LetterSummary(**dict(row)) for row in rows]

    async def find(self, letter_id: int) -> StoredLetter:
        """One letter. Raises InputError when there is none."""
        with faults.translated():
            row = await self._pool.fetchrow(QUERIES["dead_letter"], letter_id)
        if row is None:
            raise InputError(f"there is no dead letter {letter_id}", "id", code="not_found")
        return StoredLetter(**dict(row))

    async def reasons(self) -> list[ReasonCount]:
        """How many wait, by integration and reason."""
        with faults.translated():
            rows = await self._pool.fetch(QUERIES["dead_letter_reasons"])
        return [ReasonCount(**dict(row)) for row in rows]

    async def of_message(self, pipeline_id: str, message_id: str) -> list[LetterSummary]:
        """The letters of one message in any state, newest first."""
        with faults.translated():
            rows = await self._pool.fetch(QUERIES["dead_letters_of_message"], pipeline_id, message_id, PAGE)
        return [LetterSummary(**dict(row)) for row in rows]

    async def newest_id(self) -> int:
        """The id of the newest letter, 0 when there never was one."""
        with faults.translated():
            return int(await self._pool.fetchval(QUERIES["newest_dead_letter"]))

    async def count(self, choice: Choice, after: int = 0) -> int:
        """How many of the chosen letters wait; those with an id above `after`."""
        with faults.translated():
            return int(await self._pool.fetchval(QUERIES["count_waiting"], *_condition(choice), after))

    async def note(self, choice: Choice, action: str, actor: str) -> Choice:
        """Write into the audit log what is about to be done with the chosen waiting letters, by integration.

        The choice that is returned ends with the newest letter of now. Before it is done, not after: who is interrupted has begun.
        """
        bounded = choice if choice.up_to is not None else msgspec.structs.replace(choice, up_to=await self.newest_id())
        async with transaction(self._pool) as connection:
            for row in await connection.fetch(QUERIES["chosen_letters"], *_condition(bounded)):
                what = {"pipeline": row["pipeline_id"], "letters": row["letters"], "first_ids": row["first_ids"]}
                if choice.reason is not None:
                    what["reason"] = choice.reason
                subject = f"integration {row['integration_id']}"
                await audit_log.write(connection, actor, action, subject, what)
        return bounded

    async def waiting(self, choice: Choice) -> AsyncIterator[list[WaitingRecord]]:
        """The chosen waiting letters with their records, oldest first, in pages.

        Letters that come while the pages are read are not among them: what is sent again and refused again would never end.
        """
        last = 0
        bounded = choice if choice.up_to is not None else msgspec.structs.replace(choice, up_to=await self.newest_id())
        while True:
            with faults.translated():
                rows = await self._pool.fetch(QUERIES["waiting_records"], *_condition(bounded), last, PAGE)
            if not rows:
                return
            last = rows[-1]["id"]
            yield [WaitingRecord(**dict(row)) for row in rows]

    async def mark(self, ids: Sequence[int], state: Literal["replayed", "discarded"], actor: str) -> int:
        """End the waiting of letters; how many it was."""
        with faults.translated():
            status = await self._pool.execute(QUERIES["mark_dead_letters"], list(ids), state, actor)
        return int(status.split()[-1])


async def discard_dead_letters(
    store: DeadLetterStore, choice: Choice, actor: str, progress: Callable[[int], None]
) -> int:
    """Give waiting letters up; they stay visible as discarded. How many it was; `progress` is told how many more."""
    discarded = 0
    async for page in store.waiting(await store.note(choice, "dead letters discarded", actor)):
        marked = await store.mark([letter.id for letter in page], "discarded", actor)
        progress(marked)
        discarded += marked
    return discarded


def _condition(choice: Choice) -> tuple[list[int] | None, str | None, str | None, str | None, int | None]:
    """The first parameters of the statements about waiting letters."""
    ids = None if choice.ids is None else list(choice.ids)
    return ids, choice.pipeline_id, choice.integration_id, choice.reason, choice.up_to
