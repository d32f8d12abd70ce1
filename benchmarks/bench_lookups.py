"""How long a lookup of a profile over HTTP takes, on a quiet install and while profiles are being built.

    python benchmarks/bench_lookups.py [--profiles 20000] [--rate 1000]

Starts an install of its own. CPU is that of the console process, by request.
"""

from __future__ import annotations

import argparse
import json
import random
import shutil
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
from install import Install

BATCH = 500
LOOKUPS = 1_000


def main() -> None:
    """Print one line for each state."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--profiles", type=int, default=20_000)
    parser.add_argument("--rate", type=int, default=1_000)
    chosen = parser.parse_args()
    root = Path(tempfile.mkdtemp(prefix="headwater-lookups-"))
    root.chmod(0o755)
    install = Install(root / "install", {})
    install.start()
    try:
        measure_all(install, chosen.profiles, chosen.rate)
    finally:
        install.stop()
        shutil.rmtree(root, ignore_errors=True)


def measure_all(install: Install, profiles: int, rate: int) -> None:
    sender, reader = token(install, "data"), token(install, "admin")
    time.sleep(2)
    with (
        httpx.Client(base_url=install.url, headers={"Authorization": sender}) as door,
        httpx.Client(base_url=install.admin_url, headers={"Authorization": reader}, timeout=60) as api,
    ):
        for start in range(0, profiles, BATCH):
            send(door, start, min(BATCH, profiles - start))
        for last in range(profiles - BATCH, profiles):  # of every partition one, as each is built by itself
            while api.get(f"/api/me/user_id/u{last}").json()["message"] != "success":
                time.sleep(0.2)
        measure(install, api, profiles, "quiet")
        with building(door, profiles, rate):
            measure(install, api, profiles, f"building {rate}/s")


def token(install: Install, scope: str) -> str:
    return str(json.loads(install.run("token", "create", scope, "--scope", scope, "--json").stdout)["token"])


def send(door: httpx.Client, start: int, count: int) -> None:
    records = [
        {"user_id": f"u{n}", "email": f"u{n}@shop.io", "_uid": f"c{n}", "city": "Oslo", "url": "shop.io/a", "_e": "pv"}
        for n in range(start, start + count)
    ]
    assert door.post("/collect/json/default", json=records).status_code == 200


@contextmanager
def building(door: httpx.Client, first: int, rate: int) -> Iterator[None]:
    """Send new persons at a rate while the block runs."""
    stop = threading.Event()

    def run() -> None:
        start, due = first, time.monotonic()
        while not stop.is_set():
            send(door, start, BATCH)
            start, due = start + BATCH, due + BATCH / rate
            stop.wait(max(0.0, due - time.monotonic()))

    thread = threading.Thread(target=run)
    thread.start()
    time.sleep(2)
    yield
    stop.set()
    thread.join()


def measure(install: Install, api: httpx.Client, profiles: int, label: str) -> None:
    before, times = cpu_seconds(install), []
    for _ in range(LOOKUPS):
        path = f"/api/entity/user/user_id/u{random.randrange(profiles)}"
        begun = time.perf_counter()
        reply = api.get(path)
        times.append(time.perf_counter() - begun)
        assert reply.json()["message"] == "success"
    used = (cpu_seconds(install) - before) / LOOKUPS
    times.sort()
    at = {share: times[int(len(times) * share)] * 1000 for share in (0.5, 0.99)}
    print(f"{label:20} p50 {at[0.5]:6.1f} ms  p99 {at[0.99]:6.1f} ms  CPU {used * 1000:5.2f} ms")


def cpu_seconds(install: Install) -> float:
    fields = Path(f"/proc/{install.pids()['console']}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / 100


if __name__ == "__main__":
    main()
