"""Deliveries in a real Chromium: what went wrong, and letters that are sent again or given up."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest
from console_visits import AXE
from test_console_live import HOSTILE, keep_attempt, shop  # noqa: F401  # a fixture

from headwater import jsontext
from headwater.console.deliveries import runs
from headwater.console.deliveries.runs import RunWorker
from headwater.events import RecordMeta, encode_record
from headwater.log import streams
from headwater.pipelines import integration_store, pipeline_store
from headwater.routing.dead_letters import Choice, DeadLetter, DeadLetterStore

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not AXE.exists(), reason="run scripts/setup-tests first"),
]

REQUEST = {"method": "POST", "url": "https://api.lytics.example/collect", "headers": [["Authorization", "•••"]], "body": '[{"total":"a lot"}]'}  # fmt: skip
REPLY = {"status": 400, "headers": {}, "body": '{"message":"total must be a number"}'}


async def places(running: Any) -> tuple[str, str]:
    """The ids of the pipeline and the integration of a default install."""
    async with running.pool.acquire() as database:
        pipeline = await pipeline_store.find(database, "default")
        return pipeline.id, (await integration_store.find(database, "lytics")).id


async def add_letters(running: Any, count: int, reason: str = "HTTP 400", name: str = "m") -> DeadLetterStore:
    """Letters of the default pipeline to Lytics."""
    pipeline, lytics = await places(running)
    now, store, letters = time.time(), DeadLetterStore(running.pool), []
    for number in range(count):
        message = f"{name}-{number}"
        meta = RecordMeta("event", pipeline, message, "u-7", "2026-01-01T10:00:01.000Z")
        event = {"type": "track", "event": "Order Completed", "messageId": message, "userId": "u-7", "properties": {"total": "a lot"}}  # fmt: skip
        record = encode_record(meta, jsontext.encode(event))
        letters.append(DeadLetter(message, 0, 1, reason, 3, now - 60, now, record, REQUEST, REPLY))
    await store.add(pipeline, lytics, letters)
    return store


@pytest.fixture
async def worker(shop):  # noqa: F811  # the fixture
    """The console's worker for many letters."""
    await shop.console.log.jsm().purge_stream(streams.REPLAYS)
    working = asyncio.create_task(RunWorker(shop.pool, shop.console.services.dead_letters).run())
    yield working
    working.cancel()
    await asyncio.gather(working, return_exceptions=True)


async def test_deliveries_without_anything_teach(running_console, visits, page_check):
    """Each page says what would be there."""
    await running_console.console.log.jsm().purge_stream(streams.ATTEMPTS)
    page = await visits.as_role("viewer")
    for path, heading in (
        ("/deliveries", "Nothing is delivered yet"), ("/deliveries/attempts", "No such attempt was kept"),
        ("/deliveries/dead", "No dead letter waits"), ("/deliveries/runs", "Nothing was sent again yet"),
    ):  # fmt: skip
        await page.goto(path)
        await page.get_by_role("heading", name=heading).wait_for()
        await page_check(page, f"deliveries-empty-{path.rsplit('/', 1)[-1]}")


async def test_what_goes_wrong_is_grouped(shop, visits, page_check):  # noqa: F811  # the fixture
    """Failed attempts are counted by reason, beside an example that shows request and answer without secrets."""
    await keep_attempt(shop, "m-1", "again", "HTTP 503")
    await keep_attempt(shop, "m-2", "again", "HTTP 503")
    await keep_attempt(shop, "m-3", "delivered", "")
    page = await visits.as_role("viewer")
    await page.goto("/deliveries")
    row = page.get_by_role("row").filter(has_text="HTTP 503")
    await row.get_by_role("cell", name="2", exact=True).wait_for()
    await page_check(page, "deliveries")
    await row.get_by_role("link", name="Look").click()
    await page.get_by_role("heading", name="Attempt to reach lytics").wait_for()
    assert "•••" in await page.locator("main").inner_text()
    await page_check(page, "deliveries-attempt")
    await page.goto("/deliveries/attempts")
    assert await page.get_by_role("row").count() == 4
    await page_check(page, "deliveries-attempts")
    await page.get_by_label("Result").select_option("delivered")
    await page.get_by_role("button", name="Show").click()
    await page.wait_for_url("**result=delivered*")
    assert await page.get_by_role("row").count() == 2


async def test_one_letter_is_sent_again(shop, visits, page_check):  # noqa: F811  # the fixture
    """A letter shows what was sent, the answer, and what would be sent now; sent again, it says when it was delivered."""
    await add_letters(shop, 1)
    await shop.console.log.jsm().purge_stream(streams.REPLAYS)
    page = await visits.as_role("editor")
    await page.goto("/deliveries/dead")
    await page.get_by_role("link", name="Open letter").click()
    await page.get_by_text("total must be a number").wait_for()
    await page.get_by_role("region", name="What would be sent now").get_by_text("a lot").wait_for()
    await page_check(page, "deliveries-letter")
    await page.get_by_role("button", name="Send again").press("Enter")
    await page.get_by_text("sent it again").wait_for()
    assert (await shop.console.log.jsm().stream_info(streams.REPLAYS)).state.messages == 1
    await keep_attempt(shop, "m-0", "delivered", "")
    await page.get_by_text("The other side took it").wait_for()
    await page_check(page, "deliveries-letter-delivered")


