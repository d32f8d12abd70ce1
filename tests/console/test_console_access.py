"""Who may open which page: every route has a rule, and the rules hold."""

from __future__ import annotations

from uuid import UUID

import pytest
from litestar.routes import HTTPRoute

from headwater.console.access_rules import FILE, PUBLIC, RULES
from headwater.console.accounts.roles import ROLES, at_least
from headwater.console.application import create_pages

RULE_CASES = [(route, rule, role) for route, rule in RULES.items() for role in (None, *ROLES)]


SAMPLES = {UUID: str(UUID(int=1))}
"""What a typed part of a path takes; any other takes a number."""


def addresses() -> dict[str, str]:
    """For each path as the table has it, one that leads to nothing in particular."""
    return {
        route.path_format: "/"
        + "/".join(part if isinstance(part, str) else SAMPLES.get(part.type, "1") for part in route.path_components)
        for route in create_pages().routes
        if isinstance(route, HTTPRoute)
    }


def test_every_route_has_a_rule():
    """A page that is not in the table of rules, or a rule without a page, fails here before it is ever asked for."""
    routes = {
        f"{method} {route.path_format}"
        for route in create_pages().routes
        if isinstance(route, HTTPRoute)
        for method in route.methods - {"OPTIONS"}
    }
    assert routes == set(RULES)


@pytest.fixture
async def clients(running_console):
    return {role: await running_console.client(role) for role in (None, *ROLES)}


async def test_rules_hold_for_every_role(running_console, clients):
    """Without a session a page leads to signing in; with too weak a role it says what role it needs; else it opens."""
    running_console.console.stopping.set()  # streams end at once
    wrong, paths = [], addresses()
    for route, rule, role in RULE_CASES:
        if route == "POST /sign-out":
            continue  # it works, and would end the session that the other cases use
        method, path = route.split(" ")
        reply = await clients[role].request(method, paths[path], data={} if method != "GET" else None)
        if rule not in (FILE, PUBLIC) and role is None:
            right = reply.status_code == 303 and reply.headers["location"].startswith("/sign-in")
        elif rule not in (FILE, PUBLIC) and not at_least(role, rule):
            right = reply.status_code == 403 and f"role {rule}" in reply.text
        else:
            right = reply.status_code not in (401, 403, 500) and "/sign-in?" not in reply.headers.get("location", "")
        if not right:
            wrong.append((route, rule, role, reply.status_code, reply.headers.get("location")))
    assert wrong == []


async def test_a_form_needs_its_token_and_our_origin(running_console):
    """A form without the session's token, or sent by a page of another site, changes nothing."""
    client = await running_console.client("admin")
    token = client.headers.pop("X-Form-Token")
    assert (await client.post("/sign-out")).status_code == 403
    assert (await client.post("/sign-out", data={"form_token": "guessed"})).status_code == 403
    elsewhere = {"Origin": "https://evil.example"}
    assert (await client.post("/sign-out", data={"form_token": token}, headers=elsewhere)).status_code == 403
    assert (await client.post("/sign-out", data={"form_token": token})).headers["location"] == "/sign-in"
    assert (await client.get("/")).headers["location"] == "/sign-in"


async def test_every_reply_forbids_inline_scripts(running_console):
    """Pages, files, errors and the API carry the policy; nothing personal is kept by caches."""
    client = await running_console.client("viewer")
    for path in ("/", "/nowhere", "/static/console.css", "/api/v1/pipelines"):
        headers = (await client.get(path)).headers
        policy = headers["content-security-policy"]
        assert "script-src 'self';" in policy
        assert "unsafe" not in policy
        assert headers["x-content-type-options"] == "nosniff"
    assert (await client.get("/")).headers["cache-control"] == "no-store"
    assert "immutable" in (await client.get("/static/console.css")).headers["cache-control"]


async def test_unknown_addresses(running_console):
    """A browser gets a page with the navigation, a program that asks the API gets JSON."""
    client = await running_console.client("viewer")
    page = await client.get("/nowhere/at/all")
    assert (page.status_code, "There is nothing here" in page.text, "Sign out" in page.text) == (404, True, True)
    api = await client.get("/api/v1/nowhere")
    assert (api.status_code, api.json()["code"]) == (404, "not_found")
