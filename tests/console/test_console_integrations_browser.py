"""Integrations and the mapping editor in a real Chromium: looks, keyboard, live preview, hostile names."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from console_visits import AXE
from lytics_setup import SECRET, added, newest, saved

from headwater import jsontext
from headwater.events import RecordMeta
from headwater.log.records import encode_event
from headwater.log.writer import LogWriter
from headwater.pipelines import integration_store, pipeline_store
from headwater.pipelines.changes import change
from headwater.pipelines.revision_edit import RevisionEdit
from receiver import Answer, Receiver

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not AXE.exists(), reason="run scripts/setup-tests first"),
]

HOSTILE = '<img src=x onerror="document.title=1"></textarea><script>document.title=1</script>'
ORDER = {
    "type": "track",
    "event": "Order Completed",
    "userId": "u-7",
    "anonymousId": "a-7",
    "timestamp": "2026-01-01T10:00:00.000Z",
    "context": {"page": {"url": "https://shop.example/thanks", "title": "Thank you"}, "locale": "en-GB"},
    "traits": {"email": "jane@example.com"},
    "properties": {"order_id": "o-1", "event_id": "own-1", "total": 42.5, "currency": "EUR"},
}


async def arrive(running: Any, message_id: str, **data: Any) -> None:
    """An event of the pipeline `shop` is in the log."""
    async with running.pool.acquire() as database:
        pipeline = await pipeline_store.find(database, "shop")
    writer = LogWriter(running.console.log)
    meta = RecordMeta("event", pipeline.id, message_id, "u-7", "2026-01-01T10:00:01.000Z")
    event = {**ORDER, "messageId": message_id, **data}
    writing = asyncio.create_task(writer.run())
    await writer.append([encode_event(pipeline.id, meta, jsontext.encode(event), 8)])
    await writer.close()
    writing.cancel()


async def test_library_kit_and_form_look_right(visits, page_check, running_console):
    """What is searched for is found while typing; a kit's page leads to its form."""
    page = await visits.as_role("editor")
    await page.goto("/integrations")
    await page_check(page, "integrations-empty")
    await page.get_by_role("link", name="Open the library").click()
    await page_check(page, "integrations-library")
    await page.get_by_label("Search the library").fill("lytics")
    await page.get_by_role("link", name="Slack").wait_for(state="detached")
    await page.get_by_role("link", name="Lytics Sends every event").click()
    await page.get_by_role("heading", name="What it needs to know").wait_for()
    await page_check(page, "integrations-kit")
    await page.get_by_role("link", name="Add Lytics").click()
    await page.get_by_role("heading", name="Add Lytics").wait_for()
    await page_check(page, "integrations-add")


async def test_a_connection_is_tried_for_real(visits, page_check, running_console):
    """The test sends the kit's example, shows the answer, and never the secret."""
    receiver = Receiver(
        lambda number, *_: Answer(401, b'{"status":401,"message":"no such key"}') if number == 1 else None
    )
    try:
        page = await visits.as_role("editor")
        await page.goto("/integrations/library/lytics/add")
        await page.get_by_label("STREAM_ID").fill("web")
        await page.get_by_role("textbox", name="API_KEY").fill(SECRET)
        await page.get_by_text("How it is delivered").click()
        await page.get_by_label("Send to another address").fill(receiver.url)
        await page.get_by_role("button", name="Send a test event").click()
        await page.get_by_text("HTTP 401").wait_for()
        await page.get_by_text("no such key").wait_for()
        await page_check(page, "integrations-add-refused")
        await page.get_by_role("button", name="Send a test event").click()
        await page.get_by_text("The other side took it").wait_for()
        assert SECRET not in await page.content()
        assert [request.headers["authorization"] for request in receiver.requests] == [SECRET, SECRET]
        await page.get_by_role("button", name="Add Lytics").click()
        await page.get_by_role("heading", name="Mapping of Lytics").wait_for()
    finally:
        receiver.close()


async def test_the_editor_shows_what_becomes_of_a_live_event(visits, page_check, running_console):
    """An override changes the preview at once; a newer event shows by itself; the save names the revision."""
    await added(running_console)
    page = await visits.as_role("editor")
    await page.goto("/integrations/lytics/mapping")
    await page.get_by_text("Shop has no events yet").wait_for()
    await page_check(page, "integrations-mapping-example")
    await arrive(running_console, "m-1")
    await page.get_by_text("live", exact=True).wait_for()
    preview = page.locator("#preview")
    await preview.get_by_role("cell", name='"m-1"').wait_for()
    await page_check(page, "integrations-mapping")
    await page.get_by_role("button", name="Edit id", exact=True).click()
    await page.get_by_label("Path in the event").fill("properties.event_id")
    await page_check(page, "integrations-mapping-rule")
    await page.keyboard.press("Enter")
    await preview.get_by_role("cell", name='"own-1" was "m-1"').wait_for()
    await page_check(page, "integrations-mapping-changed")
    await page.get_by_role("button", name="Changes 1").click()
    await page.get_by_text("Against revision 1, which Shop uses now.").wait_for()
    await page_check(page, "integrations-mapping-changes")
    await page.get_by_role("button", name="File").click()
    area = page.get_by_role("textbox", name="overrides")
    assert "properties.event_id" in await area.input_value()
    await page_check(page, "integrations-mapping-file")
    await area.fill("global:\n  remove: [name]\n  mapings: []\n")
    await page.get_by_role("button", name="Check").click()
    await page.get_by_text("overrides.yaml, line 3").wait_for()
    await page_check(page, "integrations-mapping-file-fault")
    await area.fill("global:\n  remove: [name]\n")
    await page.get_by_role("button", name="Table").click()
    await page.get_by_role("button", name="Restore name").wait_for()
    await page.get_by_label("Note").fill("names are not needed")
    await page.get_by_role("button", name="Save and deploy to Shop").click()
    await page.get_by_text("Shop uses revision 2 from now on.").wait_for()
    after = await newest(running_console)
    assert (after.note, after.content.overrides) == ("names are not needed", {"global": {"remove": ["name"]}})