async def test_many_letters_go_on_without_the_page(shop, worker, visits, page_check):  # noqa: F811  # the fixture
    """A whole group is sent again in the background; its page shows how far it is, also to who comes back."""
    await add_letters(shop, 1200)
    await add_letters(shop, 3, "HTTP 403", "n")
    page = await visits.as_role("editor")
    await page.goto("/deliveries/dead")
    await page_check(page, "deliveries-letters")
    await page.get_by_role("button", name="Send again all of lytics: HTTP 400").click()
    await page.get_by_role("heading", name="Sending dead letters again").wait_for()
    await page.goto("/")
    await page.goto("/deliveries/runs")
    await page.get_by_text("done", exact=True).wait_for() if await page.get_by_text(
        "done", exact=True
    ).count() else None
    await page_check(page, "deliveries-runs")
    await page.get_by_role("link", name="Open").first.click()
    await page.get_by_text("done", exact=True).wait_for()
    await page.get_by_text("1\u202f200 of 1\u202f200").first.wait_for()
    await page_check(page, "deliveries-run")
    assert (await shop.console.log.jsm().stream_info(streams.REPLAYS)).state.messages == 1200
    assert [reason.letters for reason in await shop.console.services.dead_letters.reasons()] == [3]


async def test_chosen_letters_and_discarding(shop, worker, visits):  # noqa: F811  # the fixture
    """Only what was chosen is sent again; discarding asks first, and what is discarded stays listed."""
    await add_letters(shop, 3)
    page = await visits.as_role("editor")
    await page.goto("/deliveries/dead")
    button = page.get_by_role("button", name="Send chosen again")
    assert await button.is_disabled()
    await page.get_by_label("Choose letter").first.check()
    await button.click()
    await page.get_by_text("1 of 1").first.wait_for()
    await page.goto("/deliveries/dead")
    await page.get_by_role("button", name="Discard", exact=True).click()
    await page.get_by_text("never gets these events").wait_for()
    await page.get_by_role("dialog").get_by_role("button", name="Discard").click()
    await page.get_by_text("2 of 2").first.wait_for()
    await page.goto("/deliveries/dead?status=discarded")
    assert await page.get_by_role("link", name="Open letter").count() == 2


async def test_a_killed_worker_is_followed_by_another(shop):  # noqa: F811  # the fixture
    """A run that nobody works on is taken up by the next process, and ends though its letters are refused again meanwhile."""
    store = await add_letters(shop, 700)
    letters = shop.console.services.dead_letters
    run = await runs.begin(shop.pool, letters, "replay", Choice(reason="HTTP 400"), "test")
    first = asyncio.create_task(RunWorker(shop.pool, letters).run())
    async with asyncio.timeout(20):
        while await letters.count(run.choice) == 700:
            await asyncio.sleep(0.005)
    first.cancel()
    await asyncio.gather(first, return_exceptions=True)
    await add_letters(shop, 5, name="again")
    second = asyncio.create_task(RunWorker(shop.pool, letters).run())
    async with asyncio.timeout(20):
        while True:
            async with shop.pool.acquire() as database:
                if (await runs.find(database, run.id)).finished_at is not None:
                    break
            await asyncio.sleep(0.05)
    second.cancel()
    await asyncio.gather(second, return_exceptions=True)
    assert (await letters.count(run.choice), await store.count(Choice())) == (0, 5)


async def test_a_form_without_a_choice_does_nothing(shop):  # noqa: F811  # the fixture
    """An empty form never means everything; a viewer may not send anything."""
    await add_letters(shop, 1)
    editor, viewer = await shop.client("editor"), await shop.client("viewer")
    assert (await editor.post("/deliveries/dead/discard", data={})).status_code == 422
    assert (await viewer.post("/deliveries/dead/discard", data={"everything": "yes"})).status_code == 403
    assert await shop.console.services.dead_letters.count(Choice()) == 1


async def test_hostile_letters_are_text(shop, visits):  # noqa: F811  # the fixture
    """Scripts in reasons and replies stay text."""
    pipeline, lytics = await places(shop)
    now = time.time()
    letter = DeadLetter(HOSTILE, 0, 1, HOSTILE, 1, now, now, HOSTILE.encode(), {"body": HOSTILE, "url": HOSTILE}, {"body": HOSTILE})  # fmt: skip
    await DeadLetterStore(shop.pool).add(pipeline, lytics, [letter])
    page = await visits.as_role("editor")
    await page.goto("/deliveries/dead")
    await page.get_by_role("link", name="Open letter").click()
    await page.get_by_text("Its record cannot be read").wait_for()
    assert await page.title() == "Dead letter · Headwater"
