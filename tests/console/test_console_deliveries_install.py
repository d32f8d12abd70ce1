"""A dead letter of a whole install, in a real Chromium: found, its mapping mended, sent again, delivered; and restarts."""

from __future__ import annotations

import os
import signal

import httpx
import pytest
from console_visits import AXE, WIDE, link_of
from playwright.async_api import Browser

from install import Install
from receiver import Answer, Receiver

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(240),
    pytest.mark.skipif(not AXE.exists(), reason="run scripts/setup-tests first"),
]


def only_numbers(_number: int, _headers: dict[str, str], body: bytes) -> Answer | None:
    """A vendor that refuses totals that are texts."""
    refused = b'"properties_total":"' in body
    return Answer(400, b'{"message":"properties_total must be a number"}', accept=False) if refused else None


async def send(install: Install, message_id: str) -> None:
    """An order with a total that is a text."""
    event = {
        "userId": "u-7",
        "messageId": message_id,
        "event": "Order Completed",
        "properties": {"total": "a lot", "amount": 42.5},
    }
    async with httpx.AsyncClient(base_url=install.url) as sender:
        reply = await sender.post("/v1/track", auth=(install.write_key(), ""), json=event)
    assert reply.status_code == 200, reply.text


async def test_a_letter_is_found_mended_sent_again_and_delivered(
    running_install: Install, browser: Browser, page_check
):
    """From the home page to the letter, to the mapping, to the vendor; the live page goes on after a restart."""
    vendor = Receiver(only_numbers)
    try:
        slug = running_install.attach(vendor.url)
        context = await browser.new_context(viewport=WIDE, base_url=running_install.admin_url)
        context.set_default_timeout(20_000)
        page = await context.new_page()
        errors: list[str] = []
        page.on("pageerror", lambda error: errors.append(str(error)))
        await page.goto(link_of(running_install))
        await page.get_by_label("Your name").fill("Ann")
        await page.get_by_label("E-mail").fill("ann@example.com")
        await page.get_by_label("Password").fill("the first admin's words")
        await page.get_by_role("button", name="Begin").click()
        await page.get_by_role("heading", name="Home").wait_for()

        live = await context.new_page()
        await live.goto("/live")
        await live.get_by_text("live", exact=True).wait_for()
        await page.wait_for_timeout(2500)  # the router takes an attachment within two seconds
        await send(running_install, "m-1")
        await live.get_by_role("link", name="Order Completed").first.wait_for()

        await page.get_by_role("heading", name=f"1 delivery to {slug} failed for good").wait_for()
        await page.get_by_role("link", name="Look and deliver again").click()
        await page.get_by_role("link", name="Open letter").click()
        await page.get_by_text("properties_total must be a number").wait_for()
        letter = page.url

        await page.get_by_role("link", name="Mend the mapping").click()
        await page.get_by_role("button", name="File").click()
        await page.get_by_role("textbox", name="overrides").fill(
            "global:\n  mappings:\n    - outputKey: properties_total\n      inputKey: properties.amount\n"
        )
        await page.get_by_role("button", name="Check").click()
        await page.get_by_role("button", name="Save and deploy").click()
        await page.get_by_text("uses revision 2 from now on").wait_for()

        await page.goto(letter)
        await page.get_by_text("revision 2").wait_for()
        await page.wait_for_timeout(2500)
        await page.get_by_role("button", name="Send again").click()
        await page.get_by_text("The other side took it").wait_for()
        assert [(record["id"], record["properties_total"]) for record in vendor.records] == [("m-1", 42.5)]

        await page.goto("/live?pipeline=streams")
        await page.locator("[data-live-rows] a").first.click()
        await page.get_by_text("in a profile", exact=True).wait_for()
        await page.get_by_text("What it says about the person").click()
        assert "user_id" in await page.locator("main").inner_text()
        await page_check(page, "live-record")

        os.kill(running_install.pids()["console"], signal.SIGKILL)
        await live.get_by_text("live", exact=True).wait_for(state="detached")
        await live.get_by_text("live", exact=True).wait_for()
        await send(running_install, "m-2")
        await live.get_by_role("link", name="Order Completed").nth(1).wait_for()
        assert errors == []
        await context.close()
    finally:
        vendor.close()
