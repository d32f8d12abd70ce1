"""kill -9 of the builder, NATS and PostgreSQL in turn, under load: every profile is what its events say."""

import asyncio
import contextlib
import json
import os
import random
import signal
import sys
import threading
import time
from collections import Counter
from datetime import UTC, datetime
from decimal import Decimal

import asyncpg
import pytest
from pyreqwest.client import ClientBuilder
from pyreqwest.exceptions import PyreqwestError
from stored_profiles import fingerprint

from headwater.database.pool import open_connection
from headwater.engines import endpoints
from headwater.errors import UnavailableError
from headwater.log import connection, streams
from headwater.log.ordered import OrderedReader
from headwater.pipelines import secrets
from headwater.pipelines.snapshot import load
from headwater.profiles.compiled_schema import CompiledSchema
from headwater.profiles.plan import profile_attachments
from headwater.profiles.preparation import LogRecord, Preparer
from headwater.profiles.rebuild.desk import latest
from headwater.profiles.store import generations
from headwater.profiles.store.batch import Batch
from headwater.profiles.store.builder import Builder
from headwater.profiles.targets import targets_of
from headwater.settings import Settings
from install import Install

pytestmark = [pytest.mark.slow, pytest.mark.timeout(500)]

EVENTS = 12_000
PEOPLE = 150
BATCH = 50
VICTIMS = ("profile", "nats-server", "profile", "postgres")
SECONDS_BETWEEN_KILLS = 2.0
PAUSE_SECONDS = 0.5


def made_event(number, chance):
    """An order of one of PEOPLE; half of them come without their user id, and some events come late."""
    person = chance.randrange(PEOPLE)
    event = {
        "type": "track",
        "event": "Order Completed",
        "messageId": f"m-{number}",
        "anonymousId": f"browser-{person}-{chance.randrange(2)}",
        "timestamp": f"2026-11-{chance.randrange(1, 22):02}T10:00:00.000Z",
        "properties": {"order_id": f"o-{number}", "revenue": chance.randrange(1, 9999) / 100},
    }
    return {**event, "userId": f"user-{person}"} if chance.random() < 0.5 else event


class Sender:
    """Posts batches until each is answered with 200."""

    def __init__(self, install, write_key, events):
        self.url = f"{install.url}/v1/batch"
        self.bodies = iter(
            [
                json.dumps({"batch": events[start : start + BATCH], "writeKey": write_key}).encode()
                for start in range(0, len(events), BATCH)
            ]
        )

    async def run(self, connections):
        async with ClientBuilder().build() as client:
            await asyncio.gather(*(self.connection(client) for _ in range(connections)))

    async def connection(self, client):
        for body in self.bodies:
            while not await self.post(client, body):
                await asyncio.sleep(0.1)
            await asyncio.sleep(PAUSE_SECONDS)

    async def post(self, client, body):
        try:
            reply = await client.post(self.url).body_bytes(body).build().send()
        except PyreqwestError:
            return False
        return reply.status == 200


def kill_in_turn(install, stop, killed):
    number = 0
    while not stop.wait(SECONDS_BETWEEN_KILLS):
        victim = VICTIMS[number % len(VICTIMS)]
        number += 1
        pid = install.pids().get(victim)
        if pid is not None:
            os.kill(pid, signal.SIGKILL)
            killed[victim] += 1


def test_sums_are_exact_and_profiles_equal_an_undisturbed_run(data_root):
    """12,000 orders while processes die: counts and totals to the last cent, and twice the fingerprint of profiles built in peace.

    The second time everything is built anew from archive and log, and processes die again.
    """
    install = Install(data_root / f"profiles-{time.monotonic_ns()}", {"HEADWATER_ARCHIVE_IDLE_SECONDS": "1"})
    install.start()
    try:
        install.run("pipeline", "create", "shop")
        install.run("integration", "add", "profiles", "--slug", "built-in")
        install.run("pipeline", "attach", "shop", "built-in")
        chance = random.Random(11)  # noqa: S311  # the same events in every run
        events = [made_event(number, chance) for number in range(EVENTS)]
        time.sleep(2.5)
        stop, killed = threading.Event(), Counter()
        killer = threading.Thread(target=kill_in_turn, args=(install, stop, killed))
        killer.start()
        asyncio.run(Sender(install, install.write_key("shop"), events).run(connections=6))
        stop.set()
        killer.join()
        assert all(killed[victim] >= 2 for victim in VICTIMS), killed
        undisturbed = asyncio.run(compare(install, events))
        rebuild_while_processes_die(install)
        asyncio.run(compare_rebuilt(install, undisturbed))
        sys.stdout.write(f"\nkilled {dict(killed)}\n")
    finally:
        install.stop()


