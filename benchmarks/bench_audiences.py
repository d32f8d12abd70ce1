"""What audiences cost the builder, how soon an entry is told, and whether time exits are on time.

    python -m benchmarks.bench_audiences                   all three
    python -m benchmarks.bench_audiences builder           events/s with no and with 500 audiences, calm and restless ones
    python -m benchmarks.bench_audiences webhook           from the post of an event to the webhook, 1,000 events/s, 200 audiences
    python -m benchmarks.bench_audiences flips             time exits while 1,000,000 profiles wait, and estimates of drafts

`builder` is the benchmark of profiles with audiences added in the same run. `webhook` starts a whole install. `flips` writes rows as the
observer would and lets the scheduler run.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import sys
import tempfile
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx

from benchmarks.bench_profiles import Bench, Engines, Speed, measure_speed
from headwater.audiences import defaults, estimates, tables
from headwater.audiences.catalog import load_catalog
from headwater.audiences.scheduling import FlipScheduler
from headwater.audiences.store import Draft, create, delete, every
from headwater.database.pool import open_connection
from headwater.engines import endpoints
from headwater.pipelines.changes import change
from headwater.settings import Settings

sys.path.append(str(Path(__file__).parents[1] / "tests"))

from install import Install  # needs the path above
from receiver import Receiver  # see above

BUILDER_AUDIENCES = 500
WEBHOOK_AUDIENCES = 200
WAITING = 1_000_000
PEOPLE = 2_000
HISTORY = 60
"""Events of everybody before the measurement: who is new enters and leaves dozens of audiences with each of the first events."""
RATE = 1_000
_COUNTERS = ("order_count", "_num_events", "_num_days")
_AMOUNTS = ("total_revenue", "largest_order_value")
_RESTLESS_AMOUNTS = (*_AMOUNTS, "last_order_value")
"""With the last value nearly every order takes people out of some audiences and into others."""
_STEPS = (1, 2, 3, 5, 10, 20, 50, 100)
_SUMS = (10, 25, 50, 100, 250, 500, 1000, 2500)
_MOMENTS = ("last_seen", "last_order", "last_cart", "first_seen", "_modified")
_TEXTS = {
    "utm_source": ("newsletter", "google", "partner"),
    "utm_medium": ("email", "cpc"),
    "country": ("DE", "FR", "IT"),
    "language": ("en-GB", "de-DE"),
    "os": ("Linux", "Windows", "iOS"),
}


def filters(count: int, seed: int = 7, amounts: Sequence[str] = _AMOUNTS, name: str = "bench") -> list[str]:
    """Audiences as marketers write them: one to four conditions on counts, sums, recency, campaigns and products."""
    chance = random.Random(seed)
    made = []
    for number in range(count):
        clauses = [_clause(chance, amounts) for _ in range(chance.randint(1, 4))]
        word = chance.choice(("AND", "AND", "OR"))
        if number > 50 and chance.random() < 0.1:
            clauses.append(f"INCLUDE {name}_{chance.randrange(50)}")
        made.append(f"FILTER {word} ({', '.join(clauses)}) ALIAS {name}_{number}")
    return made


def _clause(chance: random.Random, amounts: Sequence[str]) -> str:
    kind = chance.randrange(8)
    if kind <= 1:
        return f"{chance.choice(_COUNTERS)} {chance.choice(('>', '>=', '<'))} {chance.choice(_STEPS)}"
    if kind == 2:
        return f"{chance.choice(amounts)} > {chance.choice(_SUMS)}"
    if kind <= 4:
        return f'{chance.choice(_MOMENTS)} > "now-{chance.choice((1, 3, 7, 14, 30, 60, 90))}d"'
    if kind == 5:
        name = chance.choice(list(_TEXTS))
        return f'{name} == "{chance.choice(_TEXTS[name])}"'
    if kind == 6:
        return f"events.`Order Completed` >= {chance.randrange(1, 10)}"
    return f'products_viewed IN ("SKU-{chance.randrange(500)}", "SKU-{chance.randrange(500)}")'


async def create_all(pool: Any, texts: list[str]) -> None:
    """Save audiences in one change."""
    async with change(pool, "benchmark") as made:
        for text in texts:
            await create(made, Draft(segment_ql=text))


# --- the builder


async def builder(people: int, events: int) -> None:
    """Events per second without and with audiences, alternating, on the same engines."""
    with tempfile.TemporaryDirectory(prefix="headwater-bench-") as folder:
        Path(folder).chmod(0o755)  # noqa: ASYNC240  # nothing else runs yet
        settings = Settings(data_folder=f"{folder}/data")
        engines = Engines(settings)
        await engines.start()
        bench = Bench(settings, engines.urls)
        try:
            await bench.prepare()
            await bench.fill_profiles(people, HISTORY)
            await measure_speed(bench, people, people * 10)
            none = await measure_speed(bench, people, events)
            print(f"no audiences   {none.events:8,.0f} events/s   {_shown(none.processor)}", flush=True)
            await defaults.create_defaults(bench.pool)
            for amounts, name in ((_AMOUNTS, "calm"), (_RESTLESS_AMOUNTS, "restless")):
                await _delete_audiences(bench)
                await create_all(bench.pool, filters(BUILDER_AUDIENCES, amounts=amounts, name=name))
                await _fill(bench, people)
                some, moved = await _with_audiences(bench, people, events)
                print(
                    f"{BUILDER_AUDIENCES} {name} ones {some.events:8,.0f} events/s   {_shown(some.processor)}; "
                    f"ratio {some.events / none.events:.2f}; {moved / events:.2f} entries and exits for each event",
                    flush=True,
                )
        finally:
            await engines.stop()


async def _delete_audiences(bench: Bench) -> None:
    async with change(bench.pool, "benchmark") as made:
        for audience in reversed(await every(made.connection)):  # newer ones include older ones
            if audience.author == "benchmark":
                await delete(made, audience)


async def _fill(bench: Bench, people: int) -> None:
    async with bench.worker():
        started = time.perf_counter()
        while await bench.pool.fetchval("SELECT count(*) FROM audience_fills WHERE finished IS NULL"):  # noqa: ASYNC110  # another process fills
            await asyncio.sleep(0.2)
        print(f"filled over {people:,} profiles in {time.perf_counter() - started:.1f} s")
        while await bench.pool.fetchval("SELECT count(*) FROM outbox"):  # noqa: ASYNC110  # another process sends
            await asyncio.sleep(0.2)


async def _with_audiences(bench: Bench, people: int, events: int) -> tuple[Speed, int]:
    """The builder's speed, and how many entries and exits there were."""
    counting = f"SELECT count(*) FROM {bench.generation.namespace}.transitions"  # noqa: S608  # a number
    before = await bench.pool.fetchval(counting)
    some = await measure_speed(bench, people, events)
    return some, await bench.pool.fetchval(counting) - before


