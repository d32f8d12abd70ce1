"""Who may call what."""

import asyncio
import subprocess
import sys

import pytest
from litestar.routes import HTTPRoute

from headwater.api.failed_attempts import LIMIT, REFILL_SECONDS, FailedAttempts
from headwater.pipelines import token_store
from headwater.pipelines.changes import change

PUBLIC = "/api/v1/schema"


async def test_every_route_has_a_rule(api):
    """A route that somebody adds without scopes fails here before it lets nobody in."""
    checked = 0
    for route in api.app.routes:
        assert isinstance(route, HTTPRoute)
        for handler in route.route_handlers:
            if route.path.startswith(PUBLIC) or set(handler.http_methods) == {"OPTIONS"}:
                continue
            assert "scopes" in handler.opt, f"{handler.http_methods} {route.path} has no scope rule"
            assert handler.resolve_guards(), f"{handler.http_methods} {route.path} is not guarded"
            checked += 1
    assert checked > 25


@pytest.mark.parametrize("header", ["{}", "Bearer {}", "bearer {}"])
async def test_a_token_comes_raw_or_as_bearer(api, header):
    """Both forms of the header are the same token."""
    async with api.client(None) as client:
        reply = await client.get("/me", headers={"Authorization": header.format(api.tokens["observer"])})
    assert (reply.status_code, reply.json()["scopes"]) == (200, ["observer"])


async def test_no_token_and_a_wrong_token_are_told_apart(api):
    """Both are 401, with the remedy in the message."""
    async with api.client(None) as client:
        none = await client.get("/pipelines")
        wrong = await client.get("/pipelines", headers={"Authorization": "hw_wrong"})
    assert (none.status_code, wrong.status_code) == (401, 401)
    assert none.json() == {
        "code": "unauthorized",
        "message": "the request has no token; send it in the header Authorization",
        "field": "",
    }
    assert "unknown or revoked" in wrong.json()["message"]


@pytest.mark.parametrize(
    ("scope", "method", "path", "status"),
    [
        ("observer", "GET", "/pipelines", 200),
        ("observer", "POST", "/pipelines", 403),
        ("observer", "GET", "/dead-letters/1", 403),
        ("data", "GET", "/pipelines", 403),
        ("data_write", "GET", "/audit-log", 403),
        ("data", "GET", "/me", 200),
        ("campaign_manager", "POST", "/pipelines", 201),
        ("campaign_manager", "GET", "/tokens", 403),
        ("general_manager", "POST", "/tokens", 403),
        ("general_manager", "GET", "/dead-letters/1", 404),
        ("admin", "GET", "/tokens", 200),
    ],
)
async def test_a_scope_opens_its_routes_only(api, scope, method, path, status):
    """Readers cannot write, senders of data cannot read, and only admin sees tokens."""
    async with api.client(scope) as client:
        reply = await client.request(method, path, json={"name": "Web"} if method == "POST" else None)
    assert reply.status_code == status, reply.text


async def test_a_revoked_token_is_refused(api):
    """Revoking reaches the API as it reaches every process."""
    async with change(api.services.pool, "test") as made:
        token = await token_store.create(made, name="t", scopes=["admin"])
    async with api.client(None) as client:
        headers = {"Authorization": token.raw}
        for _ in range(20):
            if (await client.get("/me", headers=headers)).status_code == 200:
                break
            await asyncio.sleep(0.1)
        assert (await client.delete(f"/tokens/{token.token.id}", headers=headers)).status_code == 204
        for _ in range(20):
            if (await client.get("/me", headers=headers)).status_code == 401:
                return
            await asyncio.sleep(0.1)
    pytest.fail("the token still works after 2 seconds")


async def test_guessing_is_slowed_down_and_holds_nobody_else_up(api):
    """After the limit a wrong token gets 429 with the time to wait; a right one from the same address still passes."""
    async with api.client(None) as client:
        statuses = [
            (await client.get("/me", headers={"Authorization": f"hw_{number}"})).status_code
            for number in range(LIMIT + 1)
        ]
        refused = await client.get("/me", headers={"Authorization": "hw_x"})
        passed = await client.get("/me", headers={"Authorization": api.tokens["admin"]})
    assert statuses == [401] * LIMIT + [429]
    assert 1 <= int(refused.headers["Retry-After"]) <= REFILL_SECONDS
    assert passed.status_code == 200


def test_an_address_recovers_with_time():
    """One more failure is allowed for each refill time, and other addresses are not concerned."""
    now = [0.0]
    attempts = FailedAttempts(lambda: now[0])
    assert [attempts.note("a") for _ in range(LIMIT)] == [0.0] * LIMIT
    assert attempts.note("a") == REFILL_SECONDS
    assert attempts.note("b") == 0
    now[0] = REFILL_SECONDS
    assert attempts.note("a") == 0
    assert attempts.note("a") > 0


def test_the_web_framework_is_loaded_by_the_console_role_only():
    """Commands and collectors start without it."""
    modules = "headwater.pipelines.watcher, headwater.pipelines.apply, headwater.cli.pipeline, headwater.cli.token"
    program = f"import sys, {modules}; assert 'litestar' not in sys.modules"
    subprocess.run([sys.executable, "-c", program], check=True)
