"""Live in a real Chromium: events as they pass, and the whole way of one."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest
from console_visits import AXE

from headwater import jsontext
from headwater.collect.ports import Refusal
from headwater.collect.refusal_log import RefusalStream
from headwater.events import RecordMeta
from headwater.log import streams
from headwater.log.records import EncodedRecord, encode_event, encode_stream_record
from headwater.log.writer import LogWriter
from headwater.pipelines import bootstrap, deployment_store, integration_store, pipeline_store
from headwater.pipelines.changes import change
from headwater.routing.attempts import AttemptLog
from headwater.routing.dead_letters import DeadLetter, DeadLetterStore
from headwater.routing.destination import Exchange

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not AXE.exists(), reason="run scripts/setup-tests first"),
]

HOSTILE = '<img src=x onerror="document.title=1"><script>document.title=1</script>'
ORDER = {
    "type": "track",
    "event": "Order Completed",
    "userId": "u-7",
    "anonymousId": "a-7",
    "timestamp": "2026-01-01T10:00:03.000Z",
    "originalTimestamp": "2026-01-01T10:00:00.000Z",
    "context": {"page": {"url": "https://shop.example/thanks", "title": "Thank you"}, "locale": "en-GB"},
    "traits": {"email": "jane@example.com"},
    "properties": {"order_id": "o-1", "total": 42.5, "currency": "EUR"},
    "_metadata": {"bundled": ["Segment.io"]},
}


async def write(running: Any, records: list[EncodedRecord]) -> None:
    """These records are in the log."""
    writer = LogWriter(running.console.log)
    writing = asyncio.create_task(writer.run())
    await writer.append(records)
    await writer.close()
    writing.cancel()


async def pipeline_id(running: Any, name: str = "default") -> str:
    async with running.pool.acquire() as database:
        return (await pipeline_store.find(database, name)).id


async def arrive(running: Any, message_id: str, *, count: int = 1, **data: Any) -> None:
    """Events of the pipeline `default` are in the log; `count` numbers further ones."""
    source, records = await pipeline_id(running), []
    for number in range(count):
        name = message_id if count == 1 else f"{message_id}-{number}"
        meta = RecordMeta("event", source, name, "u-7", "2026-01-01T10:00:04.000Z", "203.0.113.9")
        records.append(encode_event(source, meta, jsontext.encode({**ORDER, "messageId": name, **data}), 8))
    await write(running, records)


@pytest.fixture
async def shop(running_console):
    """A default install: the pipeline `default` delivers to Lytics and to the profiles."""
    for stream in (streams.MAIN, streams.ATTEMPTS, streams.REFUSED):  # other tests share the log
        await running_console.console.log.jsm().purge_stream(stream)
    await bootstrap.create_defaults(running_console.pool, running_console.console.services.box)
    return running_console


async def test_live_without_events_teaches(shop, visits, page_check):
    """A page without events says how to send the first one, and shows it when it comes."""
    page = await visits.as_role("viewer")
    await page.goto("/live")
    await page.get_by_role("heading", name="No event yet").wait_for()
    await page.get_by_text("live", exact=True).wait_for()
    await page_check(page, "live-empty")
    await arrive(shop, "m-1")
    await page.get_by_role("link", name="Order Completed").wait_for()
    assert not await page.get_by_role("heading", name="No event yet").is_visible()


async def test_events_pass_and_filters_hold(shop, visits, page_check):
    """Rows come by themselves; a filter in the address chooses them, by part of a name, user and text in any case."""
    await arrive(shop, "m", count=30)
    await arrive(shop, "p-1", type="page", event=None, name="Checkout", userId="jane")
    await write(shop, [encode_stream_record("web", RecordMeta("stream", "web", "r-1", "r-1", "2026-01-01T10:00:04.000Z"), b'{"a":1}', 8)])  # fmt: skip
    page = await visits.as_role("viewer")
    await page.goto("/live")
    rows = page.locator("[data-live-rows] li")
    assert await rows.count() == 32
    await page.get_by_text("live", exact=True).wait_for()
    assert await rows.count() == 32
    await page_check(page, "live")
    for query, count in (
        ("pipeline=default", 31), ("pipeline=streams", 1), ("type=page", 1), ("name=check", 1), ("user=JANE", 31),
        ("user=u-7", 31), ("text=o-1", 31), ("text=m-29", 1), ("pipeline=nowhere", 0), ("type=page&name=order", 0),
    ):  # fmt: skip
        await page.goto(f"/live?{query}")
        assert (query, await rows.count()) == (query, count)
    await page.goto("/live")
    await page.get_by_label("Name").fill("check")
    await page.keyboard.press("Enter")
    await page.wait_for_url("**/live?*name=check*")
    await page.get_by_text("live", exact=True).wait_for()
    await arrive(shop, "p-2", type="page", event=None, name="Checkout again")
    await arrive(shop, "o-9")
    await page.get_by_role("link", name="Checkout again").wait_for()
    assert await rows.count() == 2


async def test_pause_holds_rows_back(shop, visits):
    """While it is paused nothing moves, and the page says how much waits; going on shows it."""
    page = await visits.as_role("viewer")
    await page.goto("/live")
    await page.get_by_text("live", exact=True).wait_for()
    await page.get_by_role("button", name="Pause").press("Enter")
    await arrive(shop, "m", count=3)
    await page.get_by_text("3 new, not shown").wait_for()
    assert await page.locator("[data-live-rows] li").count() == 0
    await page.get_by_role("button", name="Go on").press("Enter")
    await page.get_by_role("link", name="Order Completed").nth(2).wait_for()


async def test_a_flood_is_counted_not_shown(shop, visits):
    """Of a thousand events in a second a page shows twenty, and says how many there were."""
    page = await visits.as_role("viewer")
    await page.goto("/live")
    await page.get_by_text("live", exact=True).wait_for()
    await arrive(shop, "m", count=1000)
    await page.get_by_text("the newest 20 are shown").first.wait_for()
    assert await page.locator("[data-live-rows] li").count() <= 60
