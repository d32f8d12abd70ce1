"""The whole install on this machine: start, memory, durable collection, and from the post to the vendor."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
import urllib.request
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import orjson

from benchmarks import ROOT
from headwater.engines.endpoints import free_port
from install import Install

SECONDS = 10.0
SUSTAINED_SECONDS = 60.0
RATE = 10_500.0


class Figure(NamedTuple):
    """One line of the table: what was measured, the value, its floor or bound, and whether it holds."""

    name: str
    value: str
    beside: str
    holds: bool


def load(port: int, write_key: str, *, batch: int, seconds: float, connections: int, rate: float | None = None) -> Any:
    """Run the load generator as a process."""
    path = "/v1/batch" if batch > 1 else "/v1/track"
    options = {
        "port": port,
        "path": path,
        "batch": batch,
        "seconds": seconds,
        "connections": connections,
        "rate": rate,
        "write_key": write_key,
        "prefix": uuid.uuid4().hex[:12],
    }
    command = [sys.executable, "-m", "benchmarks.load", orjson.dumps(options).decode()]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, check=True)
    return orjson.loads(done.stdout)


@contextmanager
def process(*arguments: str) -> Iterator[subprocess.Popen[str]]:
    """One of our helper processes, ended afterwards."""
    started = subprocess.Popen([sys.executable, "-m", *arguments], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    try:
        yield started
    finally:
        started.terminate()
        started.wait(10)


def statistics(port: int) -> Any:
    """What the receiver saw since the last look."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/statistics") as reply:
        return orjson.loads(reply.read())


def run() -> list[Figure]:
    """Measure everything; takes about three minutes."""
    with tempfile.TemporaryDirectory(prefix="headwater-bench-") as folder:
        Path(folder).chmod(0o755)
        install = Install(Path(folder) / "data", {})
        install.start()
        install.stop()
        started = time.monotonic()
        install.start()
        start_seconds = time.monotonic() - started
        try:
            return [
                Figure("start to ready, second start", f"{start_seconds:.1f} s", "below 5 s", start_seconds < 5),
                *_measure(install),
            ]
        finally:
            install.stop()


def _measure(install: Install) -> Iterator[Figure]:
    time.sleep(3)
    idle = sum(install.memory().values())
    yield Figure("memory of the whole install, idle", f"{idle:.0f} MB", "below 450 MB", idle < 450)
    write_key = install.write_key()
    install.run("pipeline", "detach", "default", "lytics")
    yield from _collect(install, write_key)
    with process("benchmarks.receiver") as vendor:
        assert vendor.stdout is not None
        port = int(vendor.stdout.readline())
        install.attach(f"http://127.0.0.1:{port}")
        time.sleep(3)
        yield from _latency(install, write_key, port)
        yield from _sustained(install, write_key, port)


def _collect(install: Install, write_key: str) -> Iterator[Figure]:
    port = int(install.url.rsplit(":", 1)[1])
    batches = load(port, write_key, batch=100, seconds=SECONDS, connections=16)
    rate = batches["events_per_second"]
    yield Figure(
        "collect, batches of 100, durable", f"{rate:,.0f} events/s", "at least 20,000 events/s", rate >= 20_000
    )
    with process("benchmarks.empty_server", str(empty := free_port())):
        time.sleep(1)
        floor = load(empty, write_key, batch=1, seconds=SECONDS / 2, connections=64)["requests_per_second"]
        singles = load(port, write_key, batch=1, seconds=SECONDS, connections=64)["requests_per_second"]
        floor = (
            floor + load(empty, write_key, batch=1, seconds=SECONDS / 2, connections=64)["requests_per_second"]
        ) / 2
    yield Figure(
        "collect, single events, durable",
        f"{singles:,.0f} requests/s",
        f"{singles / floor:.2f} of the same server with an empty handler ({floor:,.0f}/s); at least 0.30",
        singles / floor >= 0.3,
    )


def _latency(install: Install, write_key: str, port: int) -> Iterator[Figure]:
    collector = int(install.url.rsplit(":", 1)[1])
    statistics(port)
    load(collector, write_key, batch=10, seconds=SECONDS, connections=20, rate=1000)
    time.sleep(1)
    seen = statistics(port)
    holds = seen["p50"] < 100 and seen["p99"] < 400
    value = f"p50 {seen['p50']:.0f} ms, p99 {seen['p99']:.0f} ms"
    yield Figure("post to receipt at 1,000 events/s", value, "p50 below 100 ms, p99 below 400 ms", holds)


def _sustained(install: Install, write_key: str, port: int) -> Iterator[Figure]:
    collector = int(install.url.rsplit(":", 1)[1])
    before = sum(install.memory().values())
    statistics(port)
    sent = load(collector, write_key, batch=100, seconds=SUSTAINED_SECONDS, connections=16, rate=RATE)
    at_end = statistics(port)
    after = sum(install.memory().values())
    deadline = time.monotonic() + 30
    records = at_end["records"]
    while records < sent["events"] and time.monotonic() < deadline:
        time.sleep(0.5)
        records += statistics(port)["records"]
    rate = at_end["records"] / SUSTAINED_SECONDS
    yield Figure(
        "post to vendor, sustained 60 s",
        f"{rate:,.0f} events/s delivered while {sent['events_per_second']:,.0f} were accepted; all {records:,} arrived"
        if records >= sent["events"]
        else f"{rate:,.0f} events/s delivered, {sent['events'] - records:,} missing after 30 s",
        "at least 10,000 events/s",
        rate >= 10_000 and records >= sent["events"],
    )
    yield Figure(
        "memory over these 60 s", f"{before:.0f} MB before, {after:.0f} MB after", "flat", after < before * 1.1
    )


if __name__ == "__main__":
    for figure in run():
        print(f"{'holds' if figure.holds else 'NOT  '}  {figure.name}: {figure.value} ({figure.beside})", flush=True)
