"""`headwater people`: who can sign in to the console."""

from __future__ import annotations

import json

import pytest

from headwater.cli import people
from headwater.cli.welcome import welcome
from headwater.console.accounts import links
from headwater.console.accounts import people as people_store
from headwater.database.transactions import transaction
from headwater.errors import InputError
from headwater.pipelines.changes import change


async def use(install, shown: str, name: str, email: str = "") -> None:
    """Open a printed link, as its page does."""
    url = next(word for word in shown.split() if links.PATH in word)
    secret = url.rpartition("/")[2]
    async with change(install.pool, "test") as made:
        await links.use(made, secret, email=email, name=name, password_hash="not asked for here")


async def test_the_first_link_makes_the_admin(install, output):
    """A start prints a one-time link until somebody used it; then only the console's address."""
    first = await output(welcome())
    await use(install, first, "Ann", "ann@example.com")
    assert links.PATH not in await output(welcome())
    found = json.loads(await output(people.list_(json=True)))
    assert [(person["name"], person["role"]) for person in found] == [("Ann", "admin")]


async def test_invite_and_change_a_role(install, output):
    """An invited person has the role of the invitation, until it is changed."""
    await use(install, await output(people.link()), "Ann", "ann@example.com")
    await use(install, await output(people.invite("bob@example.com", role="editor")), "Bob")
    await output(people.set_role("BOB@example.com", "viewer"))
    async with transaction(install.pool, read_only=True) as connection:
        bob = await people_store.find_by_email(connection, "bob@example.com")
    assert (bob.name, bob.role) == ("Bob", "viewer")


async def test_only_the_newest_link_works(install, output):
    """A link that went to the wrong place is ended by making another one."""
    first = await output(people.link())
    await output(people.link())
    with pytest.raises(InputError, match="used already, or is too old"):
        await use(install, first, "Mallory", "mallory@example.com")


async def test_the_last_admin_stays(install, output):
    """Nobody can shut out the last one who could let people in."""
    await use(install, await output(people.link()), "Ann", "ann@example.com")
    with pytest.raises(InputError, match="last admin"):
        await people.disable("ann@example.com")
    with pytest.raises(InputError, match="name whose link"):
        await people.link()
    with pytest.raises(InputError, match="headwater people list"):
        await people.enable("nobody@example.com")
