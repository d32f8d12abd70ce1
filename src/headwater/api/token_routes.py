"""Routes for API tokens and the audit log."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from litestar import Controller, Request, delete, get, post
from litestar.datastructures import State
from litestar.params import JSONBody, QueryParameter

from headwater.api.authorization import ANY, READ, TOKENS, actor_of, grant_of
from headwater.api.names import PATH_TEXT_LIMIT, ObjectId
from headwater.database.transactions import transaction
from headwater.pipelines import audit_log, token_store
from headwater.pipelines.audit_log import PAGE_LIMIT, AuditEntry
from headwater.pipelines.changes import change
from headwater.pipelines.token_store import ApiToken

Caller = Request[Any, Any, State]


class TokenOrder(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A token to create."""

    name: str
    scopes: tuple[str, ...]


class CreatedToken(msgspec.Struct, frozen=True):
    """A new token. `token` is told now and never again."""

    id: str
    name: str
    scopes: tuple[str, ...]
    token: str


class Myself(msgspec.Struct, frozen=True):
    """The token of this request."""

    id: str
    name: str
    scopes: list[str]


class TokenRoutes(Controller):
    """API tokens by id."""

    path = "/tokens"
    tags = ("tokens",)

    @get("/", opt=TOKENS, summary="List tokens")
    async def every(self, state: State) -> list[ApiToken]:
        """All tokens, revoked ones too; never the tokens themselves."""
        async with transaction(state.services.pool, read_only=True) as connection:
            return await token_store.every(connection)

    @post("/", opt=TOKENS, summary="Create a token")
    async def create(self, state: State, request: Caller, data: JSONBody[TokenOrder]) -> CreatedToken:
        """Create a token and tell it, this once."""
        async with change(state.services.pool, actor_of(request)) as made:
            created = await token_store.create(made, name=data.name, scopes=data.scopes)
        return CreatedToken(created.token.id, created.token.name, created.token.scopes, created.raw)

    @delete("/{token_id:str}", opt=TOKENS, summary="Revoke a token")
    async def revoke(self, state: State, request: Caller, token_id: ObjectId) -> None:
        """End a token's use; every process refuses it within 2 seconds."""
        async with change(state.services.pool, actor_of(request)) as made:
            await token_store.revoke(made, token_id)


@get("/me", opt=ANY, tags=("tokens",), summary="Show the token of this request")
async def show_myself(request: Caller) -> Myself:
    """Name and scopes of the token that the request carries."""
    grant = grant_of(request)
    return Myself(grant.id, grant.name, sorted(grant.scopes))


@get("/audit-log", opt=READ, tags=("audit log",), summary="List changes")
async def list_changes(
    state: State,
    subject: Annotated[str | None, QueryParameter(max_length=PATH_TEXT_LIMIT, pattern=r"^[^\x00]*$")] = None,
    older_than: Annotated[int | None, QueryParameter(ge=1, le=2**63 - 1)] = None,
    limit: Annotated[int, QueryParameter(ge=1, le=PAGE_LIMIT)] = 100,
) -> list[AuditEntry]:
    """Who changed what, newest first; `older_than` is the id where the page before ended."""
    async with transaction(state.services.pool, read_only=True) as connection:
        return await audit_log.entries(connection, subject=subject, older_than=older_than, limit=limit)
