"""The home page in a real Chromium: figures that move by themselves, and what needs a person."""

from __future__ import annotations

import asyncio
import math
import time
from typing import Any

import pytest
from console_visits import AXE

from headwater.collect.ports import Refusal
from headwater.collect.refusal_log import RefusalStream
from headwater.console.accounts import people
from headwater.database.transactions import transaction
from headwater.pipelines import bootstrap, deployment_store, integration_store, pipeline_store
from headwater.pipelines.changes import change
from headwater.timeseries.minutes import Key
from headwater.timeseries.recorder import roll_up, write

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not AXE.exists(), reason="run scripts/setup-tests first"),
]


async def count(running: Any, minutes: dict[int, dict[Key, float]]) -> None:
    """Write figures as a process would."""
    async with transaction(running.pool) as database:
        await write(database, "test", minutes)
        await roll_up(database, list(minutes))


async def busy(running: Any) -> None:
    """A default install with two pipelines and an hour of figures."""
    await bootstrap.create_defaults(running.pool, running.console.services.box)
    async with change(running.pool, "test") as made:
        app = await pipeline_store.create(made, name="App")
        await pipeline_store.add_write_key(made, app)
        lytics = await integration_store.find(made.connection, "lytics")
        await deployment_store.attach(made, app, lytics)
        default = await pipeline_store.find(made.connection, "default")
    now, minutes = int(time.time() // 60), {}
    for back in range(60):
        wave = 40 + 25 * math.sin(back / 7)
        minutes[now - back] = {
            Key("received", default.id, ""): round(wave),
            Key("received", app.id, ""): round(wave / 2),
            Key("delivered", "default/lytics", ""): round(wave * 0.97),
            Key("delivered", "app/lytics", ""): round(wave / 2),
            Key("retried", "app/lytics", ""): max(round(wave - 55), 0),
            Key("waiting", "default/lytics", ""): max(round(wave - 50), 0),
            Key("waiting", "app/lytics", ""): 3,
            Key("kept", "profiles", ""): round(wave),
            Key("kept", "archive", ""): 300 if back % 5 == 0 else 0,
            Key("behind", "profiles", ""): max(round(wave - 55), 0),
            Key("behind", "archive", ""): back % 5 * 60,
            Key("circuit_open", "app/lytics", ""): 1 if back < 2 else 0,
            **{Key("latency", "default/lytics", bound): share * wave for bound, share in
               (("0.05", 0.5), ("0.1", 0.9), ("1.0", 1.0), ("+Inf", 1.0))},
        }  # fmt: skip
    minutes[now - 5][Key("refused", "", "unknown_write_key")] = 12
    await count(running, minutes)


async def test_a_first_start_says_what_to_do(visits, page_check):
    """Nothing has happened yet: no chart is broken, and the way to the pipelines is shown."""
    page = await visits.as_role("viewer")
    await page.goto("/")
    await page.get_by_text("All is well").wait_for()
    assert await page.get_by_role("link", name="Go to the pipelines").count() == 1
    await page_check(page, "home-empty")


async def test_figures_and_concerns_are_shown(running_console, visits, page_check):
    """What the processes counted is on the tiles, in the legends and in the table, with what needs a person."""
    await busy(running_console)
    page = await visits.as_role("admin")
    for name in ("month", "week", "day", "hour"):
        await page.goto(f"/?range={name}")
        for chart in ("received", "kept", "behind"):
            await page.locator(f"#chart-{chart} canvas").wait_for()
        await page.get_by_role("heading", name="12 events were refused at the door").wait_for()
    await page.get_by_role("heading", name="Delivery from app to lytics is held back").wait_for()
    cells = await page.get_by_role("row").filter(has=page.get_by_role("link", name="app")).first.all_inner_texts()
    assert "not answering" in cells[0]
    await page_check(page, "home")


async def test_a_delivery_moves_the_page_by_itself(running_console, visits):
    """New figures appear without loading again, and what has the focus keeps it."""
    await busy(running_console)
    page = await visits.as_role("viewer")
    await page.goto("/")
    await page.locator("#chart-received canvas").wait_for()
    focused = page.get_by_role("link", name="Week")
    await focused.focus()
    await count(running_console, {int(time.time() // 60): {Key("dead", "default/lytics", ""): 7.0}})
    await page.locator(".tile.bad b", has_text="7").wait_for(timeout=15_000)
    assert await focused.evaluate("element => element === document.activeElement")


async def test_a_stream_ends_with_its_session(running_console, visits):
    """Who is shut out gets no more figures: the stream asks for the session again when it begins anew."""
    client = await running_console.client("viewer")
    async with change(running_console.pool, "test") as made:
        await people.disable(made, running_console.people["viewer"])
    reply = await client.get("/home/live")
    assert (reply.status_code, reply.headers["location"].startswith("/sign-in")) == (303, True)


async def test_refused_events_say_what_is_wrong(running_console, visits, page_check):
    """What a collector refused is listed with its reason; a script in it is text."""
    refusals = RefusalStream(running_console.console.log)
    hostile = b'{"event": "<script>document.title = 1</script>"}'
    refusals.keep(Refusal("", "track", "unknown_write_key", "no pipeline has this write key", "writeKey", hostile, "2026-01-05T10:00:00.000Z", "10.0.0.1"))  # fmt: skip
    running = asyncio.create_task(refusals.run())
    page = await visits.as_role("viewer")
    async with asyncio.timeout(10):
        while not await page.get_by_role("heading", name="Unknown write key").count():
            await page.goto("/live/refused")
    running.cancel()
    await page.get_by_text("What was sent").first.click()
    assert "<script>" in await page.locator("pre").first.inner_text()
    await page_check(page, "refused")
