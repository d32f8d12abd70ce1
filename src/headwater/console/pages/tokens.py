"""API tokens: create with scopes, shown once, revoke. For admins."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from litestar import Request, Response, get, post
from litestar.datastructures import State

from headwater.api.names import ObjectId
from headwater.console.access import visitor_of
from headwater.console.errors import status_of
from headwater.console.forms import form_of
from headwater.console.ports import console_of
from headwater.console.rendering import page
from headwater.console.replies import done
from headwater.database.transactions import transaction
from headwater.errors import InputError
from headwater.pipelines import token_store
from headwater.pipelines.changes import change

PATH = "/settings/tokens"

Caller = Request[Any, Any, State]


@get(PATH)
async def show_tokens(request: Caller) -> Response[Any]:
    """Every token, revoked ones too."""
    return await _tokens(request, None)


@post(PATH)
async def create_token(request: Caller) -> Response[Any]:
    """Create a token and show it, this once."""
    form = await form_of(request)
    name, scopes = form.text("name").strip(), form.texts("scopes")
    try:
        async with change(console_of(request).pool, visitor_of(request).actor) as made:
            created = await token_store.create(made, name=name, scopes=scopes)
    except InputError as fault:
        return await _tokens(request, fault, name, scopes)
    return page(request, "settings/token.html", token=created.token, raw=created.raw)


@post(f"{PATH}/{{token:str}}/revoke")
async def revoke_token(request: Caller, token: ObjectId) -> Response[Any]:
    """End a token's use; every process refuses it within 2 seconds."""
    async with change(console_of(request).pool, visitor_of(request).actor) as made:
        revoked = await token_store.revoke(made, token)
    return await done(request, PATH, f"The token {revoked.name} does not work any more.")


async def _tokens(
    request: Caller, fault: InputError | None, name: str = "", scopes: Collection[str] = ()
) -> Response[Any]:
    async with transaction(console_of(request).pool, read_only=True) as database:
        tokens = await token_store.every(database)
    return page(
        request,
        "settings/tokens.html",
        status=200 if fault is None else status_of(fault),
        tokens=list(reversed(tokens)),
        known=token_store.SCOPES,
        fault=fault,
        name=name,
        scopes=scopes,
    )


HANDLERS = (show_tokens, create_token, revoke_token)
