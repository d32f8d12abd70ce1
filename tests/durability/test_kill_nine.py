"""kill -9 of every process in turn, under load, with a vendor that misbehaves: what got a 200 arrives."""

from __future__ import annotations

import asyncio
import json
import os
import random
import signal
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from pyreqwest.client import Client, ClientBuilder
from pyreqwest.exceptions import PyreqwestError

from install import Install
from receiver import Answer, Receiver, troubled

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]

EVENTS = 20_000
BATCH = 50
VICTIMS = ("collect", "route", "nats-server", "postgres")
SECONDS_BETWEEN_KILLS = 2.5
PAUSE_SECONDS = 0.25
"""Between two batches of a connection: the load must outlast two kills of each process."""


@pytest.fixture
def install(data_root: Path) -> Iterator[Install]:
    opened = Install(data_root / f"kill-{time.monotonic_ns()}", {})
    opened.start()
    yield opened
    opened.stop()


class Sender:
    """Sends events as SDKs do: each batch again until it is answered with 200."""

    def __init__(self, install: Install, write_key: str, events: int) -> None:
        self.confirmed: set[str] = set()
        self.attempted: set[str] = set()
        self.repeats = 0
        self._install = install
        self._write_key = write_key
        self._batches = iter([[f"m-{n}" for n in range(start, start + BATCH)] for start in range(0, events, BATCH)])

    async def run(self, connections: int) -> None:
        async with ClientBuilder().build() as client:
            await asyncio.gather(*(self._connection(client) for _ in range(connections)))

    async def _connection(self, client: Client) -> None:
        for names in self._batches:
            self.attempted.update(names)
            events = [
                {
                    "type": "track",
                    "event": "Paid",
                    "messageId": name,
                    "userId": f"u{hash(name) % 97}",
                    "properties": {"n": name},
                }
                for name in names
            ]
            body = json.dumps({"batch": events, "writeKey": self._write_key}).encode()
            while not await self._post(client, body):
                self.repeats += 1
                await asyncio.sleep(0.1)
            self.confirmed.update(names)
            await asyncio.sleep(PAUSE_SECONDS)

    async def _post(self, client: Client, body: bytes) -> bool:
        try:
            reply = await client.post(f"{self._install.url}/v1/batch").body_bytes(body).build().send()
        except PyreqwestError:
            return False
        assert reply.status in (200, 503), "a passing fault is never the client's fault"
        return reply.status == 200


def _kill_in_turn(install: Install, stop: threading.Event, killed: Counter[str]) -> None:
    number = 0
    while not stop.wait(SECONDS_BETWEEN_KILLS):
        victim = VICTIMS[number % len(VICTIMS)]
        number += 1
        pid = install.pids().get(victim)
        if pid is not None:
            os.kill(pid, signal.SIGKILL)
            killed[victim] += 1


def _wait_until_arrived(receiver: Receiver, wanted: set[str], limit_seconds: float) -> None:
    deadline = time.monotonic() + limit_seconds
    while not wanted <= receiver.accepted.keys() and time.monotonic() < deadline:
        time.sleep(0.2)


def test_every_confirmed_event_arrives_whatever_is_killed(install: Install) -> None:
    """20,000 events while collector, router, NATS and PostgreSQL are killed in turn and 10 % of the vendor's answers are
    faults: all that got a 200 arrive, nothing arrives that was not sent, and the number of repeats is shown."""
    receiver = Receiver(troubled(seed=7, share=0.1))
    write_key = install.write_key()
    install.attach(receiver.url, batch_size=20)
    time.sleep(2.5)
    sender = Sender(install, write_key, EVENTS)
    stop, killed = threading.Event(), Counter[str]()
    killer = threading.Thread(target=_kill_in_turn, args=(install, stop, killed))
    killer.start()
    asyncio.run(sender.run(connections=6))
    stop.set()
    killer.join()
    assert len(sender.confirmed) == EVENTS
    assert all(killed[victim] >= 2 for victim in VICTIMS), killed
    _wait_until_arrived(receiver, sender.confirmed, limit_seconds=120)
    arrived = receiver.accepted
    repeats = sum(arrived.values()) - len(arrived)
    sys.stdout.write(
        f"\nkilled {dict(killed)}, batches sent again {sender.repeats}, delivered {len(arrived)}, "
        f"repeats at the vendor {repeats}\n"
    )
    assert sender.confirmed - arrived.keys() == set()
    assert arrived.keys() - sender.attempted == set()
    assert install.process.poll() is None
    dead = json.loads(install.run("deadletters", "list", "--all", "--json").stdout)
    assert dead == []
    receiver.close()


def test_a_record_that_the_vendor_rejects_alone_becomes_the_only_dead_letter(install: Install) -> None:
    """A 200 with rejected_count 1 for a batch of 20: nineteen records stay delivered, the bad one is a dead letter."""
    bad = "m-bad"

    def behave(_number: int, _headers: dict[str, str], body: bytes) -> Answer:
        records = json.loads(body)
        records = records if isinstance(records, list) else [records]
        rejected = sum(record["id"] == bad for record in records)
        reply = {"status": 200, "data": {"message_count": len(records), "rejected_count": rejected}}
        return Answer(body=json.dumps(reply).encode(), accept=rejected == 0)

    receiver = Receiver(behave)
    write_key = install.write_key()
    install.attach(receiver.url, batch_size=20)
    time.sleep(2.5)
    names = [f"m-{n}" for n in range(19)] + [bad]
    random.Random(1).shuffle(names)  # noqa: S311
    events = [{"type": "track", "event": "Paid", "messageId": name, "userId": "u"} for name in names]

    async def post() -> int:
        async with ClientBuilder().build() as client:
            body = json.dumps({"batch": events, "writeKey": write_key}).encode()
            return (await client.post(f"{install.url}/v1/batch").body_bytes(body).build().send()).status

    assert asyncio.run(post()) == 200
    _wait_until_arrived(receiver, set(names) - {bad}, limit_seconds=20)
    deadline = time.monotonic() + 20
    while (
        not (letters := json.loads(install.run("deadletters", "list", "--all", "--json").stdout))
        and time.monotonic() < deadline
    ):
        time.sleep(0.2)
    assert set(names) - {bad} <= receiver.accepted.keys()
    assert [letter["message_id"] for letter in letters] == [bad]
    assert "rejected" in letters[0]["reason"]
    receiver.close()
