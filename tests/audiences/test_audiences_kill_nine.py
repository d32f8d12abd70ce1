"""kill -9 of the builder, NATS and PostgreSQL under load: no entry and no exit is lost or doubled."""

from __future__ import annotations

import json
import os
import signal
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from install import Install

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

PEOPLE = 40
ROUNDS = 45
VICTIMS = ("profile", "profile", "nats-server", "profile", "postgres")
SECONDS_BETWEEN_KILLS = 2.5


@pytest.fixture
def install(data_root: Path) -> Iterator[Install]:
    opened = Install(data_root / f"audiences-kill-{time.monotonic_ns()}", {})
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


def _send(install: Install, key: str, round_number: int) -> None:
    """One event of everybody; tried again with the same message ids until it is taken."""
    batch = [
        {"type": "track", "event": "Visited", "userId": f"u{person}", "messageId": f"u{person}-{round_number}"}
        for person in range(PEOPLE)
    ]
    while True:
        try:
            if httpx.post(f"{install.url}/v1/batch", json={"writeKey": key, "batch": batch}, timeout=10).is_success:
                return
        except httpx.HTTPError:
            pass
        time.sleep(0.2)


def _events(install: Install) -> list[dict]:
    lines = install.run("log", "read", "--pipeline", "audiences").stdout.splitlines()
    return [json.loads(line)["data"] for line in lines]


def _told(install: Install) -> dict[str, list[str]]:
    """What the log says about the audience `odd`, person by person, in its order."""
    told: dict[str, list[str]] = {f"u{person}": [] for person in range(PEOPLE)}
    for event in _events(install):
        if event["event"].startswith("Audience") and event["properties"]["audience"] == "odd":
            told[event["userId"]].append(event["event"].removeprefix("Audience "))
    return told


def _members(install: Install) -> set[str]:
    done = install.run("audiences", "scan", "odd", "--limit", "0", "--field", "user_id", check=False)
    return {json.loads(line)["user_id"] for line in done.stdout.splitlines()}


def test_entries_and_exits_survive_whatever_is_killed(install: Install) -> None:
    """Everybody enters with each odd event and leaves with each even one; what the log holds alternates, each message once,
    and ends where the memberships end."""
    install.run("audiences", "create", "FILTER _num_events % 2 == 1 ALIAS odd")
    key = install.write_key()
    stop, killed = threading.Event(), Counter()
    killing = threading.Thread(target=_kill_in_turn, args=(install, stop, killed))
    killing.start()
    for number in range(ROUNDS):
        _send(install, key, number)
        time.sleep(0.3)
    stop.set()
    killing.join()
    assert ROUNDS % 2 == 1
    everybody = {f"u{person}" for person in range(PEOPLE)}
    deadline = time.monotonic() + 90
    while _members(install) != everybody or any(not said or said[-1] != "Entered" for said in _told(install).values()):
        assert time.monotonic() < deadline, f"not everybody entered: {len(_members(install))} of {PEOPLE}"
        time.sleep(1)
    time.sleep(3)
    told = _told(install)
    for person, said in told.items():
        assert said == ["Entered", "Exited"] * (len(said) // 2) + ["Entered"], (person, said)
    ids = Counter(event["messageId"] for event in _events(install))
    assert max(ids.values()) == 1
    assert killed["profile"] > 2
    assert install.run("audiences", "size", "odd").stdout.strip() == str(PEOPLE)