async def reached(url):
    """A connection as soon as PostgreSQL, which may have been killed a moment ago, is there again."""
    async with asyncio.timeout(60):
        while True:
            with contextlib.suppress(UnavailableError):
                return await open_connection(url)
            await asyncio.sleep(0.2)


async def compare(install, events):
    settings = Settings(data_folder=str(install.data))
    urls = endpoints.resolve(settings)
    database = await reached(urls.database_url)
    live = await generations.live(database)
    expected = (len(events), sum(Decimal(str(event["properties"]["revenue"])) for event in events))
    deadline = time.monotonic() + 120
    sums = f"""
        SELECT sum((fields->>'order_count')::int)::int AS orders, sum((fields->>'total_revenue')::numeric) AS revenue
        FROM {live.namespace}.profiles
    """  # noqa: S608  # the name of a generation
    while (found := tuple(await database.fetchrow(sums))) != expected and time.monotonic() < deadline:
        await asyncio.sleep(0.5)
    assert found == expected
    client = await connection.connect(urls.nats_url, "test")
    undisturbed = await fingerprint(database, await rebuilt(settings, database, client))
    assert await fingerprint(database, live.number) == undisturbed
    await connection.close(client)
    await database.close()
    return undisturbed


def rebuild_while_processes_die(install):
    """Each of them is killed while the rebuild is under way, as soon as it is further than it was the last time."""
    install.run("profiles", "rebuild", "--yes")
    reached = 0
    for victim in VICTIMS:
        found = asyncio.run(rebuild_once(install, lambda now, reached=reached: is_over(now) or now.done > reached))
        assert not is_over(found), f"over before {victim} was killed"
        os.kill(install.pids()[victim], signal.SIGKILL)
        reached = found.done
    asyncio.run(rebuild_once(install, is_over))
    assert json.loads(install.run("profiles", "rebuild", "--status", "--json").stdout)["state"] == "live"


def is_over(rebuild):
    return rebuild.state != "building"


async def rebuild_once(install, holds, seconds=120):
    """The rebuild as soon as `holds` is true of it.

    It asks the database itself, many times a second: a step of the rebuild takes less time than to start the command.
    """
    url = endpoints.resolve(Settings(data_folder=str(install.data))).database_url
    found = None
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            while True:
                database = await reached(url)
                with contextlib.suppress(asyncpg.PostgresError, asyncpg.InterfaceError, OSError):
                    while not holds(found := await latest(database)):
                        await asyncio.sleep(0.02)
                    await database.close()
                    return found
                database.terminate()
    raise AssertionError(f"the rebuild does not go on, it is at {found}:\n{install.log.read_text()[-4000:]}")


async def compare_rebuilt(install, undisturbed):
    database = await reached(endpoints.resolve(Settings(data_folder=str(install.data))).database_url)
    live = await generations.live(database)
    assert live.number > 1
    assert await fingerprint(database, live.number) == undisturbed
    await database.close()


async def rebuilt(settings, database, client):
    """Everything in the log once more, in a generation of its own and in one go."""
    live = await generations.live(database)
    async with database.transaction():
        generation = await generations.create(database, live.schema)
    schema = CompiledSchema(live.schema)
    preparer = Preparer(schema, targets_of(profile_attachments(await load(database)), secrets.resolver(settings)))
    builder = Builder(generation, schema, await generations.secret(database))
    reader = OrderedReader(client, streams.MAIN, ["hw.event.>", "hw.stream.>"])
    while not await reader.exhausted():
        records = [
            LogRecord(message.sequence, 0, message.stored_at, message.payload) for message in await reader.take(2000, 2)
        ]
        await builder.apply(database, Batch(tuple(preparer.prepare(records).arrivals)), datetime.now(UTC))
    await reader.stop()
    return generation.number
