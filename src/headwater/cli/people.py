"""`headwater people`: who can sign in to the console."""

from __future__ import annotations

from typing import Annotated

from cyclopts import App, Parameter

from headwater.cli.configuration_session import session, write_json, write_line, write_table
from headwater.console.accounts import links, people
from headwater.console.accounts.links import NewLink
from headwater.console.accounts.people import Person
from headwater.database.transactions import transaction
from headwater.errors import InputError
from headwater.pipelines.changes import Change, change
from headwater.roles.addresses import console_url
from headwater.settings import Settings

app = App(name="people", help="Who can sign in to the console: list, invite, roles, new links.")

AsJson = Annotated[bool, Parameter(name="--json", negative=(), help="Print JSON for a script.")]


@app.command(name="list")
async def list_(*, json: AsJson = False) -> None:
    """List everybody, with their roles and when they were here last."""
    async with session() as made, transaction(made.pool, read_only=True) as connection:
        found = await people.every(connection)
    if json:
        write_json(found)
        return
    rows = [
        (
            person.email,
            person.name,
            person.role,
            "-" if person.seen_at is None else f"{person.seen_at:%Y-%m-%d %H:%M}",
            "shut out" if person.disabled_at else "may sign in",
        )
        for person in found
    ]
    write_table("People", ("e-mail", "name", "role", "last here", "state"), rows)


@app.command
async def invite(email: str, *, role: str = "viewer") -> None:
    """Invite somebody: prints a one-time link that you send them.

    Parameters
    ----------
    email
        Their address; they sign in with it.
    role
        viewer sees everything except secrets, editor changes pipelines and what is delivered, admin everything.
    """
    async with session() as made, change(made.pool, made.actor) as changing:
        link = await links.invite(changing, email, role)
        _show(link, made.settings)


@app.command
async def link(email: str | None = None) -> None:
    """Print a one-time link: for a new password, or without an address for the first admin of this install.

    Parameters
    ----------
    email
        Whose password is to be set anew.
    """
    async with session() as made, change(made.pool, made.actor) as changing:
        if email is not None:
            _show(await links.for_new_password(changing, await _person(changing, email)), made.settings)
            return
        first = await links.for_first_admin(changing)
        if first is None:
            raise InputError("somebody can sign in already; name whose link you want", "email")
        _show(first, made.settings)


@app.command(name="role")
async def set_role(email: str, role: str) -> None:
    """Change what somebody may do.

    Parameters
    ----------
    email
        Their address.
    role
        viewer, editor or admin.
    """
    async with session() as made, change(made.pool, made.actor) as changing:
        person = await people.set_role(changing, await _person(changing, email), role)
    write_line(f"{person.email} is {person.role} now.")


@app.command
async def disable(email: str) -> None:
    """Shut somebody out, at once and everywhere; their entries in the audit log stay.

    Parameters
    ----------
    email
        Their address.
    """
    async with session() as made, change(made.pool, made.actor) as changing:
        person = await people.disable(changing, await _person(changing, email))
    write_line(f"{person.email} cannot sign in any more; `headwater people enable {person.email}` undoes it.")


@app.command
async def enable(email: str) -> None:
    """Let somebody in again.

    Parameters
    ----------
    email
        Their address.
    """
    async with session() as made, change(made.pool, made.actor) as changing:
        person = await people.enable(changing, await _person(changing, email))
    write_line(f"{person.email} may sign in again.")


async def _person(changing: Change, email: str) -> Person:
    person = await people.find_by_email(changing.connection, email)
    if person is None:
        raise InputError(f"nobody has the address {email!r}; `headwater people list` shows everybody", "email")
    return person


def _show(made: NewLink, settings: Settings) -> None:
    write_line(made.url(console_url(settings)))
    write_line(f"It works once, until {made.link.expires_at:%Y-%m-%d %H:%M} UTC, and is not shown again.")
