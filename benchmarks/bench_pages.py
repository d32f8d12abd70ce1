"""How long the server takes for each page of the console when there is much: a million profiles, ten million archived events.

    python -m benchmarks.bench_pages [--profiles 1000000] [--events 10000000]

Profiles, their messages, memberships of audiences and the files of the archive are written as the roles would have written them; then an
install starts on that data folder, somebody signs in, and every page is asked for several times. What a page loads by itself afterwards
because it takes its time is listed as a part.
"""

# ruff: noqa: S608  # names of generations are our own; nothing else runs while folders are made
from __future__ import annotations

import argparse
import asyncio
import re
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import msgspec
import orjson

from benchmarks.bench_audiences import create_all, filters
from benchmarks.bench_profiles import Bench, Engines
from headwater.archive import manifest, storing
from headwater.archive.files import Place
from headwater.archive.parquet import FileWriter, table_of
from headwater.archive.rows import Row
from headwater.archive.stores import Store, open_store
from headwater.audiences import tables
from headwater.database.pool import open_connection
from headwater.database.transactions import transaction
from headwater.events import RecordMeta
from headwater.log import streams
from headwater.profiles.store.bodies import component_from
from headwater.settings import Settings

sys.path.append(str(Path(__file__).parents[1] / "tests"))

from install import Install  # needs the path above

FILES = 20
ROWS_AT_ONCE = 5_000
AUDIENCES = 50
RARE_MEMBERS = 40
TRIES = 7
PARTS = (
    "/audiences/bench_3/members/found",
    "/audiences/rare/members/found",
    "/audiences/bench_3/overlap/shared?with=bench_4",
    "/audiences/builder/values?field=utm_source",
)
"""What pages load by themselves because it may take its time."""
PASSWORD = "words of the benchmark"  # noqa: S105  # of an install that lives for minutes


async def fill(settings: Settings, profiles: int, events: int) -> str:
    """Write everything; the id of a profile."""
    engines = Engines(settings)
    await engines.start()
    bench = Bench(settings, engines.urls)
    try:
        await bench.prepare()
        await bench.fill_profiles(profiles)
        print(f"{profiles:,} profiles", flush=True)
        database = await open_connection(engines.urls.database_url, statement_limit_seconds=3600)
        await _fill_messages(database, bench.generation.namespace, profiles, events)
        await _fill_audiences(bench, database, profiles)
        await _fill_archive(bench, open_store(settings), events)
        await bench.client.jsm().purge_stream(streams.MAIN, seq=events + 1)
        await database.execute(f"UPDATE {bench.generation.namespace}.positions SET sequence = $1", events)
        await database.execute("VACUUM ANALYZE")
        await database.execute("CHECKPOINT")
        body = await database.fetchval(f"SELECT body FROM {bench.generation.namespace}.components LIMIT 1")
        return str(next(each.value for each in component_from(body).seen if each.type == "user_id"))
    finally:
        await engines.stop()


async def _fill_messages(database: Any, names: str, profiles: int, events: int) -> None:
    """Messages of the last thirty days, one after the other of everybody."""
    first = int((datetime.now(UTC) - timedelta(days=30)).timestamp() * 1000)
    step = 30 * 86_400_000 / events
    await database.execute(
        f"CREATE TEMP TABLE people AS SELECT row_number() OVER () - 1 AS n, id FROM {names}.fragments"
    )
    await database.execute(
        f"INSERT INTO {names}.messages (key, fragment, at, sequence, stream, name) "
        "SELECT md5(g::text)::uuid, p.id, $1 + (g * $2::float8)::bigint, g, 'default', "
        "(ARRAY['Product Viewed','Product Added','Order Completed','Signed In'])[1 + g % 4] "
        "FROM generate_series(1, $3::bigint) AS g JOIN people p ON p.n = g % $4::bigint",
        first,
        step,
        events,
        profiles,
    )
    print(f"{events:,} messages", flush=True)


async def _fill_audiences(bench: Bench, database: Any, profiles: int) -> None:
    """Everybody is in about ten of the audiences, RARE_MEMBERS in the last one."""
    names = bench.generation.namespace
    await create_all(bench.pool, [*filters(AUDIENCES - 1), "FILTER order_count > 9999 ALIAS rare"])
    await bench.pool.execute("UPDATE audience_fills SET finished = now()")
    async with database.transaction():
        await tables.ensure(database, bench.generation.number)
    numbers = [row["number"] for row in await database.fetch("SELECT number FROM audiences ORDER BY number")]
    await database.execute(
        f"INSERT INTO {names}.memberships SELECT id, "
        "(SELECT array_agg(a ORDER BY a) FROM unnest($1::integer[]) AS a WHERE (a * 7 + n * (1 + a % 11)) % 5 = 0), NULL "
        f"FROM (SELECT id, row_number() OVER () AS n FROM {names}.profiles) AS p",
        numbers[:-1],
    )
    await database.execute(
        f"UPDATE {names}.memberships SET audiences = audiences || $1::integer WHERE profile_id IN "
        f"(SELECT id FROM {names}.profiles ORDER BY md5(id::text) LIMIT $2)",
        numbers[-1],
        RARE_MEMBERS,
    )
    await database.execute(
        f"INSERT INTO {names}.transitions SELECT profile_id, audiences[1], now() - random() * interval '30 days', true, "
        f'\'{{"cause": "profile"}}\' FROM {names}.memberships ORDER BY random()'
    )
    await database.execute(
        f"INSERT INTO {names}.audience_sizes SELECT a, count(*) FROM {names}.memberships, unnest(audiences) AS a GROUP BY a "
        "ON CONFLICT (audience) DO UPDATE SET members = excluded.members"
    )
    print(f"{len(numbers)} audiences over {profiles:,} profiles", flush=True)


