"""Who can sign in: invite, roles, new links, shut out. For admins."""

from __future__ import annotations

from typing import Annotated, Any

from litestar import Request, Response, get, post
from litestar.datastructures import State
from litestar.params import PathParameter

from headwater.console.access import visitor_of
from headwater.console.accounts import links, people
from headwater.console.accounts.links import NewLink
from headwater.console.accounts.roles import ROLES
from headwater.console.errors import status_of
from headwater.console.forms import form_of
from headwater.console.ports import console_of
from headwater.console.rendering import page
from headwater.console.replies import done
from headwater.database.transactions import transaction
from headwater.errors import InputError
from headwater.pipelines.changes import change

PATH = "/settings/people"

Caller = Request[Any, Any, State]
_Id = Annotated[str, PathParameter(max_length=100, pattern=r"^[^\x00]*$")]


@get(PATH)
async def show_people(request: Caller) -> Response[Any]:
    """Everybody, and the links that are still open."""
    return await _people(request, None)


@post(PATH)
async def invite(request: Caller) -> Response[Any]:
    """Invite somebody, and show the link, this once."""
    form = await form_of(request)
    try:
        async with change(console_of(request).pool, visitor_of(request).actor) as made:
            link = await links.invite(made, form.text("email"), form.text("role"))
    except InputError as fault:
        return await _people(request, fault, form.text("email"), form.text("role"))
    return _show_link(request, link)


@post(f"{PATH}/{{person:str}}/role")
async def set_role(request: Caller, person: _Id) -> Response[Any]:
    """Change what somebody may do."""
    role = (await form_of(request)).text("role")
    async with change(console_of(request).pool, visitor_of(request).actor) as made:
        changed = await people.set_role(made, await people.find(made.connection, person), role)
    return await done(request, PATH, f"{changed.name} is {changed.role} now.")


@post(f"{PATH}/{{person:str}}/link")
async def make_link(request: Caller, person: _Id) -> Response[Any]:
    """A link with which somebody sets a new password, shown this once."""
    async with change(console_of(request).pool, visitor_of(request).actor) as made:
        link = await links.for_new_password(made, await people.find(made.connection, person))
    return _show_link(request, link)


@post(f"{PATH}/{{person:str}}/disabled")
async def disable(request: Caller, person: _Id) -> Response[Any]:
    """Shut somebody out, or let them in again."""
    shut_out = (await form_of(request)).text("disabled") == "yes"
    async with change(console_of(request).pool, visitor_of(request).actor) as made:
        found = await people.find(made.connection, person)
        await (people.disable(made, found) if shut_out else people.enable(made, found))
    return await done(request, PATH, f"{found.name} {'is shut out' if shut_out else 'may sign in again'}.")


@post("/settings/links/{link:str}/end")
async def end_link(request: Caller, link: _Id) -> Response[Any]:
    """Take a link back before it is used."""
    async with change(console_of(request).pool, visitor_of(request).actor) as made:
        await links.take_back(made, link)
    return await done(request, PATH, "The link does not work any more.")


async def _people(request: Caller, fault: InputError | None, email: str = "", role: str = "viewer") -> Response[Any]:
    async with transaction(console_of(request).pool, read_only=True) as database:
        everybody = await people.every(database)
        opened = await links.open_links(database)
    return page(
        request,
        "settings/people.html",
        status=200 if fault is None else status_of(fault),
        people=everybody,
        links=opened,
        roles=ROLES,
        fault=fault,
        email=email,
        role=role,
    )


def _show_link(request: Caller, made: NewLink) -> Response[Any]:
    base = console_of(request).public_url or str(request.base_url).rstrip("/")
    return page(request, "settings/link.html", link=made.link, url=made.url(base))


HANDLERS = (show_people, invite, set_role, make_link, disable, end_link)