def _shown(processor: dict[str, float]) -> str:
    return ", ".join(f"{name} {spent:.0f} µs" for name, spent in sorted(processor.items()))


# --- from an event to the webhook


def webhook(seconds: float, rate: int) -> None:
    """Milliseconds from the post of the event that makes somebody enter to the webhook."""
    with tempfile.TemporaryDirectory(prefix="headwater-bench-") as folder:
        Path(folder).chmod(0o755)
        install = Install(Path(folder) / "data", {})
        install.start()
        arrivals: dict[str, float] = {}

        def note(_number: int, _headers: dict[str, str], body: bytes) -> None:
            who = json.loads(body)["identifiers"]["user_id"]
            arrivals.setdefault(who, time.perf_counter())

        receiver = Receiver(note)
        try:
            asyncio.run(_webhook(install, receiver, arrivals, seconds, rate))
        finally:
            receiver.close()
            install.stop()


async def _webhook(install: Install, receiver: Receiver, arrivals: dict[str, float], seconds: float, rate: int) -> None:
    token = json.loads(install.run("token", "create", "bench", "--scope", "admin", "--json").stdout)["token"]
    # Profiles straight from the log; a new install sends its events to its own Lytics doors.
    install.run("pipeline", "detach", "default", "lytics")
    install.run("integration", "add", "profiles", "--slug", "built-in")
    install.run("pipeline", "attach", "default", "built-in")
    await asyncio.sleep(2.5)
    key = install.write_key()
    async with httpx.AsyncClient(headers={"Authorization": token}, timeout=30) as admin:
        for text in (*filters(WEBHOOK_AUDIENCES - 1), "FILTER order_count >= 1 ALIAS buyers"):
            (await admin.post(f"{install.admin_url}/api/segment", content=text)).raise_for_status()
        body = {"webhook_url": f"{receiver.url}/x", "segment_ids": ["buyers"]}
        (await admin.post(f"{install.admin_url}/api/subscription", json=body)).raise_for_status()
    await asyncio.sleep(5)
    await _warm_up(install, key)
    posted: dict[str, float] = {}
    chance = random.Random(3)
    async with httpx.AsyncClient(timeout=30, limits=httpx.Limits(max_connections=32)) as client:
        pending: set[asyncio.Task[None]] = set()

        async def post(number: int) -> None:
            batch = [_event(number * 10 + count, chance, posted) for count in range(10)]
            (await client.post(f"{install.url}/v1/batch", json={"writeKey": key, "batch": batch})).raise_for_status()

        started = time.perf_counter()
        for number in range(int(seconds * rate / 10)):
            await asyncio.sleep(max(0.0, started + number / (rate / 10) - time.perf_counter()))
            task = asyncio.create_task(post(number))
            pending.add(task)
            task.add_done_callback(pending.discard)
        await asyncio.gather(*pending)
        took = time.perf_counter() - started
        await asyncio.sleep(5)
    found = sorted((arrivals[who] - at) * 1000 for who, at in posted.items() if who in arrivals)
    print(f"{int(seconds * rate)} events in {took:.1f} s; {len(found)} of {len(posted)} entries told")
    if found:
        print(
            f"p50 {found[len(found) // 2]:.0f} ms, p90 {found[int(len(found) * 0.9)]:.0f} ms, p99 {found[int(len(found) * 0.99)]:.0f} ms"
        )


