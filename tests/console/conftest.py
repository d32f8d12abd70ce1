"""The console on real engines, and a real Chromium that looks at it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from console_visits import CHROMIUM, WIDE, RunningConsole, Visits, check_page, link_of, password_hash
from playwright.async_api import Browser, Page, async_playwright

from headwater.api.ports import Services
from headwater.api.profile_services import profile_services
from headwater.console.accounts import people
from headwater.console.accounts.attempts import Attempts
from headwater.console.accounts.roles import ROLES
from headwater.console.application import create_app
from headwater.console.ports import Console
from headwater.database import migrations
from headwater.database.pool import open_pool
from headwater.database.transactions import transaction
from headwater.engines import endpoints
from headwater.log import connection, streams
from headwater.log.writer import LogWriter
from headwater.pipelines.changes import change
from headwater.pipelines.secrets import SecretBox, SecretResolver
from headwater.pipelines.watcher import SnapshotWatcher
from headwater.profiles.store import generations
from headwater.profiles.versions import version_store
from headwater.roles.serving import Server
from headwater.routing.dead_letter_desk import DeadLetterDesk
from headwater.routing.dead_letters import DeadLetterStore
from headwater.routing.destinations import DestinationMaker
from headwater.routing.outbound import Outbound
from headwater.settings import LogSettings, Settings
from install import Install


@pytest.fixture
async def running_console(database_url: str, nats_url: str, tmp_path: Path) -> AsyncIterator[RunningConsole]:
    """The console on a fresh database with a viewer, an editor and an admin."""
    await migrations.migrate(database_url)
    pool = await open_pool(database_url)
    await version_store.ensure_first(pool)
    async with transaction(pool) as database:
        await generations.ensure_first(database, (await version_store.live(database)).schema)
    client = await connection.connect(nats_url, "test")
    await streams.ensure(client, LogSettings())
    writer = LogWriter(client)
    writing = asyncio.create_task(writer.run())
    async with change(pool, "test") as made:
        everybody = {
            role: await people.create(
                made, email=f"{role}@example.com", name=role.title(), role=role, password_hash=password_hash()
            )
            for role in ROLES
        }
    async with SnapshotWatcher(database_url) as watcher:
        await watcher.wait_ready(5)
        desk = DeadLetterDesk(DeadLetterStore(pool), writer)
        box = SecretBox(b"k" * 32)
        services = Services(pool, watcher, box, desk, profile_services(pool, client, Settings()))
        outbound = Outbound({"127.0.0.1"})
        console = Console(
            services=services,
            attempts=Attempts(),
            collector_url="http://127.0.0.1:8480",
            first_party_path="hw",
            public_url="",
            log=client,
            destinations=DestinationMaker(Settings(), SecretResolver(box, {}, tmp_path), outbound),
            stopping=asyncio.Event(),
        )
        yield RunningConsole(create_app(console), console, everybody)
        await outbound.close()
    writing.cancel()
    await connection.close(client)
    pool.terminate()


@pytest.fixture
async def console_url(running_console: RunningConsole) -> AsyncIterator[str]:
    """The address of the console, served to browsers."""
    port = endpoints.free_port()
    server = Server(running_console.app, "127.0.0.1", port, setting="test")
    serving = asyncio.create_task(server.run())
    yield f"http://127.0.0.1:{port}"
    running_console.console.stopping.set()
    server.stop()
    await serving


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    """A real Chromium."""
    if not CHROMIUM.exists():
        pytest.skip("Chromium is needed: apt-get install chromium")
    async with async_playwright() as playwright:
        launched = await playwright.chromium.launch(executable_path=str(CHROMIUM), args=["--no-sandbox"])
        yield launched
        await launched.close()


@pytest.fixture
async def visits(browser: Browser, running_console: RunningConsole, console_url: str) -> AsyncIterator[Visits]:
    """Windows of people on the running console."""
    opened = Visits(browser, running_console, console_url)
    yield opened
    await opened.close()
    assert opened.errors == []


@pytest.fixture
def page_check() -> Callable[[Page, str], Any]:
    """`check_page`, for tests: `await page_check(page, "home")`."""
    return check_page


ADMIN_PASSWORD = "the first admin's words"


@pytest.fixture
async def admin(running_install: Install, browser: Browser) -> AsyncIterator[Page]:
    """A window of the admin, who came in by the link of the first start, or signs in."""
    context = await browser.new_context(viewport=WIDE, base_url=running_install.admin_url)
    page = await context.new_page()
    await page.goto(link_of(running_install))
    if await page.get_by_label("Your name").count():
        await page.get_by_label("Your name").fill("Ann")
        await page.get_by_label("E-mail").fill("ann@example.com")
        await page.get_by_label("Password").fill(ADMIN_PASSWORD)
        await page.get_by_role("button", name="Begin").click()
    else:
        await page.goto("/sign-in")
        await page.get_by_label("E-mail").fill("ann@example.com")
        await page.get_by_label("Password").fill(ADMIN_PASSWORD)
        await page.get_by_role("button", name="Sign in").click()
    await page.get_by_role("heading", name="Home").wait_for()
    yield page
    await context.close()
