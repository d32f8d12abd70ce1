"""Routes for dead letters: events that could not be delivered."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from litestar import Controller, Request, get, post
from litestar.datastructures import State
from litestar.params import JSONBody, PathParameter, QueryParameter

from headwater import jsontext
from headwater.api.authorization import CHANGE, READ, actor_of
from headwater.api.names import PATH_TEXT_LIMIT
from headwater.api.ports import Services
from headwater.errors import InputError
from headwater.routing.dead_letters import PAGE, Choice, LetterSummary, ReasonCount, StoredLetter
from headwater.routing.dead_letters import State as LetterState

Caller = Request[Any, Any, State]
_LARGEST_ID = 2**63 - 1
_Id = Annotated[int, msgspec.Meta(ge=1, le=_LARGEST_ID)]
_Text = Annotated[str, msgspec.Meta(max_length=PATH_TEXT_LIMIT, pattern=r"^[^\x00]*$")]
_Filter = Annotated[str | None, QueryParameter(max_length=PATH_TEXT_LIMIT, pattern=r"^[^\x00]*$")]


class LetterContent(msgspec.Struct, frozen=True):
    """A dead letter with the record from the log, the request and the reply. Secrets are masked in all of them."""

    letter: LetterSummary
    record: Any
    request: dict[str, Any]
    reply: dict[str, Any] | None


class Selection(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which waiting letters: by id, or by pipeline, integration and reason. `everything` must be said."""

    ids: Annotated[tuple[_Id, ...], msgspec.Meta(min_length=1, max_length=10_000)] | None = None
    pipeline_id: _Text | None = None
    integration_id: _Text | None = None
    reason: _Text | None = None
    everything: bool = False


class Outcome(msgspec.Struct, frozen=True):
    """How many letters it was."""

    count: int


class DeadLetterRoutes(Controller):
    """Dead letters by id."""

    path = "/dead-letters"
    tags = ("dead letters",)

    @get("/", opt=READ, summary="List dead letters")
    async def page(
        self,
        state: State,
        status: Annotated[LetterState, QueryParameter(description="waiting, replayed or discarded")] = "waiting",
        pipeline_id: _Filter = None,
        integration_id: _Filter = None,
        reason: _Filter = None,
        before: Annotated[int | None, QueryParameter(ge=1, le=_LARGEST_ID)] = None,
        limit: Annotated[int, QueryParameter(ge=1, le=PAGE)] = 50,
    ) -> list[LetterSummary]:
        """The newest first, without customers' data; `before` is the id where the page before ended."""
        services: Services = state.services
        choice = Choice(pipeline_id=pipeline_id, integration_id=integration_id, reason=reason)
        return await services.dead_letters.page(choice, status, before, limit)

    @get("/reasons", opt=READ, summary="Count dead letters by reason")
    async def reasons(self, state: State) -> list[ReasonCount]:
        """How many letters wait, by integration and reason."""
        services: Services = state.services
        return await services.dead_letters.reasons()

    @get("/{letter_id:int}", opt=CHANGE, summary="Show a dead letter")
    async def show(self, state: State, letter_id: Annotated[int, PathParameter(ge=1, le=_LARGEST_ID)]) -> LetterContent:
        """One dead letter with what was sent and what came back: customers' data."""
        services: Services = state.services
        return _content(await services.dead_letters.find(letter_id))

    @post("/replay", opt=CHANGE, summary="Deliver again", status_code=200)
    async def replay(self, state: State, request: Caller, data: JSONBody[Selection]) -> Outcome:
        """Deliver again with the revision in use now."""
        services: Services = state.services
        return Outcome(await services.dead_letters.replay(_choice(data), actor_of(request)))

    @post("/discard", opt=CHANGE, summary="Discard", status_code=200)
    async def discard(self, state: State, request: Caller, data: JSONBody[Selection]) -> Outcome:
        """Give letters up; they stay visible as discarded."""
        services: Services = state.services
        return Outcome(await services.dead_letters.discard(_choice(data), actor_of(request)))


def _choice(selection: Selection) -> Choice:
    choice = Choice(selection.ids, selection.pipeline_id, selection.integration_id, selection.reason)
    if choice == Choice() and not selection.everything:
        raise InputError("say which letters, or everything: true", "everything")
    if choice != Choice() and selection.everything:
        raise InputError("everything and a choice contradict each other; give one", "everything")
    return choice


def _content(stored: StoredLetter) -> LetterContent:
    summary = {field: getattr(stored, field) for field in LetterSummary.__struct_fields__}
    try:
        record = jsontext.decode(stored.record)
    except InputError:
        record = stored.record.decode("utf-8", "replace")  # a record that cannot be read may be why it is here
    return LetterContent(LetterSummary(**summary), record, stored.request, stored.reply)
