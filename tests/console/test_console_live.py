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
from headwater.pipelines import bootstrap, integration_store, pipeline_store
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


async def sequence_of(running: Any, message_id: str) -> int:
    """The place of the newest record; the tests write one after the other."""
    info = await running.console.log.jsm().stream_info(streams.MAIN)
    assert message_id
    return int(info.state.last_seq)


async def keep_attempt(running: Any, message_id: str, result: str, reason: str) -> None:
    """A router tells of an attempt to reach Lytics."""
    async with running.pool.acquire() as database:
        lytics = await integration_store.find(database, "lytics")
    writer = LogWriter(running.console.log)
    log = AttemptLog(running.console.log, writer, running.pool)
    tasks = [asyncio.create_task(writer.run()), asyncio.create_task(log.run())]
    request = {"method": "POST", "url": "https://api.lytics.example/collect", "headers": [["Authorization", "•••"]], "body": '[{"event":"Order Completed"}]'}  # fmt: skip
    reply = {"status": 200 if result == "delivered" else 400, "headers": {}, "body": '{"message":"seen"}'}
    log.of(await pipeline_id(running), lytics.id).keep(
        result, reason, revision=1, seconds=0.12, number=1, messages=[message_id, "another"], exchange=Exchange(request, reply)
    )  # fmt: skip
    await asyncio.sleep(1.5)
    for task in tasks:
        task.cancel()


async def test_the_way_of_an_event(shop, visits, page_check):
    """An event shows as it is in the log, what each rule wrote, and, as soon as it was sent, the request and the answer."""
    await arrive(shop, "m-1")
    number = await sequence_of(shop, "m-1")
    page = await visits.as_role("editor")
    await page.goto("/live")
    await page.get_by_role("link", name="Order Completed").press("Enter")
    await page.wait_for_url(f"**/live/events/{number}")
    await page.get_by_text("The sender's clock was 3 s slow").wait_for()
    way = page.get_by_role("region", name="Profiles of this install", exact=True)
    await way.get_by_text("sent or under way").wait_for()
    await way.get_by_role("cell", name='"o-1"').first.wait_for()
    await way.get_by_text("computed with revision 1").wait_for()
    assert await page.get_by_text("u-7").count() > 0
    assert await way.get_by_role("link", name="See what the record did").count() == 1
    await page_check(page, "live-event")
    await page.get_by_text("As integrations see it").click()
    assert "_metadata" in await page.locator("dl.changes").inner_text()
    await keep_attempt(shop, "m-1", "delivered", "")
    await way.get_by_text("delivered", exact=True).first.wait_for()
    assert "•••" in await way.inner_text()
    assert '"message": "seen"' in await way.inner_text()
    await page_check(page, "live-event-delivered")


async def test_a_reason_for_what_was_not_sent(shop, visits):
    """The sender's choice, or that the integration came later, is said instead of a request."""
    await arrive(shop, "m-1", integrations={"All": False})
    page = await visits.as_role("viewer")
    await page.goto(f"/live/events/{await sequence_of(shop, 'm-1')}")
    way = page.get_by_role("region", name="Profiles of this install", exact=True)
    await way.get_by_text("It may not go there: not chosen by the sender.").wait_for()
    assert await page.get_by_role("button", name="Keep as an example").count() == 0


async def test_a_dead_letter_is_named(shop, visits):
    """What was refused says so, and leads to the letter."""
    await arrive(shop, "m-1")
    async with shop.pool.acquire() as database:
        lytics = await integration_store.find(database, "lytics")
    now = time.time()
    letter = DeadLetter("m-1", 0, 1, "HTTP 400", 1, now, now, b"{}", {}, None)
    await DeadLetterStore(shop.pool).add(await pipeline_id(shop), lytics.id, [letter])
    page = await visits.as_role("viewer")
    await page.goto(f"/live/events/{await sequence_of(shop, 'm-1')}")
    await page.get_by_text("HTTP 400. It is kept as a dead letter.").wait_for()
    await page.get_by_role("link", name="Open the dead letter").click()
    await page.get_by_role("heading", name="HTTP 400").wait_for()


async def test_a_hostile_event_is_text(shop, visits, page_check):
    """Scripts in names, ids and values stay text, in the stream, on the event's page and among the examples."""
    await arrive(shop, HOSTILE, event=HOSTILE, userId=HOSTILE, properties={HOSTILE: HOSTILE})
    page = await visits.as_role("editor")
    await page.goto("/live")
    await page.get_by_role("link", name="script").click()
    await page.get_by_role("heading", name="script").first.wait_for()
    await page.get_by_role("region", name="Profiles of this install", exact=True).wait_for()
    await page.get_by_role("button", name="Keep as an example").click()
    await page.get_by_label("What it shows").fill(HOSTILE)
    await page.get_by_role("button", name="Keep", exact=True).click()
    await page.get_by_text("is kept as an example").wait_for()
    await page.goto("/live/examples")
    await page.get_by_text("The event", exact=True).click()
    assert await page.title() == "Examples · Headwater"
    await page_check(page, "live-examples")


async def test_examples_are_kept_and_deleted(shop, visits, page_check):
    """An example needs a title; previews of mappings offer it; deleting asks first."""
    await arrive(shop, "m-1")
    page = await visits.as_role("editor")
    await page.goto("/live/examples")
    await page.get_by_role("heading", name="No example yet").wait_for()
    await page.goto(f"/live/events/{await sequence_of(shop, 'm-1')}")
    await page.get_by_role("button", name="Keep as an example").click()
    await page_check(page, "live-event-keep")
    await page.get_by_label("What it shows").fill("   ")
    await page.get_by_role("button", name="Keep", exact=True).click()
    await page.get_by_text("Write what it shows").first.wait_for()
    await page.get_by_label("What it shows").fill("An order with one product")
    await page.get_by_role("button", name="Keep", exact=True).click()
    await page.get_by_text("is kept as an example").wait_for()
    await page.goto("/integrations/lytics/mapping?pipeline=default")
    await page.get_by_label("Event", exact=True).select_option(label="An order with one product")
    await page.get_by_role("cell", name='"o-1"').first.wait_for()
    await page.goto("/live/examples")
    await page.get_by_role("button", name="Delete").click()
    await page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    await page.get_by_text("was deleted").wait_for()


async def test_what_is_not_there(shop):
    """A place in the log without an event, and records that cannot be, are told as not found or refused."""
    client = await shop.client("viewer")
    assert (await client.get("/live/events/999999999")).status_code == 404
    assert (await client.get("/live/events/0")).status_code == 400
    assert (await client.get("/live", params={"pipeline": "\x00", "user": "*.>"})).status_code == 200


async def test_refused_events_by_reason(shop, visits, page_check):
    """Reasons are counted, and choose what is shown."""
    refusals = RefusalStream(shop.console.log)
    for reason in ("unknown_write_key", "invalid_json", "invalid_json"):
        refusals.keep(Refusal("", "track", reason, "cannot be taken", "", b"{", "2026-01-05T10:00:00.000Z", "10.0.0.1"))
    running = asyncio.create_task(refusals.run())
    page = await visits.as_role("viewer")
    async with asyncio.timeout(20):
        while await page.locator(".entries li").count() < 3:
            await page.goto("/live/refused")
    running.cancel()
    await page_check(page, "live-refused")
    await page.get_by_role("link", name="Unknown write key").click()
    assert await page.locator(".entries li").count() == 1
