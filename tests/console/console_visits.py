"""What the tests of the console's pages share: people, their browser windows, and what holds for every page."""

from __future__ import annotations

import os
import re
import time
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import argon2
import httpx
from playwright.async_api import Browser, BrowserContext, ConsoleMessage, Page

from headwater.console.accounts import sessions
from headwater.console.accounts.people import Person
from headwater.console.ports import Console
from headwater.database.transactions import transaction
from install import Install

CHROMIUM = Path("/usr/bin/chromium")
AXE = Path(__file__).parent / "node_modules/axe-core/axe.min.js"
PASSWORD = "a long enough password"
WIDE = {"width": 1280, "height": 860}
NARROW = {"width": 360, "height": 740}


def link_of(install: Install) -> str:
    """The one-time link that the start printed."""
    deadline = time.monotonic() + 20
    while (found := re.search(r"http\S+/welcome/\S+", install.log.read_text())) is None:
        assert time.monotonic() < deadline, install.log.read_text()
        time.sleep(0.1)
    return found[0]


class RunningConsole(NamedTuple):
    """The application, what it works on, and a person for each role."""

    app: Any
    console: Console
    people: dict[str, Person]

    @property
    def pool(self) -> Any:
        return self.console.pool

    async def session(self, role: str) -> str:
        """The cookie value of a new session of the person with this role."""
        async with transaction(self.pool) as database:
            return await sessions.begin(database, self.people[role].id, "127.0.0.1")

    async def client(self, role: str | None = "admin") -> httpx.AsyncClient:
        """A client without a browser; None has no session. Its form token is in the header that htmx sends."""
        transport = httpx.ASGITransport(app=self.app, raise_app_exceptions=False)
        client = httpx.AsyncClient(transport=transport, base_url="http://headwater")
        if role is not None:
            secret = await self.session(role)
            client.cookies.set("headwater_session", secret)
            async with transaction(self.pool) as database:
                seen = await sessions.see(database, secret)
            assert seen is not None
            client.headers["X-Form-Token"] = seen.visitor.form_token
        return client


@cache
def password_hash() -> str:
    """One slow computation for the whole run."""
    return argon2.PasswordHasher().hash(PASSWORD)


class Visits:
    """Opens browser windows of people; at the end no page may have reported an error (a blocked script is one)."""

    def __init__(self, browser: Browser, running: RunningConsole, url: str) -> None:
        self._browser = browser
        self._running = running
        self._contexts: list[BrowserContext] = []
        self.url = url
        self.errors: list[str] = []

    async def as_role(self, role: str | None = "admin", **options: Any) -> Page:
        """A window of the person with this role; None is not signed in. `options` as Playwright's contexts have them."""
        settings = {
            "viewport": WIDE,
            "locale": "en-GB",
            "timezone_id": "Europe/Berlin",
            "base_url": self.url,
            **options,
        }
        context = await self._browser.new_context(**settings)
        context.set_default_timeout(10_000)
        self._contexts.append(context)
        if role is not None:
            secret = await self._running.session(role)
            await context.add_cookies([{"name": "headwater_session", "value": secret, "url": self.url}])
        page = await context.new_page()
        page.on("console", self._note)
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        return page

    async def close(self) -> None:
        for context in self._contexts:
            await context.close()

    def _note(self, message: ConsoleMessage) -> None:
        # A refused form is answered with 4xx, which the browser reports, too; that is no fault of the page. Nor is a request
        # that a newer one replaced, which htmx reports; one that failed it reports under another name as well.
        expected = ("Failed to load resource", "htmx:afterRequest", "htmx:sendAbort")
        if message.type == "error" and not any(text in message.text for text in expected):
            self.errors.append(message.text)


async def violations(page: Page) -> list[str]:
    """What axe-core finds against the page: rule, and the first place."""
    await page.evaluate(AXE.read_text())
    found = await page.evaluate("axe.run(document, {resultTypes: ['violations']})")
    return [f"{rule['id']}: {rule['nodes'][0]['html'][:200]} ({rule['help']})" for rule in found["violations"]]


async def look(page: Page, name: str) -> None:
    """Keep a picture of the page in light and dark, wide and narrow, where HEADWATER_PICTURES names a folder."""
    folder = os.environ.get("HEADWATER_PICTURES")
    if folder is None:
        return
    for scheme in ("light", "dark"):
        await page.emulate_media(color_scheme=scheme)
        for label, size in (("wide", WIDE), ("narrow", NARROW)):
            await page.set_viewport_size(size)
            await page.wait_for_timeout(150)
            await page.screenshot(path=Path(folder) / f"{name}-{scheme}-{label}.png", full_page=True)
    await page.set_viewport_size(WIDE)


async def check_page(page: Page, name: str) -> None:
    """What holds for every page: no axe violation in light and dark, nothing wider than a narrow screen; pictures."""
    await look(page, name)
    for scheme in ("light", "dark"):
        await page.emulate_media(color_scheme=scheme)
        found = await violations(page)
        assert found == [], f"{name}, {scheme}: {found}"
    await page.set_viewport_size(NARROW)
    for _ in range(20):  # charts learn of it a moment later
        width = await page.evaluate("document.documentElement.scrollWidth")
        if width <= NARROW["width"]:
            break
        await page.wait_for_timeout(100)
    await page.set_viewport_size(WIDE)
    assert width <= NARROW["width"], f"{name} is {width} wide on a screen of {NARROW['width']}"
