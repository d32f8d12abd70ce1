"""The console of a whole install: first start, snippets that work as they are pasted, and a page that outlives a restart."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time

import httpx
import pytest
from console_visits import AXE

from headwater.console.snippets import snippets

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(180),
    pytest.mark.skipif(not AXE.exists(), reason="run scripts/setup-tests first"),
]


def run_in_shell(command: str) -> None:
    """What a person pastes into a terminal."""
    subprocess.run(["bash", "-c", command], check=True, capture_output=True, timeout=30)


async def test_from_the_first_start_to_a_received_event(running_install, admin):
    """The printed link leads in; what is pasted from the page sends events, and the page sees them arrive."""
    await admin.goto("/pipelines/default/sources")
    await admin.get_by_role("button", name="Wait for an event").click()
    await admin.get_by_text("Nothing yet").wait_for()
    await admin.locator("summary", has_text="From a shell").click()
    pasted = await admin.locator("details[open] pre").inner_text()
    run_in_shell(pasted)
    await admin.get_by_text("it works").wait_for()
    assert "Order Completed" in await admin.locator(".arrivals").inner_text()


@pytest.mark.parametrize("way", ["python", "pixel", "webhook"])
def test_snippets_send_what_they_say(running_install, way):
    """Each snippet as it stands is accepted by the collector."""
    text = next(
        found.text for found in snippets(running_install.url, "hw", running_install.write_key()) if found.name == way
    )
    before = running_install.metric("collect", "headwater_collect_accepted_by_pipeline_total")
    if way == "python":
        subprocess.run([sys.executable, "-c", text], check=True, timeout=30)
    elif way == "pixel":
        assert httpx.get(re.findall(r'src="([^"]+)"', text)[0]).status_code == 200
    else:
        assert httpx.post(text, json={"order": 7}).status_code == 200
    assert running_install.metric("collect", "headwater_collect_accepted_by_pipeline_total") == before + 1


def test_the_tag_is_where_its_snippet_says(running_install):
    """The address in the browser's snippet is a script."""
    tag = snippets(running_install.url, "hw", running_install.write_key())[0].text
    reply = httpx.get(re.findall(r'async src="([^"]+)"', tag)[0])
    assert (reply.status_code, "javascript" in reply.headers["content-type"]) == (200, True)


async def test_a_live_page_outlives_a_restart_of_the_console(running_install, admin):
    """The process that serves the page is killed; when it is back, new figures appear without loading again."""
    await admin.goto("/")
    shown = admin.locator(".tile b").first
    before = await shown.inner_text()
    os.kill(running_install.pids()["console"], signal.SIGKILL)
    key = running_install.write_key()
    async with httpx.AsyncClient(base_url=running_install.url) as sender:
        await sender.post("/v1/track", auth=(key, ""), json={"userId": "u", "event": "E"})
    await admin.wait_for_timeout(500)
    deadline = time.monotonic() + 60
    while await shown.inner_text() == before:
        assert time.monotonic() < deadline, "the page stands still"
        await admin.wait_for_timeout(500)


async def test_pages_are_fast(running_install, admin):
    """The server answers each page within 100 milliseconds, half of several tries."""
    cookies = {cookie["name"]: cookie["value"] for cookie in await admin.context.cookies()}
    async with httpx.AsyncClient(base_url=running_install.admin_url, cookies=cookies) as client:
        for path in ("/", "/?range=month", "/pipelines", "/pipelines/default", "/settings/audit", "/settings/people"):
            spans = []
            for _ in range(9):
                begun = time.perf_counter()
                assert (await client.get(path)).status_code == 200
                spans.append(time.perf_counter() - begun)
            assert sorted(spans)[4] < 0.1, f"{path}: {sorted(spans)}"