async def test_lua_has_colours_and_its_fault_a_line(visits, page_check, running_console):
    """While somebody types, the line that does not compile is marked; what compiles is applied."""
    await added(running_console)
    await arrive(running_console, "m-1")
    page = await visits.as_role("editor")
    await page.goto("/integrations/lytics/mapping")
    await page.get_by_role("button", name="Add a key to Global").click()
    await page.get_by_label("Output key").fill("domain")
    await page.get_by_label("Comes from").select_option("lua")
    area = page.get_by_label("Lua that returns the value")
    await area.fill("local email = input.traits.email\nreturn SPLIT(email, '@')[2] +")
    await page.get_by_text("Line 2:").wait_for()
    await page.locator(".code-line.wrong").wait_for()
    await page_check(page, "integrations-mapping-lua")
    await area.fill("local email = input.traits.email\nreturn SPLIT(email, '@')[2]")
    await page.get_by_text("It compiles.").wait_for()
    await page.get_by_role("button", name="Add", exact=True).click()
    await page.locator("#preview").get_by_role("cell", name='"example.com"').wait_for()


async def test_events_parameters_and_rules_of_ones_own(visits, page_check, running_console):
    """A custom event gets a section, a parameter a value, and both are used by a new rule; all by keyboard."""
    await added(running_console)
    await arrive(running_console, "m-1", event="Trial Started")
    page = await visits.as_role("editor")
    await page.goto("/integrations/lytics/mapping")
    await page.get_by_text("Add a parameter").click()
    await page.get_by_label("Name", exact=True).fill("REGION")
    await page.get_by_label("Value", exact=True).fill("eu")
    await page.keyboard.press("Enter")
    await page.get_by_text("$$REGION$$").wait_for()
    await page.get_by_label("Name of the event").fill("Trial Started")
    await page.keyboard.press("Enter")
    section = page.get_by_role("button", name="Add a key to Trial Started")
    await section.focus()
    await page.keyboard.press("Enter")
    await page.get_by_label("Output key").fill("region")
    await page.get_by_label("Comes from").select_option("text")
    await page.get_by_label("Text", exact=True).fill("$$REGION$$")
    await page.keyboard.press("Enter")
    await page.locator("#preview").get_by_role("cell", name='"eu"').wait_for()
    await page_check(page, "integrations-mapping-event")


async def test_hostile_names_stay_text(visits, page_check, running_console):
    """Script in an event's name and traits, in a kit's files, in keys and in an integration's name does nothing."""
    await added(running_console)
    async with change(running_console.pool, "test") as made:
        found = await integration_store.find(made.connection, "lytics")
        await integration_store.rename(made, found, name=HOSTILE, slug="lytics")
    texts = (await newest(running_console)).content.texts
    texts |= {"metadata.yaml": f"friendlyName: {jsontext.encode(HOSTILE).decode()}\n"}
    document = {
        "global": {"mappings": [{"outputKey": HOSTILE, "inputKey": f"properties.{HOSTILE.replace('.', '')}"}]},
        "events": {HOSTILE: {"enrichments": [{"outputKey": "a", "staticString": HOSTILE}]}},
    }
    await saved(running_console, RevisionEdit(texts=texts, overrides=document), HOSTILE)
    await arrive(running_console, "m-1", event=HOSTILE, traits={HOSTILE: HOSTILE})
    page = await visits.as_role("editor")
    for path in ("", "/lytics", "/lytics/revisions/2", "/lytics/mapping", "/lytics/mapping?view=file"):
        await page.goto(f"/integrations{path}")
        await page.get_by_text("onerror").first.wait_for(state="attached")
        assert await page.evaluate("document.images.length") == 0
        assert await page.title() != "1"
    await page.get_by_role("button", name="Table").click()
    await page.get_by_role("button", name=f"Edit {HOSTILE}").wait_for()
    await page_check(page, "integrations-hostile")


async def test_the_pages_of_an_integration_look_right(visits, page_check, running_console):
    """Where it is in use, what a deploy would change, and its connection."""
    await added(running_console)
    document = {"global": {"mappings": [{"outputKey": "id", "inputKey": "properties.event_id"}], "remove": ["name"]}}
    await saved(running_console, RevisionEdit(overrides=document), "our own ids")
    page = await visits.as_role("editor")
    await page.goto("/integrations")
    await page_check(page, "integrations")
    await page.get_by_role("link", name="Lytics", exact=True).click()
    await page_check(page, "integration")
    await page.get_by_role("link", name="What would change").click()
    await page.get_by_role("heading", name="Against revision 1").wait_for()
    await page_check(page, "integration-revision")
    await page.get_by_role("button", name="Deploy revision 2 on shop").click()
    await page.get_by_text("Shop uses revision 2 from now on.").wait_for()
    await page.get_by_role("link", name="Connection").click()
    await page_check(page, "integration-connection")