async def _warm_up(install: Install, key: str) -> None:
    """Everybody but the buyers has been here before, and all that was to be told about that has been told."""
    async with httpx.AsyncClient(timeout=60) as client:
        for first in range(0, PEOPLE, 10):
            batch = [
                {**_view(random.Random(visit), person), "messageId": f"warm-{person}-{visit}"}
                for person in range(first, first + 10)
                for visit in range(HISTORY)
            ]
            (await client.post(f"{install.url}/v1/batch", json={"writeKey": key, "batch": batch})).raise_for_status()
    database = await open_connection(endpoints.resolve(Settings(data_folder=str(install.data))).database_url)
    quiet = 0
    while quiet < 5:  # quiet for five looks in a row
        await asyncio.sleep(1)
        quiet = 0 if await database.fetchval("SELECT count(*) FROM outbox") else quiet + 1
    entries = await database.fetchval("SELECT count(*) FROM profiles_1.transitions")
    print(f"{entries:,} entries and exits before the measurement")
    await database.close()


def _event(number: int, chance: random.Random, posted: dict[str, float]) -> dict[str, Any]:
    """One in fifty is the first order of somebody new; the others are views of people known before."""
    if number % 50:
        return {**_view(chance, chance.randrange(PEOPLE)), "messageId": f"bench-{number}"}
    who = f"buyer-{number}"
    posted[who] = time.perf_counter()
    properties = {"order_id": f"o-{number}", "revenue": 20.5}
    order = {"type": "track", "userId": who, "event": "Order Completed", "properties": properties}
    return {**order, "messageId": f"bench-{number}"}


def _view(chance: random.Random, person: int) -> dict[str, Any]:
    product = chance.randrange(500)
    properties = {"product_id": f"p-{product}", "sku": f"SKU-{product}"}
    return {"type": "track", "userId": f"user-{person}", "event": "Product Viewed", "properties": properties}


# --- time


async def flips(waiting: int) -> None:
    """How late exits by time are while many wait, and how long an estimate takes at that size."""
    with tempfile.TemporaryDirectory(prefix="headwater-bench-") as folder:
        Path(folder).chmod(0o755)  # noqa: ASYNC240  # nothing else runs yet
        settings = Settings(data_folder=f"{folder}/data")
        engines = Engines(settings)
        await engines.start()
        bench = Bench(settings, engines.urls)
        try:
            await bench.prepare()
            await _ensure_pipeline(bench)
            print(f"writing {waiting:,} profiles", flush=True)
            await bench.fill_profiles(waiting)
            await _measure_estimates(bench)
            await _measure_flips(bench, waiting)
        finally:
            await engines.stop()


async def _ensure_pipeline(bench: Bench) -> None:
    await defaults.create_defaults(bench.pool)
    await bench.pool.execute("DELETE FROM audiences")
    await bench.pool.execute("UPDATE audience_fills SET finished = now()")


