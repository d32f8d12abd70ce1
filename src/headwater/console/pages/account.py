"""One's own account: password and sessions."""

from __future__ import annotations

from typing import Any

from litestar import Request, Response, get, post
from litestar.datastructures import State

from headwater.console import cookies
from headwater.console.access import visitor_of
from headwater.console.accounts import passwords, people, sessions
from headwater.console.accounts.people import QUERIES
from headwater.console.accounts.roles import ROLES
from headwater.console.client_address import client_address
from headwater.console.errors import status_of
from headwater.console.forms import form_of
from headwater.console.ports import console_of
from headwater.console.rendering import page
from headwater.console.replies import go_to
from headwater.database.transactions import transaction
from headwater.errors import InputError
from headwater.pipelines.changes import Change

Caller = Request[Any, Any, State]


@get("/settings")
async def show_account(request: Caller) -> Response[Any]:
    """Who one is, and a new password."""
    return _account(request, None)


@post("/settings/password")
async def change_password(request: Caller) -> Response[Any]:
    """Set a new password, sign out everywhere else, and stay signed in here."""
    form, visitor, pool = await form_of(request), visitor_of(request), console_of(request).pool
    try:
        await _require_password(request, form.text("present"))
        password_hash = await passwords.hash_of(form.text("password"))
    except InputError as fault:
        return _account(request, fault)
    async with transaction(pool) as database:
        person = await people.find(database, visitor.person_id)
        await people.set_password(Change(database, visitor.actor), person, password_hash)
        notice = "The password is changed. You are signed out elsewhere."
        secret = await sessions.begin(database, person.id, client_address(request), notice)
    cookies.set_session(request, secret)
    return go_to(request, "/settings")


async def _require_password(request: Caller, given: str) -> None:
    """Whoever finds an open window cannot take the account over. Guesses count as at the door."""
    console, visitor = console_of(request), visitor_of(request)
    key = f"account {visitor.email.lower()}"
    wait = console.attempts.wait(key)
    if wait > 0:
        raise InputError(f"too many failed attempts; wait {wait:.0f} s", "present", code="rate_limited")
    async with transaction(console.pool, read_only=True) as database:
        row = await database.fetchrow(QUERIES["person_by_email"], visitor.email)
    if not await passwords.matches(given, row["password_hash"]):
        console.attempts.fail(key)
        raise InputError("this is not your present password", "present")


def _account(request: Caller, fault: InputError | None) -> Response[Any]:
    status = 200 if fault is None else status_of(fault)
    return page(request, "settings/account.html", status=status, fault=fault, shortest=passwords.SHORTEST, roles=ROLES)


HANDLERS = (show_account, change_password)
