"""Sign in, sign out, one-time links, and the switch between light and dark."""

from __future__ import annotations

from typing import Annotated, Any

from litestar import Request, Response, get, post
from litestar.datastructures import State
from litestar.params import PathParameter, QueryParameter

from headwater.console import cookies
from headwater.console.access import visitor_if_any, visitor_of
from headwater.console.accounts import links, passwords, sessions, signing_in
from headwater.console.accounts.links import Link
from headwater.console.client_address import client_address
from headwater.console.errors import status_of
from headwater.console.forms import Form, form_of
from headwater.console.ports import console_of
from headwater.console.rendering import page
from headwater.console.replies import go_to, own_path
from headwater.database.transactions import transaction
from headwater.errors import InputError
from headwater.pipelines.changes import change

Caller = Request[Any, Any, State]
_Secret = Annotated[str, PathParameter(max_length=200)]
_Next = Annotated[str, QueryParameter(name="next", max_length=2000)]


@get("/sign-in")
async def show_sign_in(request: Caller, next_page: _Next = "/") -> Response[Any]:
    """The form for e-mail address and password."""
    if visitor_if_any(request) is not None:
        return go_to(request, own_path(next_page))
    return page(request, "sign_in.html", fault=None, email="", next_page=own_path(next_page))


@post("/sign-in")
async def sign_in(request: Caller) -> Response[Any]:
    """Begin a session, or say what is wrong."""
    form = await form_of(request)
    email, next_page = form.text("email"), own_path(form.text("next"))
    console = console_of(request)
    try:
        secret = await signing_in.sign_in(
            console.pool, console.attempts, email=email, password=form.text("password"), address=client_address(request)
        )
    except InputError as fault:
        return page(request, "sign_in.html", status=status_of(fault), fault=fault, email=email, next_page=next_page)
    cookies.set_session(request, secret)
    return go_to(request, next_page)


@post("/sign-out")
async def sign_out(request: Caller) -> Response[Any]:
    """End the session here."""
    async with transaction(console_of(request).pool) as database:
        await sessions.end(database, visitor_of(request))
    cookies.end_session(request)
    return go_to(request, "/sign-in")


@get("/welcome/{secret:str}")
async def show_welcome(request: Caller, secret: _Secret) -> Response[Any]:
    """What a one-time link opens. It is not used up by looking, so that a preview of the link does no harm."""
    async with transaction(console_of(request).pool, read_only=True) as database:
        link = await links.find(database, secret)
    return _welcome(request, link, Form.empty(), None)


@post("/welcome/{secret:str}")
async def welcome(request: Caller, secret: _Secret) -> Response[Any]:
    """Make the person or set the new password, and sign in."""
    form = await form_of(request)
    pool = console_of(request).pool
    async with transaction(pool, read_only=True) as database:
        link = await links.find(database, secret)
    try:
        password_hash = await passwords.hash_of(form.text("password"))
        async with change(pool, "one-time link") as made:
            person = await links.use(
                made, secret, email=form.text("email"), name=form.text("name"), password_hash=password_hash
            )
            await signing_in.record(made.connection, person, "signed in", client_address(request))
            session = await sessions.begin(
                made.connection, person.id, client_address(request), f"Welcome, {person.name}."
            )
    except InputError as fault:
        return _welcome(request, link, form, fault)
    cookies.set_session(request, session)
    return go_to(request, "/")


@post("/theme")
async def choose_theme(request: Caller) -> Response[Any]:
    """Keep the choice of light, dark, or as the system has it."""
    form = await form_of(request)
    theme = form.text("theme")
    if theme in cookies.THEMES:
        cookies.set_theme(request, theme)
    return go_to(request, own_path(form.text("back")))


def _welcome(request: Caller, link: Link, form: Form, fault: InputError | None) -> Response[Any]:
    return page(
        request,
        "welcome.html",
        status=200 if fault is None else status_of(fault),
        link=link,
        fault=fault,
        email=form.text("email"),
        name=form.text("name"),
        shortest=passwords.SHORTEST,
    )


HANDLERS = (show_sign_in, sign_in, sign_out, show_welcome, welcome, choose_theme)
