"""The vendors' own clients, unmodified, against a real install: every event arrives at the receiver, field by field.

The integration's kit sends the whole event under one key, so that what the receiver gets can be compared with what the
client sent.
"""

from __future__ import annotations

import asyncio
import functools
import http.server
import json
import shutil
import threading
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import rudderstack.analytics.client as rudder
import segment.analytics.client as segment

from install import Install
from receiver import Receiver

pytestmark = pytest.mark.slow

KEY = "key-web"
KIT = {
    "playbook.yaml": "version: 1.0.0\nglobal:\n  mappings:\n    - inputKey: input\n      outputKey: event\n",
    "connection.yaml": "default:\n  endpoint: https://vendor.example/events\n  method: POST\n",
}
SDKS = Path(__file__).parent.parent / "sdks"
TIMES = ("timestamp", "originalTimestamp", "sentAt")
ADDED = (*TIMES, "receivedAt", "version")
CALLS = 6
PROPERTIES = {"price": 19.9, "count": 3, "big": 2**70, "list": ["a", {"b": None}], "text": 'Ünï 🎮 "q" \x07'}


class Shop:
    """A running install, its write key, and the receiver that its only integration delivers to."""

    def __init__(self, install: Install, receiver: Receiver, folder: Path) -> None:
        self.url = install.url
        self.key = install.write_key()
        self._install = install
        self._receiver = receiver
        for name, text in KIT.items():
            (folder / name).write_text(text)
        install.run("integration", "import", str(folder), "--slug", "whole", "--base-url", receiver.url)
        install.run("pipeline", "detach", "default", "lytics")
        install.run("pipeline", "attach", "default", "whole")

    async def arrived(self, count: int) -> list[dict[str, Any]]:
        """The events at the receiver, when at least `count` are there and no more come."""
        async with asyncio.timeout(30):
            while len(self._receiver.records) < count:
                await asyncio.sleep(0.05)
        await asyncio.sleep(0.5)
        arrived = [record["event"] for record in self._receiver.records]
        self._receiver.requests.clear()
        return arrived

    def answered(self, route: str) -> float:
        """How many requests of a route were answered with 200."""
        return self._install.metric("collect", "headwater_collect_requests_total", f'route="{route}",status="200"')


