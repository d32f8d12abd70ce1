"""From the log to committed profiles: the role `profile` as a process of its own, on real engines.

    python -m benchmarks.bench_profiles                         10,000 and 1,000,000 profiles, and the latency at 500 events/s
    python -m benchmarks.bench_profiles --profiles 10000        one size only
    python -m benchmarks.bench_profiles --no-latency

Events of a shop, about 1.4 KB each, of people who are chosen anew for each event, go through the playbook of the built-in profiles
and the default schema. The profiles are there beforehand, with a history. The log is filled first; then the worker is started and its
positions are watched. `floor` is what PostgreSQL does when it gets rows of the size of the profiles in batches and nothing else, in the same run.
Processor time is that of all processes: worker, PostgreSQL, NATS.
"""

# ruff: noqa: S608, ASYNC110, ASYNC240  # the name of a generation is our own; it watches real processes and makes a folder
from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import random
import signal
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import asyncpg
import orjson

from headwater.audiences import defaults
from headwater.database import migrations
from headwater.database.pool import open_connection, open_pool
from headwater.database.transactions import transaction
from headwater.engines import endpoints, nats_server, postgres
from headwater.engines.endpoints import Endpoints
from headwater.engines.processes import RunningProcess
from headwater.errors import UnavailableError
from headwater.events import RecordMeta
from headwater.integrations import library
from headwater.log import connection, streams
from headwater.log.records import encode_event
from headwater.log.writer import LogWriter
from headwater.pipelines import bootstrap, deployment_store, integration_store, pipeline_store, secrets
from headwater.pipelines.changes import change
from headwater.pipelines.objects import RevisionContent
from headwater.pipelines.snapshot import load
from headwater.profiles.compiled_schema import CompiledSchema
from headwater.profiles.identifiers import Identifier
from headwater.profiles.profile_ids import fragment_id
from headwater.profiles.resolution import resolve
from headwater.profiles.store import generations
from headwater.profiles.store.batch import Arrival, Batch
from headwater.profiles.store.bodies import Component, component_bytes
from headwater.profiles.store.builder import Builder
from headwater.profiles.targets import profile_attachments, targets_of
from headwater.profiles.versions import version_store
from headwater.settings import LogSettings, Settings

PARTITIONS = 16
EVENTS = 60_000
RATE = 500
HISTORY = 20
"""Events that every profile had before."""
FLOOR_BATCH = 1000
NAMES = ("Product Viewed", "Product Added", "Order Completed", "Products Searched", "Signed In")
CATEGORIES = ("Shoes", "Shirts", "Hats", "Bags", "Coats")
START = datetime(2026, 10, 1, tzinfo=UTC)


def event(number: int, person: int, chance: random.Random) -> dict[str, Any]:
    """One event of a shop."""
    moment = (START + timedelta(seconds=number)).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    name = chance.choice(NAMES)
    product = chance.randrange(500)
    properties = {
        "product_id": f"p-{product}",
        "sku": f"SKU-{product}",
        "name": f"Product {product}",
        "category": chance.choice(CATEGORIES),
        "brand": f"Brand {product % 20}",
        "price": round(chance.uniform(5, 200), 2),
        "quantity": chance.randrange(1, 4),
        "currency": "EUR",
    }
    if name == "Order Completed":
        properties |= {"order_id": f"o-{number}", "revenue": round(chance.uniform(20, 400), 2), "coupon": "AUTUMN"}
    if name == "Products Searched":
        properties = {"query": f"search {product % 50}"}
    return {
        "type": "track",
        "event": name,
        "messageId": f"bench-{number:012d}-4a5b-8c9d-e0f1a2b3c4d5",
        "anonymousId": f"00000000-0000-4000-8000-{person:012d}",
        "userId": f"user-{person}",
        "timestamp": moment,
        "originalTimestamp": moment,
        "sentAt": moment,
        "properties": properties,
        "context": {
            "page": {
                "url": f"https://shop.example/products/{product}?utm_source=newsletter&utm_campaign=autumn",
                "path": f"/products/{product}",
                "title": f"Product {product} - Shop",
                "referrer": "https://search.example/",
                "search": "?utm_source=newsletter&utm_campaign=autumn",
            },
            "campaign": {"source": "newsletter", "name": "autumn", "medium": "email"},
            "userAgent": "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0 Safari/537.36",
            "locale": "en-GB",
            "timezone": "Europe/London",
            "ip": "203.0.113.7",
            "library": {"name": "analytics.js", "version": "2.11.1"},
            "screen": {"width": 1920, "height": 1080, "density": 2},
        },
    }


