"""The foundation in a real Chromium: first start, keyboard, colours, times."""

from __future__ import annotations

import pytest
from console_visits import AXE, PASSWORD

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not AXE.exists(), reason="run scripts/setup-tests first"),
]


async def test_sign_in_and_out(visits, page_check):
    """A wrong password is told with the field; the right one leads home; signing out leads back to the door."""
    page = await visits.as_role(None)
    await page.goto("/")
    await page_check(page, "sign-in")
    await page.get_by_label("E-mail").fill("viewer@example.com")
    await page.get_by_label("Password").fill("not this one")
    await page.get_by_role("button", name="Sign in").click()
    assert "No such pair" in await page.locator("#password-fault").inner_text()
    await page_check(page, "sign-in-wrong")
    await page.get_by_label("Password").fill(PASSWORD)
    await page.get_by_role("button", name="Sign in").click()
    await page.get_by_role("heading", name="Home").wait_for()
    await page.get_by_role("button", name="Sign out").click()
    await page.get_by_role("heading", name="Sign in").wait_for()


async def test_the_first_key_press_offers_the_content(visits):
    """Tab reaches the skip link first, and it moves the focus past the navigation."""
    page = await visits.as_role("viewer")
    await page.goto("/")
    await page.keyboard.press("Tab")
    assert await page.evaluate("document.activeElement.className") == "skip"
    await page.keyboard.press("Enter")
    assert await page.evaluate("document.activeElement.id") == "main"


async def test_colours_follow_the_choice(visits):
    """The switch wins over the system and stays on the next page."""
    page = await visits.as_role("viewer", color_scheme="light")
    await page.goto("/")
    light = await page.evaluate("getComputedStyle(document.body).color")
    await page.get_by_role("button", name="Dark").click()
    dark = page.locator('html[data-theme="dark"]')
    await dark.wait_for(state="attached")
    assert await page.evaluate("getComputedStyle(document.body).color") != light
    await page.goto("/nowhere")
    assert await page.evaluate("document.documentElement.dataset.theme") == "dark"


async def test_home_and_nowhere_look_right(visits, page_check):
    """The page for an unknown address keeps the frame."""
    page = await visits.as_role("viewer")
    await page.goto("/")
    await page_check(page, "home-empty")
    await page.goto("/nowhere")
    await page.get_by_role("heading", name="There is nothing here").wait_for()
    await page_check(page, "nowhere")
