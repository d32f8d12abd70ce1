"""Signing in: one-time links, passwords, sessions that are renewed and ended."""

from __future__ import annotations

import httpx
from console_visits import PASSWORD

from headwater.console.accounts import links, people, sessions
from headwater.console.application import create_app
from headwater.database.transactions import transaction
from headwater.pipelines import audit_log
from headwater.pipelines.changes import change


async def test_a_password_opens_a_session_and_leads_back(running_console):
    """After signing in, the browser is sent where it wanted to go, and the audit log says who came."""
    client = await running_console.client(None)
    asked = await client.get("/?range=day")
    assert asked.headers["location"] == "/sign-in?next=/%3Frange%3Dday"
    reply = await client.post(
        "/sign-in", data={"email": "Editor@Example.com", "password": PASSWORD, "next": "/?range=day"}
    )
    assert (reply.status_code, reply.headers["location"]) == (303, "/?range=day")
    cookie = reply.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie
    async with transaction(running_console.pool, read_only=True) as database:
        entry = (await audit_log.entries(database, limit=1))[0]
    assert (entry.action, entry.actor) == ("signed in", "Editor (editor@example.com)")


async def test_another_sites_address_is_not_followed(running_console):
    """What a link says about where to go next is a path of ours, or the home page."""
    client = await running_console.client(None)
    for elsewhere in ("https://evil.example", "//evil.example", "/\\evil.example", "javascript:alert(1)"):
        fields = {"email": "viewer@example.com", "password": PASSWORD, "next": elsewhere}
        assert (await client.post("/sign-in", data=fields)).headers["location"] == "/"
        client.cookies.clear()


async def test_guessing_is_slowed_down_before_the_password_is_looked_at(running_console):
    """After ten failures even the right password waits, for this account."""
    client = await running_console.client(None)
    for number in range(10):
        reply = await client.post("/sign-in", data={"email": "viewer@example.com", "password": f"wrong {number}"})
        assert reply.status_code == 422
        assert "set-cookie" not in reply.headers
    reply = await client.post("/sign-in", data={"email": "viewer@example.com", "password": PASSWORD})
    assert reply.status_code == 429
    assert "wait" in reply.text


async def test_an_unknown_address_reads_like_a_wrong_password(running_console):
    """The reply does not tell who has an account."""
    client = await running_console.client(None)
    known = await client.post("/sign-in", data={"email": "viewer@example.com", "password": "x"})
    unknown = await client.post("/sign-in", data={"email": "nobody@example.com", "password": "x"})
    assert known.text.replace("viewer@", "nobody@") == unknown.text


async def test_a_one_time_link_works_once(running_console):
    """Looking at it does not use it up; the second use is refused with what to do."""
    async with change(running_console.pool, "test") as made:
        link = await links.invite(made, "new@example.com", "editor")
    path = f"{links.PATH}{link.secret}"
    client = await running_console.client(None)
    assert "new@example.com" in (await client.get(path)).text
    short = await client.post(path, data={"name": "New", "password": "short"})
    assert (short.status_code, "12 to" in short.text) == (422, True)
    used = await client.post(path, data={"name": "New", "password": "long enough words"})
    assert used.headers["location"] == "/"
    home = await client.get("/")
    assert "Welcome, New." in home.text
    assert "Welcome, New." not in (await client.get("/")).text
    again = await (await running_console.client(None)).get(path)
    assert (again.status_code, "used already" in again.text) == (404, True)


async def test_the_first_admin_is_made_once(running_console):
    """As soon as there is anybody, no link for a first admin is made any more."""
    async with change(running_console.pool, "test") as made:
        assert await links.for_first_admin(made) is None


async def test_a_new_password_signs_out_everywhere(running_console):
    """Whoever had the old one, or the cookie, is out."""
    client = await running_console.client("viewer")
    async with change(running_console.pool, "test") as made:
        link = await links.for_new_password(made, running_console.people["viewer"])
    other = await running_console.client(None)
    await other.post(f"{links.PATH}{link.secret}", data={"password": "another long password"})
    assert (await client.get("/")).headers["location"] == "/sign-in"
    assert (await other.get("/")).status_code == 200


async def test_a_session_is_renewed_and_its_old_secret_ends(running_console):
    """After an hour the cookie gets a new secret; requests under way with the old one pass for a minute more."""
    client = await running_console.client("viewer")
    old = client.cookies["headwater_session"]
    async with transaction(running_console.pool) as database:
        await database.execute("UPDATE sessions SET rotated_at = now() - interval '2 hours'")
    assert (await client.get("/")).status_code == 200
    renewed = client.cookies.get("headwater_session", domain="headwater.local") or client.cookies.jar
    assert renewed is not None
    async with transaction(running_console.pool) as database:
        assert await sessions.see(database, old) is not None
        await database.execute("UPDATE sessions SET rotated_at = now() - interval '2 minutes'")
        assert await sessions.see(database, old) is None


async def test_who_is_shut_out_is_out_at_once(running_console):
    """Open sessions end with the permission to sign in."""
    client = await running_console.client("editor")
    async with change(running_console.pool, "test") as made:
        await people.disable(made, running_console.people["editor"])
    assert (await client.get("/")).headers["location"] == "/sign-in"


async def test_behind_a_proxy_one_guesser_does_not_lock_out_the_others(running_console):
    """The address that the proxy added counts, not the proxy's own, and not what the client claims before it."""
    console = running_console.console._replace(public_url="https://console.example")
    transport = httpx.ASGITransport(app=create_app(console), raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://headwater") as client:
        for number in range(11):
            fields = {"email": f"nobody{number}@example.com", "password": "x"}
            forwarded = {"X-Forwarded-For": f"10.0.0.{number}, 192.0.2.1"}
            reply = await client.post("/sign-in", data=fields, headers=forwarded)
        assert reply.status_code == 429
        fields = {"email": "viewer@example.com", "password": PASSWORD}
        reply = await client.post("/sign-in", data=fields, headers={"X-Forwarded-For": "192.0.2.2"})
    assert (reply.status_code, "Secure" in reply.headers["set-cookie"]) == (303, True)
    assert "strict-transport-security" in reply.headers
