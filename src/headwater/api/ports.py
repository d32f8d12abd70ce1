"""What the admin API needs from the rest of the process."""

from __future__ import annotations

from typing import Any, NamedTuple, Protocol

from headwater.api.profile_services import ProfileServices
from headwater.pipelines.secrets import SecretBox
from headwater.pipelines.token_store import TokenGrant
from headwater.routing.dead_letters import Choice, LetterSummary, ReasonCount, State, StoredLetter


class Tokens(Protocol):
    """The API tokens that are in use at this moment."""

    @property
    def ready(self) -> bool:
        """Whether they are loaded; until then nobody may be told that a token is wrong."""

    @property
    def account_ids(self) -> frozenset[str]:
        """Ids under which browsers know this install. They are public."""

    def token(self, raw: str) -> TokenGrant | None:
        """What a token allows; None when it is unknown or revoked."""


class DeadLetters(Protocol):
    """What people do with dead letters."""

    async def page(
        self, choice: Choice, state: State = "waiting", before: int | None = None, limit: int = 50
    ) -> list[LetterSummary]:
        """Letters, newest first; `before` is the id that the last page ended with."""

    async def find(self, letter_id: int) -> StoredLetter:
        """One with its content. Raises InputError with the code "not_found"."""

    async def reasons(self) -> list[ReasonCount]:
        """How many wait, by integration and reason."""

    async def of_message(self, pipeline_id: str, message_id: str) -> list[LetterSummary]:
        """The letters of one message in any state, newest first."""

    async def newest_id(self) -> int:
        """The id of the newest letter, 0 when there never was one."""

    async def count(self, choice: Choice, after: int = 0) -> int:
        """How many of the chosen letters wait; those with an id above `after`."""

    async def replay(self, choice: Choice, actor: str) -> int:
        """Deliver again with the revision in use now; how many letters it was."""

    async def discard(self, choice: Choice, actor: str) -> int:
        """Give up waiting letters; how many it was."""


class Services(NamedTuple):
    """Everything that the API works on. `pool` is an `asyncpg.Pool` (the driver has no types)."""

    pool: Any
    tokens: Tokens
    box: SecretBox
    dead_letters: DeadLetters
    profiles: ProfileServices