async def _fill_archive(bench: Bench, store: Store, events: int) -> None:
    """Real files, a day each, whose last record is the last one of the log."""
    staged = [_file(bench.pipeline, store, number, events // FILES) for number in range(FILES)]
    entries = await storing.put(bench.pool, store, staged)
    async with transaction(bench.pool) as connection:
        await manifest.add_files(connection, entries)
        await manifest.move_position(connection, 0, events)
    print(f"{events:,} archived events", flush=True)


def _file(pipeline: str, store: Store, number: int, rows: int) -> storing.Staged:
    moment = datetime.now(UTC) - timedelta(days=30 - number)
    received = moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    writer = FileWriter(storing.staging_path(store))
    for start in range(number * rows + 1, (number + 1) * rows + 1, ROWS_AT_ONCE):
        sequences = range(start, min(start + ROWS_AT_ONCE, (number + 1) * rows + 1))
        writer.write(table_of([_row(pipeline, each, moment, received) for each in sequences]))
    content = writer.close()
    assert content is not None
    return storing.Staged(Place(moment.date(), "event", pipeline), writer.path, content)


def _row(pipeline: str, sequence: int, moment: datetime, received: str) -> Row:
    user, message = f"user-{sequence % 1000}", f"old-{sequence}"
    event = {"type": "track", "event": "Product Viewed", "messageId": message, "userId": user, "timestamp": received,
             "properties": {"product_id": f"p-{sequence % 500}", "price": 12.5}}  # fmt: skip
    meta = msgspec.json.encode(RecordMeta("event", pipeline, message, user, received))
    return Row(sequence, moment, "event", pipeline, message, user, moment, moment, "track", "Product Viewed", user, None,
               orjson.dumps(event), meta)  # fmt: skip


# --- pages


class Asked(NamedTuple):
    """A page or a part of one, and how many milliseconds the server took for it."""

    path: str
    middle: float
    most: float
    status: int


async def measure(install: Install, user: str) -> list[Asked]:
    """Ask for every page."""
    async with httpx.AsyncClient(
        base_url=install.admin_url, timeout=60, headers={"Sec-Fetch-Site": "same-origin"}
    ) as client:
        await _sign_in(install, client)
        found = (await client.get("/profiles", params={"q": user}, follow_redirects=True)).text
        profile = re.search(r"/profiles/([0-9a-f]{32})", found)
        assert profile is not None, found[:2000]
        return [await _asked(client, path) for path in _paths(profile[0], user)]


def _paths(profile: str, user: str) -> list[str]:
    audiences = [f"/audiences/{slug}{part}" for slug in ("bench_3", "rare")
                 for part in ("", "/members", "/overlap", "/activation", "/edit", f"/why?q={user}")]  # fmt: skip
    return [
        *("/", "/?range=month", "/live", "/live/refused", "/pipelines", "/pipelines/default", "/pipelines/default/sources"),
        *("/integrations", "/integrations/library", "/integrations/lytics", "/integrations/lytics/mapping"),
        *("/deliveries", "/deliveries/attempts", "/deliveries/dead", "/deliveries/runs", "/profiles", f"/profiles/found?q={user}"),
        *(profile, f"{profile}/timeline", f"{profile}/identity", "/audiences", "/new/audience"),
        *audiences,
        *("/schema", "/schema/ranks", "/schema/aliases", "/schema/blocked", "/schema/versions", "/schema/draft", "/schema/unmapped"),
        *("/schema/fields/email", "/settings", "/settings/people", "/settings/tokens", "/settings/secrets", "/settings/audit"),
        *PARTS,
    ]  # fmt: skip


async def _sign_in(install: Install, client: httpx.AsyncClient) -> None:
    deadline = time.monotonic() + 30
    while (link := re.search(r"http\S+(/welcome/\S+)", install.log.read_text())) is None:
        assert time.monotonic() < deadline, install.log.read_text()
        await asyncio.sleep(0.2)
    form = {"name": "Ann", "email": "ann@example.com", "password": PASSWORD}
    reply = await client.post(link[1], data=form, headers={"Origin": install.admin_url})
    assert reply.status_code < 400, reply.text


async def _asked(client: httpx.AsyncClient, path: str) -> Asked:
    spans: list[float] = []
    for _ in range(TRIES):
        begun = time.perf_counter()
        reply = await client.get(path)
        spans.append(1000 * (time.perf_counter() - begun))
    spans.sort()
    return Asked(path, spans[len(spans) // 2], spans[-1], reply.status_code)


def main() -> None:
    """Fill, start, ask, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--profiles", type=int, default=1_000_000)
    parser.add_argument("--events", type=int, default=10_000_000)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="headwater-bench-") as folder:
        Path(folder).chmod(0o755)
        data = Path(folder) / "data"
        user = asyncio.run(fill(Settings(data_folder=str(data)), chosen.profiles, chosen.events))
        install = Install(data, {})
        install.start()
        try:
            found = asyncio.run(measure(install, user))
        finally:
            install.stop()
    for each in sorted(found, key=lambda one: -one.middle):
        kind = "part" if each.path in PARTS else "page"
        print(f"{each.middle:7.0f} ms  most {each.most:7.0f} ms  {each.status}  {kind}  {each.path}")


if __name__ == "__main__":
    main()
