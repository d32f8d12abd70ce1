"""Pipelines in a real Chromium: make one, see the first event arrive, deploy, roll back, pause, detach."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec
import pytest
from console_visits import AXE

from headwater.database.transactions import transaction
from headwater.events import RecordMeta
from headwater.log.records import encode_event
from headwater.log.writer import LogWriter
from headwater.pipelines import bootstrap, deployment_store, integration_store, pipeline_store
from headwater.pipelines.changes import change
from headwater.pipelines.objects import Pipeline, PlainValue

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not AXE.exists(), reason="run scripts/setup-tests first"),
]

HOSTILE = "<script>document.title = 'broken'</script>"


async def pipeline_named(running: Any, name: str) -> Pipeline:
    async with transaction(running.pool, read_only=True) as database:
        return await pipeline_store.find(database, name)


async def arrive(running: Any, pipeline: Pipeline, event: str) -> None:
    """An event that a collector took for the pipeline."""
    writer = LogWriter(running.console.log)
    running_writer = asyncio.create_task(writer.run())
    meta = RecordMeta("event", pipeline.id, f"m-{event}", "u-1", "2026-01-05T10:00:00.000Z")
    data = msgspec.json.encode({"type": "track", "event": event, "userId": "u-1"})
    await writer.append([encode_event(pipeline.id, meta, data, 16)])
    await writer.close()
    running_writer.cancel()


async def test_make_a_pipeline_and_see_its_first_event(running_console, visits, page_check):
    """From an empty list over the snippets to the event on the page; its name cannot run as a script."""
    page = await visits.as_role("editor")
    await page.goto("/pipelines")
    await page_check(page, "pipelines-empty")
    await page.get_by_role("link", name="New pipeline").click()
    await page.get_by_label("Name").fill("Default")
    await page_check(page, "pipeline-new")
    await page.get_by_role("button", name="Make the pipeline").click()
    await page.get_by_text("takes events now").wait_for()
    made = await pipeline_named(running_console, "default")
    assert made.write_keys[0] in await page.locator("details[open] pre").inner_text()
    await page_check(page, "pipeline-sources")
    await page.get_by_role("button", name="Wait for an event").click()
    await page.get_by_text("Nothing yet").wait_for()
    await arrive(running_console, made, HOSTILE)
    await page.get_by_text("it works").wait_for()
    assert HOSTILE in await page.locator(".arrivals b").inner_text()
    assert "Default" in await page.title()
    await page_check(page, "pipeline-sources-arrived")


async def test_a_name_that_is_taken_is_told_beside_the_field(running_console, visits):
    """The form comes back with what was typed, and the message is tied to its field."""
    async with change(running_console.pool, "test") as made:
        await pipeline_store.create(made, name="Web")
    page = await visits.as_role("editor")
    await page.goto("/new/pipeline")
    await page.get_by_label("Name").fill("web")
    await page.get_by_role("button", name="Make the pipeline").click()
    await page.get_by_text("There is already a pipeline").wait_for()
    assert await page.get_by_label("Name").input_value() == "web"


async def test_deploy_and_roll_back(running_console, visits, page_check):
    """What a deploy changes is shown before; after it the pipeline uses the new revision, and goes back on demand."""
    await bootstrap.create_defaults(running_console.pool, running_console.console.services.box)
    async with change(running_console.pool, "test") as made:
        lytics = await integration_store.find(made.connection, "lytics")
        first = await integration_store.revision(made.connection, lytics)
        parameters = {**first.content.parameters, "STREAM_ID": PlainValue("shop")}
        content = msgspec.structs.replace(first.content, parameters=parameters)
        await integration_store.save(made, lytics, content, "into the stream of the shop")
    page = await visits.as_role("editor")
    await page.goto("/pipelines/default")
    await page_check(page, "pipeline")
    await page.get_by_role("link", name="Deploy revision 2").click()
    row = page.get_by_role("row").filter(has_text="STREAM_ID")
    assert [await row.locator(".removed").inner_text(), await row.locator(".added").inner_text()] == ["default", "shop"]
    await page_check(page, "pipeline-deploy")
    await page.get_by_role("button", name="Deploy revision 2").click()
    await page.get_by_text("uses revision 2 now").wait_for()
    await page.get_by_role("button", name="Roll back", exact=True).click()
    dialog = page.get_by_role("dialog")
    await dialog.wait_for()
    await page_check(page, "pipeline-roll-back")
    await dialog.get_by_role("button", name="Roll back").click()
    await page.get_by_text("is back at revision 1").wait_for()


async def test_pause_and_detach(running_console, visits):
    """A pause can be ended; to detach is asked for once more, and keeping changes nothing."""
    await bootstrap.create_defaults(running_console.pool, running_console.console.services.box)
    page = await visits.as_role("editor")
    await page.goto("/pipelines/default")
    await page.get_by_role("button", name="Pause").click()
    await page.get_by_text("is paused; events wait").wait_for()
    await page.get_by_role("button", name="Resume").click()
    await page.get_by_text("goes on where it was paused").wait_for()
    await page.get_by_role("button", name="Detach").click()
    await page.get_by_role("button", name="Keep").click()
    await page.get_by_role("button", name="Detach").click()
    await page.get_by_role("dialog").get_by_role("button", name="Detach").click()
    await page.get_by_role("heading", name="Delivers nowhere yet").wait_for()
    await page.get_by_role("button", name="Attach").click()
    await page.get_by_text("from now on").first.wait_for()
    async with transaction(running_console.pool, read_only=True) as database:
        assert len(await deployment_store.attachments(database)) == 1


async def test_settings_and_keys(running_console, visits, page_check):
    """Name and origins are kept; a removed write key is gone; the pipeline can be deleted."""
    await bootstrap.create_defaults(running_console.pool, running_console.console.services.box)
    page = await visits.as_role("editor")
    await page.goto("/pipelines/default/settings")
    await page.get_by_label("Pages that may send").fill("not an origin")
    await page.get_by_role("button", name="Save").click()
    await page.get_by_role("alert").wait_for()
    await page.get_by_label("Pages that may send").fill("https://shop.example")
    await page.get_by_label("Name").fill("Shop")
    await page.get_by_role("button", name="Save").click()
    await page.get_by_text("The settings are saved").wait_for()
    await page_check(page, "pipeline-settings")
    found = await pipeline_named(running_console, "default")
    assert (found.name, found.allowed_origins) == ("Shop", ("https://shop.example",))
    await page.get_by_role("link", name="Takes events from").click()
    await page.get_by_role("button", name="Remove").click()
    await page.get_by_role("dialog").get_by_role("button", name="Remove").click()
    await page.get_by_text("nobody can send events").wait_for()
    await page.get_by_role("link", name="Settings").last.click()
    await page.get_by_role("button", name="Delete the pipeline").click()
    await page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    await page.get_by_role("heading", name="No pipeline yet").wait_for()


async def test_a_viewer_sees_and_changes_nothing(running_console, visits, page_check):
    """No button that would be refused is shown."""
    await bootstrap.create_defaults(running_console.pool, running_console.console.services.box)
    page = await visits.as_role("viewer")
    for path in ("/pipelines", "/pipelines/default", "/pipelines/default/sources"):
        await page.goto(path)
        await page.get_by_role("heading", level=1).wait_for()
        labels = await page.get_by_role("main").get_by_role("button").all_inner_texts()
        assert all(label.startswith(("Copy", "Wait for an event")) for label in labels)
    await page.goto("/pipelines")
    await page_check(page, "pipelines")
