"""The main task of a whole install, in a real Chromium: from the first start to an event that arrives mapped."""

from __future__ import annotations

import time

import httpx
import pytest
from console_visits import AXE, WIDE, link_of
from playwright.async_api import Browser

from install import Install
from receiver import Receiver

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(180),
    pytest.mark.skipif(not AXE.exists(), reason="run scripts/setup-tests first"),
]

KEY = "at.0123456789abcdef.secret"


async def send(install: Install, write_key: str, message_id: str) -> None:
    """An order of a customer, through the front door."""
    event = {
        "userId": "u-7",
        "messageId": message_id,
        "event": "Order Completed",
        "properties": {"event_id": f"own-{message_id}", "total": 42.5},
    }
    async with httpx.AsyncClient(base_url=install.url) as sender:
        reply = await sender.post("/v1/track", auth=(write_key, ""), json=event)
    assert reply.status_code == 200, reply.text


async def test_from_the_first_start_to_an_event_that_arrives_mapped(
    running_install: Install, browser: Browser, receiver: Receiver
):
    """Sign in, make a pipeline, add Lytics with STREAM_ID and API_KEY, override an input, see it on a live event, deploy."""
    context = await browser.new_context(viewport=WIDE, base_url=running_install.admin_url)
    context.set_default_timeout(15_000)
    page = await context.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))

    await page.goto(link_of(running_install))
    await page.get_by_label("Your name").fill("Ann")
    await page.get_by_label("E-mail").fill("ann@example.com")
    await page.get_by_label("Password").fill("the first admin's words")
    await page.get_by_role("button", name="Begin").click()

    await page.get_by_role("link", name="Pipelines").click()
    await page.get_by_role("link", name="New pipeline").click()
    await page.get_by_label("Name").fill("Web shop")
    await page.get_by_role("button", name="Make the pipeline").click()
    await page.get_by_text("takes events now").wait_for()
    write_key = running_install.write_key("web-shop")

    await page.get_by_role("link", name="Integrations", exact=True).click()
    await page.get_by_role("link", name="Add an integration").click()
    await page.get_by_label("Search the library").fill("lytics account")
    await page.get_by_role("link", name="Slack").wait_for(state="detached")
    await page.get_by_role("link", name="Lytics Sends every event").click()
    await page.get_by_role("link", name="Add Lytics").click()
    await page.get_by_label("STREAM_ID").fill("shop")
    await page.get_by_role("textbox", name="API_KEY").fill(KEY)
    await page.get_by_label("Name", exact=False).last.fill("Lytics of the shop")
    await page.get_by_label("Deliver events of").select_option(label="Web shop")
    await page.get_by_text("How it is delivered").click()
    await page.get_by_label("Send to another address").fill(receiver.url)
    await page.get_by_role("button", name="Send a test event").click()
    await page.get_by_text("The other side took it").wait_for()
    await page.get_by_role("button", name="Add Lytics").click()

    await page.get_by_role("heading", name="Mapping of Lytics of the shop").wait_for()
    preview = page.locator("#preview")
    await send(running_install, write_key, "m-1")
    await preview.get_by_role("cell", name='"m-1"').wait_for()
    await page.get_by_role("button", name="Edit id", exact=True).click()
    await page.get_by_label("Path in the event").fill("properties.event_id")
    await page.keyboard.press("Enter")
    await preview.get_by_role("cell", name='"own-m-1" was "m-1"').wait_for()
    await send(running_install, write_key, "m-2")
    await preview.get_by_role("cell", name='"own-m-2" was "m-2"').wait_for()
    await page.get_by_label("Note").fill("the shop has ids of its own")
    await page.get_by_role("button", name="Save and deploy to Web shop").click()
    await page.get_by_text("Web shop uses revision 2 from now on.").wait_for()
    assert KEY not in await page.content()

    # The router takes a deployment within seconds; until then revision 1 delivers.
    deadline, number = time.monotonic() + 30, 3
    while not any(record.get("id", "").startswith("own-") for record in receiver.records):
        assert time.monotonic() < deadline, receiver.records
        await send(running_install, write_key, f"m-{number}")
        number += 1
        await page.wait_for_timeout(500)
    arrived = next(record for record in receiver.records if record["id"].startswith("own-"))
    assert (arrived["event"], arrived["properties_total"], arrived["user_id"]) == ("Order Completed", 42.5, "u-7")
    request = receiver.requests[-1]
    assert (request.path, request.headers["authorization"]) == ("/collect/json/shop", KEY)
    assert "m-1" in {record["id"] for record in receiver.records}
    assert errors == []
    await context.close()
