"""What people do with dead letters, the same from the CLI, the API and the console."""

from __future__ import annotations

from collections.abc import Callable

from headwater.log.writer import LogWriter
from headwater.routing.dead_letters import (
    Choice,
    DeadLetterStore,
    LetterSummary,
    ReasonCount,
    State,
    StoredLetter,
    discard_dead_letters,
)
from headwater.routing.replays import replay_dead_letters


class DeadLetterDesk:
    """Look, replay, discard. `writer` appends to the replay queue."""

    def __init__(self, store: DeadLetterStore, writer: LogWriter) -> None:
        self._store = store
        self._writer = writer

    async def page(
        self, choice: Choice, state: State = "waiting", before: int | None = None, limit: int = 50
    ) -> list[LetterSummary]:
        """Letters, newest first; `before` is the id that the last page ended with."""
        return await self._store.page(choice, state, before, limit)

    async def find(self, letter_id: int) -> StoredLetter:
        """One letter with its content. Raises InputError with the code "not_found"."""
        return await self._store.find(letter_id)

    async def reasons(self) -> list[ReasonCount]:
        """How many wait, by integration and reason."""
        return await self._store.reasons()

    async def of_message(self, pipeline_id: str, message_id: str) -> list[LetterSummary]:
        """The letters of one message in any state, newest first."""
        return await self._store.of_message(pipeline_id, message_id)

    async def newest_id(self) -> int:
        """The id of the newest letter, 0 when there never was one."""
        return await self._store.newest_id()

    async def count(self, choice: Choice, after: int = 0) -> int:
        """How many of the chosen letters wait; those with an id above `after`."""
        return await self._store.count(choice, after)

    async def replay(self, choice: Choice, actor: str, progress: Callable[[int], None] = lambda _: None) -> int:
        """Deliver again with the revision in use now; how many letters it was."""
        return await replay_dead_letters(self._writer, self._store, choice, actor, progress)

    async def discard(self, choice: Choice, actor: str) -> int:
        """Give up waiting letters; they stay visible as discarded. How many it was."""
        return await discard_dead_letters(self._store, choice, actor, lambda _: None)