class Bench:
    """Engines, a prepared database, and a pipeline with profiles attached."""

    def __init__(self, settings: Settings, urls: Endpoints) -> None:
        self.settings = settings
        self.urls = urls
        self.pipeline = ""
        self.number = 0

    async def prepare(self) -> None:
        """What a first start does, with the built-in profiles attached to the default pipeline."""
        await migrations.migrate(self.urls.database_url)
        self.pool = await open_pool(self.urls.database_url, size=4)
        box = secrets.open_box(self.settings)
        created = await bootstrap.create_defaults(self.pool, box)
        assert created is not None
        self.pipeline = created.id
        await version_store.ensure_first(self.pool)
        async with transaction(self.pool) as database:
            await generations.ensure_first(database, (await version_store.live(database)).schema)
            self.generation = await generations.live(database)
        async with change(self.pool, "benchmark") as made:
            pipeline = await pipeline_store.find(made.connection, created.id)
            for attachment in await deployment_store.attachments(made.connection):
                integration = await integration_store.find(made.connection, attachment.integration)
                await deployment_store.detach(made, pipeline, integration)
            integration = await integration_store.create(made, name="Profiles", slug="built-in-profiles")
            content = RevisionContent(kit="profiles", texts=library.texts("profiles"))
            await integration_store.save(made, integration, content, "benchmark")
            await deployment_store.attach(made, pipeline, integration)
        await defaults.create_defaults(self.pool)
        self.client = await connection.connect(self.urls.nats_url, "bench")
        await streams.ensure(self.client, LogSettings(partitions=PARTITIONS))

    async def fill_profiles(self, count: int, history: int = HISTORY) -> None:
        """Profiles with a history: one is built by the builder, the others are copies of it under their own identifiers."""
        schema = CompiledSchema(self.generation.schema)
        database = await open_connection(self.urls.database_url, statement_limit_seconds=600)
        secret = await generations.secret(database)
        snapshot = await load(database)
        (target,) = targets_of(profile_attachments(snapshot), secrets.resolver(self.settings))[self.pipeline]
        chance = random.Random(1)
        arrivals = []
        for number in range(history):
            (record,) = target.shape(event(number, 0, chance)).records
            effect = schema.effect(record, target.stream, datetime.now(UTC), f"history-{number}")
            arrivals.append(Arrival(number, "history", effect))
        builder = Builder(self.generation, schema, secret)
        await builder.apply(database, Batch(tuple(arrivals)), datetime.now(UTC))
        names = self.generation.namespace
        fragment = await database.fetchval(f"SELECT body FROM {names}.fragments")
        fields = await database.fetchval(f"SELECT fields::text FROM {names}.profiles")
        seen = arrivals[0].effect.sighting()
        identifiers, components, fragments, profiles = [], [], [], []
        first = await database.fetchval(f"SELECT nextval('{names}.component_numbers')") + 1000
        await database.execute(f"SELECT setval('{names}.component_numbers', $1)", first + count + 1000)
        await database.execute(f"TRUNCATE {names}.identifiers, {names}.components, {names}.fragments, {names}.profiles")
        for person in range(count):
            user = Identifier("user_id", f"user-{person}")
            cookie = Identifier("anonymous_id", f"00000000-0000-4000-8000-{person:012d}")
            effect = schema.effect(
                {"user_id": user.value, "anonymous_id": cookie.value}, "default", START, f"history-{person}"
            )
            links = {link.pair: link for link in effect.links()}
            members = {user: seen, cookie: seen}
            parts = resolve(members, list(links.values()), schema.rules).parts
            ids = {each: bytes.fromhex(fragment_id(each, secret)) for each in members}
            profile = ids[parts[0].founder]
            number = first + person
            identifiers += [(ids[each], each.type, each.value, number, profile) for each in members]
            components.append((number, component_bytes(Component(members, links, parts))))
            fragments.append((ids[user], -1, fragment))
            profiles.append((profile, number, fields, 0, "healthy", []))
            if len(profiles) == 20_000 or person == count - 1:
                await self._copy(database, names, identifiers, components, fragments, profiles)
                for rows in (identifiers, components, fragments, profiles):
                    rows.clear()
        await database.execute("VACUUM ANALYZE")
        await database.execute("CHECKPOINT")
        await database.close()

    async def _copy(self, database: Any, names: str, *tables: list[Any]) -> None:
        identifiers, components, fragments, profiles = tables
        await database.copy_records_to_table("identifiers", schema_name=names, records=identifiers)
        await database.copy_records_to_table("components", schema_name=names, records=components)
        await database.copy_records_to_table("fragments", schema_name=names, records=fragments)
        columns = list(zip(*profiles, strict=True))
        await database.execute(
            f"INSERT INTO {names}.profiles SELECT i, c, f::jsonb, m, h, '{{}}' "
            "FROM unnest($1::bytea[], $2::bigint[], $3::text[], $4::bigint[], $5::text[]) AS t (i, c, f, m, h)",
            *columns[:5],
        )

    async def fill_log(self, count: int, people: int, seed: int) -> int:
        """Events into the log; the sequence of the last one."""
        chance = random.Random(seed)
        writer = LogWriter(self.client)
        writing = asyncio.create_task(writer.run())
        for _ in range(count // 1000):
            await writer.append([self.record(people, chance) for _ in range(1000)])
        writing.cancel()
        info = await self.client.jsm().stream_info(streams.MAIN)
        return int(info.state.last_seq)

    def record(self, people: int, chance: random.Random) -> Any:
        self.number += 1
        made = event(self.number, chance.randrange(people), chance)
        now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        meta = RecordMeta("event", self.pipeline, made["messageId"], made["userId"], now)
        return encode_event(self.pipeline, meta, orjson.dumps(made), PARTITIONS)

    @contextlib.asynccontextmanager
    async def worker(self) -> AsyncIterator[asyncio.subprocess.Process]:
        """The role as a process."""
        environment = {
            **os.environ,
            "HEADWATER_DATA_FOLDER": self.settings.data_folder,
            "HEADWATER_NATS_URL": self.urls.nats_url,
            "HEADWATER_DATABASE_URL": self.urls.database_url,
            "HEADWATER_OPERATIONS_PROFILE_PORT": str(endpoints.free_port()),
        }
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "headwater", "profile", env=environment, stdout=asyncio.subprocess.DEVNULL
        )
        try:
            yield process
        finally:
            process.send_signal(signal.SIGTERM)
            await process.wait()

    async def position(self) -> int:
        """The last record that every partition has in profiles."""
        found = await self.pool.fetchval(
            f"SELECT coalesce(min(sequence), 0) FROM {self.generation.namespace}.positions"
        )
        return int(found)