async def _measure_flips(bench: Bench, waiting: int) -> None:
    names = bench.generation.namespace
    await create_all(bench.pool, ['FILTER last_seen > "now-7d" ALIAS lately'])
    await bench.pool.execute("UPDATE audience_fills SET finished = now()")
    number = await bench.pool.fetchval("SELECT number FROM audiences WHERE slug = 'lately'")
    database = await open_connection(bench.urls.database_url, statement_limit_seconds=600)
    async with database.transaction():
        await tables.ensure(database, bench.generation.number)
    # 3,000 profiles leave within 30 seconds, 100 each second; all others wait for a day or more.
    await database.execute(
        f"INSERT INTO {names}.memberships "  # noqa: S608  # a number
        "SELECT id, ARRAY[$1::integer], now() + interval '1 day' + n * interval '1 second' "
        f"FROM (SELECT id, row_number() OVER () AS n FROM {names}.profiles) AS p",
        number,
    )
    await database.execute("VACUUM ANALYZE")
    rows = await database.fetch(f"SELECT id FROM {names}.profiles ORDER BY md5(id::text) LIMIT 3000")  # noqa: S608  # a number
    begin = datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=15)
    due = {bytes(row["id"]): begin + timedelta(seconds=place // 100) for place, row in enumerate(rows)}
    seen = [round((moment - timedelta(days=7)).timestamp()) for moment in due.values()]
    await database.execute(
        f"UPDATE {names}.profiles AS p SET fields = fields || jsonb_build_object('last_seen', jsonb_build_object('$time', seen)) "  # noqa: S608  # a number
        "FROM unnest($1::bytea[], $2::bigint[]) AS u (id, seen) WHERE p.id = u.id",
        list(due),
        seen,
    )
    await database.execute(
        f"UPDATE {names}.memberships AS m SET next_moment = u.moment "  # noqa: S608  # a number
        "FROM unnest($1::bytea[], $2::timestamptz[]) AS u (id, moment) WHERE m.profile_id = u.id",
        list(due),
        list(due.values()),
    )
    left = (begin - datetime.now(UTC)).total_seconds()
    assert left > 0, f"the rows took {-left:.0f} s too long to write; begin later"
    await bench.pool.execute("DELETE FROM outbox")
    scheduling = asyncio.create_task(FlipScheduler(bench.pool).run())
    await asyncio.sleep(left + 35)
    scheduling.cancel()
    rows = await database.fetch(f"SELECT profile_id, at FROM {names}.transitions WHERE NOT entered")  # noqa: S608  # a number
    told = await database.fetchval("SELECT count(*) FROM outbox")
    late = sorted((row["at"] - due[bytes(row["profile_id"])]).total_seconds() * 1000 for row in rows)
    print(f"{len(late)} of {len(due)} exits by time while {waiting:,} wait; {told} announced; asked late by "
          f"p50 {late[len(late) // 2]:.0f} ms, p99 {late[int(len(late) * 0.99)]:.0f} ms, most {late[-1]:.0f} ms, least {late[0]:.0f} ms")  # fmt: skip
    await database.close()


async def _measure_estimates(bench: Bench) -> None:
    async with bench.pool.acquire() as connection, connection.transaction():
        catalog = await load_catalog(connection)
        for text in ('FILTER total_revenue > 100', 'FILTER AND (order_count > 2, last_seen > "now-30d", utm_source == "newsletter")',
                     'FILTER user_id LIKE "*7"', 'FILTER tolower(user_id) LIKE "*77"'):  # fmt: skip
            chosen = catalog.select(catalog.define(text).tree, datetime.now(UTC))
            started = time.perf_counter()
            guess = await estimates.estimate(connection, chosen)
            guessed = time.perf_counter() - started
            print(
                f"{text}: about {guess.size:,} ({guess.low:,} to {guess.high:,}, {guess.sampled:,} read) in {guessed * 1000:.0f} ms"
            )
            if chosen.exact:
                started = time.perf_counter()
                await connection.execute("SET LOCAL statement_timeout = '120s'")
                true = await estimates.exact(connection, chosen)
                print(f"    exactly {true.size:,} in {time.perf_counter() - started:.1f} s")


def main() -> None:
    """Run what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", nargs="*", default=["builder", "webhook", "flips"])
    parser.add_argument("--people", type=int, default=10_000)
    parser.add_argument("--events", type=int, default=40_000)
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--rate", type=int, default=RATE)
    parser.add_argument("--waiting", type=int, default=WAITING)
    asked = parser.parse_args()
    if "builder" in asked.what:
        asyncio.run(builder(asked.people, asked.events))
    if "webhook" in asked.what:
        webhook(asked.seconds, asked.rate)
    if "flips" in asked.what:
        asyncio.run(flips(asked.waiting))


if __name__ == "__main__":
    main()
