"""kill -9 of the archiver, NATS and PostgreSQL under load: every record of the log is in the archive, once."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from test_kill_nine import Sender

from install import Install

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]

EVENTS = 20_000
VICTIMS = ("archive", "archive", "nats-server", "archive", "archive", "postgres")
SECONDS_BETWEEN_KILLS = 1.7


@pytest.fixture
def install(data_root: Path) -> Iterator[Install]:
    """Cuts of a few hundred records, so that kills meet every part of the work."""
    settings = {"HEADWATER_ARCHIVE_CUT_BYTES": "200000", "HEADWATER_ARCHIVE_IDLE_SECONDS": "0.3"}
    opened = Install(data_root / f"archive-kill-{time.monotonic_ns()}", settings)
    opened.start()
    yield opened
    opened.stop()


def _kill_in_turn(install: Install, stop: threading.Event, killed: Counter[str]) -> None:
    number = 0
    while not stop.wait(SECONDS_BETWEEN_KILLS):
        victim = VICTIMS[number % len(VICTIMS)]
        number += 1
        pid = install.pids().get(victim)
        if pid is not None:
            os.kill(pid, signal.SIGKILL)
            killed[victim] += 1


def _wait_until_archived(install: Install, limit_seconds: float) -> None:
    deadline = time.monotonic() + limit_seconds
    while time.monotonic() < deadline:
        time.sleep(0.5)
        streams = json.loads(install.run("log", "streams", "--json").stdout)
        last = next(stream["last_seq"] for stream in streams if stream["name"] == "HEADWATER")
        if json.loads(install.run("archive", "list", "--json").stdout)["position"] == last:
            return


def test_every_record_is_archived_once_whatever_is_killed(install: Install) -> None:
    """20,000 events while the archiver is killed again and again, and both engines at times: the check of the whole
    archive finds nothing wrong, and every event that got a 200 is exported exactly once."""
    sender = Sender(install, install.write_key(), EVENTS)
    stop, killed = threading.Event(), Counter[str]()
    killer = threading.Thread(target=_kill_in_turn, args=(install, stop, killed))
    killer.start()
    asyncio.run(sender.run(connections=4))
    stop.set()
    killer.join()
    assert killed["archive"] >= 4, killed
    _wait_until_archived(install, limit_seconds=90)
    report = json.loads(install.run("archive", "verify", "--json").stdout)
    assert (report["problems"], report["gaps"]) == ([], [])
    assert report["rows"] == report["position"]
    lines = install.run("archive", "export", "--pipeline", "default").stdout.splitlines()
    exported = Counter(json.loads(line)["meta"]["message_id"] for line in lines)
    sys.stdout.write(
        f"\nkilled {dict(killed)}, {report['rows']} records in {report['files']} files, stray {len(report['stray'])}\n"
    )
    assert sender.confirmed - exported.keys() == set()
    assert set(exported.values()) == {1}
    assert install.process.poll() is None