@pytest.fixture(scope="module")
def shop(running_install: Install, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    receiver = Receiver()
    yield Shop(running_install, receiver, tmp_path_factory.mktemp("whole"))
    receiver.close()


def moment(text: str) -> datetime:
    """A time to the millisecond."""
    parsed = datetime.fromisoformat(text)
    return parsed.replace(microsecond=parsed.microsecond // 1000 * 1000)


def assert_kept(sent: dict[str, Any], kept: dict[str, Any], from_browser: bool = False) -> None:
    """Every field that was sent is there with its value, and nothing else but what the server adds."""
    context = dict(kept.get("context", {}))
    if from_browser:
        assert context.pop("ip") == "127.0.0.1"
        assert context["userAgent"]
    left_out = (*TIMES, "writeKey", "_metadata")
    expected = {name: value for name, value in sent.items() if name not in left_out and value is not None}
    if "traits" not in expected and "traits" in expected.get("context", {}) and sent["type"] != "group":
        expected["traits"] = expected["context"]["traits"]
    found = {name: value for name, value in kept.items() if name not in ADDED} | (
        {"context": context} if context else {}
    )
    assert found == expected
    client_time = sent.get("timestamp") or sent.get("originalTimestamp")
    assert moment(kept["originalTimestamp"]) == moment(sent.get("originalTimestamp") or client_time)
    # Both clocks are this machine's, so the corrected time is the client's, up to the way here.
    assert timedelta() <= moment(kept["timestamp"]) - moment(client_time) < timedelta(seconds=20)


def assert_all_kept(sent: Iterable[dict[str, Any]], kept: list[dict[str, Any]], from_browser: bool = False) -> None:
    """Each sent event is kept once."""
    by_id = {event["messageId"]: event for event in kept}
    assert len(by_id) == len(kept)
    sent = list(sent)
    assert {event["messageId"] for event in sent} == set(by_id)
    for event in sent:
        assert_kept(event, by_id[event["messageId"]], from_browser)


def python_calls(client: Any) -> list[dict[str, Any]]:
    """One call of each kind; what the client put into its queue."""
    past = datetime(2025, 11, 20, 9, 17, 16, 36000, tzinfo=UTC)
    results = [
        client.identify("u-1", {"email": "jane@example.com"}),
        client.track("u-1", "Product Added", PROPERTIES, timestamp=past),
        client.page("u-1", "Shop", "Home", {"url": "https://shop.example/"}),
        client.screen("u-1", "Shop", "Main"),
        client.group("u-1", "g-1", {"name": "Group"}),
        client.alias("a-1", "u-1"),
    ]
    assert all(queued for queued, _ in results)
    return [json.loads(json.dumps(message, default=str)) for _, message in results]


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("client_class", [segment.Client, rudder.Client])
async def test_python_clients(shop, client_class, packed):
    """Segment's and Rudder's Python clients, plain and packed."""
    errors: list[Exception] = []

    def run() -> list[dict[str, Any]]:
        client = client_class(
            shop.key,
            host=shop.url,
            gzip=packed,
            upload_size=4,
            upload_interval=0.1,
            on_error=lambda error, _: errors.append(error),
        )
        sent = python_calls(client)
        client.flush()
        client.join()
        return sent

    sent = await asyncio.to_thread(run)
    assert errors == []
    assert len(sent) == CALLS
    assert_all_kept(sent, await shop.arrived(CALLS))


async def test_python_clients_try_again_what_was_refused_for_a_moment(collector):
    """A 503 is tried again and a 4xx is not: both clients read `code` and `message`."""
    errors: list[Exception] = []

    def run(key: str) -> None:
        client = segment.Client(key, host=collector.url, max_retries=1, on_error=lambda error, _: errors.append(error))
        client.track("u-1", "A")
        client.flush()
        client.join()

    await asyncio.to_thread(run, "wrong")
    assert [(error.status, error.code) for error in errors] == [(400, "unknown_write_key")]
    assert collector.count("requests", route="/v1/batch", status="400") == 1
    collector.sources.ready = False
    running = asyncio.create_task(asyncio.to_thread(run, KEY))
    while not collector.count("requests", route="/v1/batch", status="503"):
        await asyncio.sleep(0.05)
    collector.sources.ready = True
    await running
    assert [event["event"] for event in collector.writer.data] == ["A"]


@pytest.fixture(scope="session")
def sdks() -> Path:
    """The folder with the vendors' JavaScript clients, installed once."""
    if not shutil.which("npm"):
        pytest.skip("npm is not installed")
    return SDKS


async def run(*command: str, cwd: Path) -> list[dict[str, Any]]:
    """Run a program and read its JSON lines."""
    process = await asyncio.create_subprocess_exec(
        *command, cwd=cwd, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    output, errors = await process.communicate()
    assert process.returncode == 0, errors.decode()
    return [json.loads(line) for line in output.splitlines() if line.startswith(b"{")]


async def install_packages(folder: Path) -> None:
    """Install what package.json names, unless it is there."""
    if not (folder / "node_modules" / "playwright-core").is_dir():
        await run("npm", "install", "--no-package-lock", "--no-audit", "--no-fund", "--loglevel=error", cwd=folder)


@pytest.mark.parametrize("client", ["segment", "rudder"])
async def test_node_clients(shop, sdks, client):
    """Segment's and Rudder's Node clients send in batches; Rudder's packs them."""
    await install_packages(sdks)
    bodies = await run("node", "node_clients.mjs", client, shop.url, shop.key, cwd=sdks)
    sent = [event for body in bodies for event in body["batch"]]
    assert len(sent) == CALLS + 1
    assert_all_kept(sent, await shop.arrived(len(sent)))


@pytest.fixture
def page(tmp_path) -> Iterator[str]:
    """A site of another origin with the test page."""
    (tmp_path / "index.html").write_text('<!doctype html><title>Shop</title><script src="page.js"></script>')
    handler = functools.partial(QuietHandler, directory=str(tmp_path))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/index.html"
    server.shutdown()
    thread.join()
    server.server_close()


class QuietHandler(http.server.SimpleHTTPRequestHandler):
    """Serves files without a word."""

    def log_message(self, *args: object) -> None:
        """Say nothing."""


@pytest.mark.parametrize("mode", ["standard", "batching", "unload"])
async def test_browser_client(shop, sdks, page, tmp_path, mode):
    """Segment's browser client in Chromium: settings load, events go one by one, in batches, and when the page closes."""
    chromium = shutil.which("chromium")
    if not chromium:
        pytest.skip("chromium is not installed")
    await install_packages(sdks)
    bundle = (
        "node_modules/.bin/esbuild",
        "browser_page.mjs",
        "--bundle",
        f"--outfile={tmp_path}/page.js",
        "--log-level=error",
    )
    await run(*bundle, cwd=sdks)
    profile = str(tmp_path / "profile")
    bodies = await run("node", "browser_client.mjs", mode, page, shop.url, shop.key, chromium, profile, cwd=sdks)
    sent = [event for body in bodies for event in body.get("batch", [body])]
    assert shop.answered("/v1/projects/{writeKey}/settings") >= 1
    assert len(sent) == CALLS - 1
    assert_all_kept(sent, await shop.arrived(len(sent)), from_browser=True)
    assert (mode == "standard") == (len(bodies) == len(sent))


async def test_curl(shop):
    """The command of the README: Basic auth with the key as user name, one event, exactly as sent."""
    event = {"event": "Order Completed", "userId": "u-1", "messageId": "curl-1", "properties": PROPERTIES}
    command = ("curl", "-sS", f"{shop.url}/v1/track", "-u", f"{shop.key}:", "-H", "Content-Type: application/json")
    assert await run(*command, "-d", json.dumps(event), cwd=SDKS) == [{"success": True}]
    (arrived,) = await shop.arrived(1)
    assert {name: arrived[name] for name in event} == event
    assert arrived["type"] == "track"
