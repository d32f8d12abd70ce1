"""Single events over HTTP, against a bare ASGI application that only decodes the body: the price of the doors.

Both run under uvicorn in a process of their own, the log takes records without work. The client keeps connections open
and writes raw bytes, so that the server is what is measured.

Run: python benchmarks/bench_collect_http.py
"""

from __future__ import annotations

import asyncio
import base64
import multiprocessing
import socket
import time
from typing import Any

import orjson
import psutil
import uvicorn
import uvloop
from prometheus_client import CollectorRegistry

from bench_collect_normalise import event
from headwater.collect.app import create_app
from headwater.settings import CollectSettings

CONNECTIONS = 32
PIPELINED = 8
"""Requests in one write: a client that waits for each answer would sleep and be woken, and that would be measured."""

REQUESTS = 20_000


class Source:
    """The one source there is."""

    pipeline_id, name, write_key, enabled = "p-web", "Web", "key-web", True
    allowed_origins: tuple[str, ...] = ()
    partial_batch_status = 200


class Nothing:
    """A log that takes everything, refusals that are not kept, and sources that are always there."""

    ready = True
    account_ids: frozenset[str] = frozenset()

    async def append(self, records: Any) -> None:
        """Take records."""

    def keep(self, refusal: Any) -> None:
        """Take a refusal."""

    def by_write_key(self, key: str) -> Source:
        """The one source."""
        assert key == Source.write_key
        return Source()

    def token(self, raw: str) -> None:
        """No token is known."""


async def bare(scope: Any, receive: Any, send: Any) -> None:
    """Decode the body, answer."""
    if scope["type"] != "http":
        return
    message = await receive()
    orjson.loads(message["body"])
    headers = [(b"content-type", b"application/json"), (b"content-length", b"16")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": b'{"success":true}'})


def serve(kind: str, sock: socket.socket) -> None:
    """Run one of the two applications."""
    nothing = Nothing()
    collector = create_app(nothing, nothing, nothing, CollectSettings(), 16, CollectorRegistry())
    app = bare if kind == "bare" else collector
    config = uvicorn.Config(
        app, log_level="error", access_log=False, proxy_headers=False, lifespan="off", loop="uvloop"
    )
    uvicorn.Server(config).run(sockets=[sock])


async def measure(port: int) -> float:
    """Requests a second."""
    body = orjson.dumps(event(1))
    auth = base64.b64encode(b"key-web:")
    request = (
        b"POST /v1/track HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nAuthorization: Basic "
        + auth
        + b"\r\nContent-Length: "
        + str(len(body)).encode()
        + b"\r\n\r\n"
        + body
    )

    async def one(count: int) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for _ in range(count // PIPELINED):
            writer.write(request * PIPELINED)
            for _ in range(PIPELINED):
                head = await reader.readuntil(b"\r\n\r\n")
                assert head.startswith(b"HTTP/1.1 200")
                await reader.readexactly(16)
        writer.close()

    await one(200)
    start = time.perf_counter()
    await asyncio.gather(*(one(REQUESTS // CONNECTIONS) for _ in range(CONNECTIONS)))
    return REQUESTS / (time.perf_counter() - start)


def run(kind: str) -> tuple[float, float]:
    """Start one application and measure it: requests a second, and µs of processor time that the server spent on one."""
    sock = socket.socket()
    sock.bind(("127.0.0.1", 0))
    sock.listen(256)
    process = multiprocessing.get_context("fork").Process(target=serve, args=(kind, sock))
    process.start()
    try:
        before = psutil.Process(process.pid).cpu_times()
        rate = uvloop.run(measure(sock.getsockname()[1]))
        after = psutil.Process(process.pid).cpu_times()
        return rate, (after.user + after.system - before.user - before.system) / REQUESTS * 1e6
    finally:
        process.terminate()
        process.join()


def main() -> None:
    """Alternate, since other work on the machine disturbs both alike."""
    found: dict[str, list[tuple[float, float]]] = {"bare": [], "collector": []}
    for _ in range(3):
        for kind, runs in found.items():
            runs.append(run(kind))
    for kind, runs in found.items():
        print(
            f"{kind:10} {max(rate for rate, _ in runs):8,.0f} requests/s  {min(cost for _, cost in runs):6.1f} µs of processor time each"
        )
    bare, collector = (max(rate for rate, _ in runs) for runs in found.values())
    print(f"ratio {collector / bare:.2f}")


if __name__ == "__main__":
    main()