class Speed(NamedTuple):
    """Events per second, and microseconds of processor time for each by program."""

    events: float
    processor: dict[str, float]


async def measure_speed(bench: Bench, people: int, count: int) -> Speed:
    """How fast a filled log becomes profiles."""
    before = await bench.position()
    last = await bench.fill_log(count, people, seed=people + bench.number)
    async with bench.worker():
        while (reached := await bench.position()) == before:
            await asyncio.sleep(0.02)
        used, started = processor_seconds(), time.perf_counter()
        while await bench.position() < last:
            await asyncio.sleep(0.05)
        seconds = time.perf_counter() - started
        spent = processor_seconds()
    done = last - reached
    return Speed(done / seconds, {name: 1e6 * (spent[name] - used.get(name, 0)) / done for name in spent})


async def measure_floor(bench: Bench, count: int) -> float:
    """Rows per second when PostgreSQL only upserts profiles in batches."""
    names = bench.generation.namespace
    database = await open_connection(bench.urls.database_url, statement_limit_seconds=600)
    await database.execute("SET synchronous_commit = off")
    await database.execute("DROP TABLE IF EXISTS floor_rows")
    await database.execute(
        f"CREATE TABLE floor_rows WITH (fillfactor = 70, toast_tuple_target = 8160) AS "
        f"SELECT id, fields FROM {names}.profiles"
    )
    await database.execute("ALTER TABLE floor_rows ADD PRIMARY KEY (id)")
    ids = [row["id"] for row in await database.fetch("SELECT id FROM floor_rows")]
    texts = [row["t"] for row in await database.fetch("SELECT fields::text AS t FROM floor_rows LIMIT 1000")]
    chance = random.Random(5)
    started = time.perf_counter()
    for _ in range(count // FLOOR_BATCH):
        chosen = sorted({chance.choice(ids) for _ in range(FLOOR_BATCH)})
        await database.execute(
            "INSERT INTO floor_rows SELECT i, t::jsonb FROM unnest($1::bytea[], $2::text[]) AS u (i, t) "
            "ON CONFLICT (id) DO UPDATE SET fields = excluded.fields",
            chosen,
            [texts[number % len(texts)] for number in range(len(chosen))],
        )
    seconds = time.perf_counter() - started
    await database.execute("DROP TABLE floor_rows")
    await database.close()
    return count / seconds


async def measure_latency(bench: Bench, people: int, seconds: float) -> list[float]:
    """Milliseconds from the answer of the log to the commit, at RATE events per second, one by one."""
    chance = random.Random(9)
    writer = LogWriter(bench.client)
    writing = asyncio.create_task(writer.run())
    stored: dict[int, float] = {}
    found: list[float] = []
    last = int((await bench.client.jsm().stream_info(streams.MAIN)).state.last_seq)

    async def send() -> None:
        await writer.append([bench.record(people, chance)])

    async with bench.worker():
        while await bench.position() < last:
            await asyncio.sleep(0.05)
        await asyncio.sleep(1)
        started = time.perf_counter()
        sending: set[asyncio.Task[None]] = set()

        async def watch() -> None:
            seen = last
            while True:
                position = await bench.position()
                now = time.perf_counter()
                while seen < position:
                    seen += 1
                    if seen in stored:
                        found.append((now - stored.pop(seen)) * 1000)
                await asyncio.sleep(0.005)

        watching = asyncio.create_task(watch())
        for number in range(int(RATE * seconds)):
            await asyncio.sleep(max(0.0, started + number / RATE - time.perf_counter()))
            stored[last + number + 1] = time.perf_counter()
            task = asyncio.create_task(send())
            sending.add(task)
            task.add_done_callback(sending.discard)
        await asyncio.sleep(2)
        watching.cancel()
    writing.cancel()
    return sorted(found)


def processor_seconds() -> dict[str, float]:
    """Processor time by kind of the processes that this one started; others of the machine may run the same programs."""
    ticks = os.sysconf("SC_CLK_TCK")
    parents: dict[int, int] = {}
    used: dict[int, tuple[str, float]] = {}
    for path in Path("/proc").iterdir():
        if path.name.isdigit():
            with contextlib.suppress(OSError):
                command = (path / "cmdline").read_text().split("\0")
                values = (path / "stat").read_text().rsplit(")", 1)[1].split()
                kind = _kind(command, (path / "comm").read_text().strip())
                parents[int(path.name)] = int(values[1])
                used[int(path.name)] = (kind, (int(values[11]) + int(values[12])) / ticks)
    found: dict[str, float] = {}
    for process, (kind, seconds) in used.items():
        if kind and _is_ours(process, parents):
            found[kind] = found.get(kind, 0.0) + seconds
    return found


def _is_ours(process: int, parents: Mapping[int, int]) -> bool:
    while process in parents:
        process = parents[process]
        if process == os.getpid():
            return True
    return False


def _kind(command: Sequence[str], program: str) -> str:
    if "headwater" in command and "profile" in command:
        return "worker"
    if program.startswith("nats-server"):
        return "nats"
    return "postgres" if program.startswith("postgres") else ""


class Engines:
    """The embedded engines as processes of this one."""

    def __init__(self, settings: Settings) -> None:
        endpoints.run_folder(settings).mkdir(parents=True)
        log_server, database_server = nats_server.prepare(settings), postgres.prepare(settings)
        self.urls = Endpoints(nats_url=log_server.url, database_url=database_server.url)
        self._running = [
            RunningProcess(spec, on_event=lambda _: None, on_line=lambda *_: None)
            for spec in (log_server.process, database_server.process)
        ]

    async def start(self) -> None:
        """Start and wait until both answer."""
        self._tasks = [asyncio.create_task(process.run()) for process in self._running]
        while True:
            try:
                await (await asyncpg.connect(self.urls.database_url)).close()
                await connection.close(await connection.connect(self.urls.nats_url, "bench"))
                return
            except (OSError, asyncpg.PostgresError, UnavailableError):
                await asyncio.sleep(0.05)

    async def stop(self) -> None:
        """Stop both."""
        for process in self._running:
            await process.stop()
        await asyncio.gather(*self._tasks)


async def run(sizes: Sequence[int], events: int, latency: bool) -> None:
    with tempfile.TemporaryDirectory(prefix="headwater-bench-") as folder:
        Path(folder).chmod(0o755)
        for size in sizes:
            settings = Settings(data_folder=f"{folder}/{size}")
            engines = Engines(settings)
            await engines.start()
            bench = Bench(settings, engines.urls)
            try:
                await bench.prepare()
                await bench.fill_profiles(size)
                for line in await lines(bench, size, events, latency and size == sizes[0]):
                    print(line, flush=True)
                await connection.close(bench.client)
                await bench.pool.close()
            finally:
                await engines.stop()


async def lines(bench: Bench, size: int, events: int, latency: bool) -> Iterator[str]:
    """The measures of one size as text."""
    speed = await measure_speed(bench, size, events)
    floor = await measure_floor(bench, events)
    parts = ", ".join(f"{name} {cost:.0f}" for name, cost in sorted(speed.processor.items()))
    found = [
        f"{size:>9,} profiles: {speed.events:,.0f} events/s, floor {floor:,.0f} rows/s, share {speed.events / floor:.2f}; "
        f"processor µs/event: {parts}, together {sum(speed.processor.values()):.0f}"
    ]
    if latency:
        times = await measure_latency(bench, size, 20)
        found.append(
            f"event to visible profile at {RATE}/s: p50 {times[len(times) // 2]:.0f} ms, "
            f"p99 {times[len(times) * 99 // 100]:.0f} ms of {len(times)}"
        )
    return iter(found)


def main() -> None:
    arguments = argparse.ArgumentParser(description="From the log to committed profiles.")
    arguments.add_argument("--profiles", type=int, nargs="+", default=[10_000, 1_000_000])
    arguments.add_argument("--events", type=int, default=EVENTS)
    arguments.add_argument("--no-latency", action="store_true")
    chosen = arguments.parse_args()
    asyncio.run(run(chosen.profiles, chosen.events, not chosen.no_latency))


if __name__ == "__main__":
    main()
