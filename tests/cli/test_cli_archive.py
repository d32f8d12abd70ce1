"""`headwater archive` on a real archive."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Awaitable, Callable
from pathlib import Path

import duckdb
import pytest

from headwater import settings as settings_module
from headwater.archive.archiver import Archiver
from headwater.archive.stores import open_store
from headwater.cli.archive_export import export
from headwater.cli.archive_reports import check, show
from headwater.errors import InputError
from headwater.settings import ArchiveSettings

Output = Callable[[Awaitable[None]], Awaitable[str]]

TOTAL = b"123456789012345678901234567890.10"


@pytest.fixture
async def archived(install):
    """Two events and a record of a stream, in files."""
    await install.append("m1", b'{"type":"track","event":"Paid","properties":{"total":%s}}' % TOTAL)
    await install.append("m2", b'{"type":"identify","traits":{"name":"Zo\xc3\xab"}}')
    await install.append_to_stream("crm", "r1", b'{"n":1}')
    archiver = Archiver(
        install.client, install.pool, open_store(settings_module.load()), ArchiveSettings(idle_seconds=0.01)
    )
    working = asyncio.create_task(archiver.run())
    async with asyncio.timeout(20):
        while archiver.position < 3:
            await asyncio.sleep(0.02)
    working.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await working
    return install


async def test_days_and_sources_are_listed(archived, output: Output) -> None:
    """Pipelines by their slugs, with records and files; as JSON for scripts."""
    shown = await output(show())
    assert "up to record 3" in shown
    assert [line.split()[:5] for line in shown.splitlines() if line.startswith("2026-03-01")] == [
        ["2026-03-01", "event", "web", "2", "1"],
        ["2026-03-01", "stream", "crm", "1", "1"],
    ]
    assert json.loads(await output(show(json=True, until="2026-02-28"))) == {"position": 3, "days": [], "gaps": []}


async def test_a_faulty_archive_ends_the_check_with_1(archived, output: Output, tmp_path: Path) -> None:
    """A whole one is called whole; a lost file is named, and scripts see the exit code."""
    assert "unchanged" in await output(check())
    (lost,) = (tmp_path / "archive").rglob("*/stream/*/*.parquet")
    lost.unlink()
    with pytest.raises(SystemExit) as ended:
        await check()
    assert ended.value.code == 1


async def test_exported_lines_have_every_digit(archived, output: Output) -> None:
    """JSON lines are the log's own texts, in order, chosen by the options."""
    lines = (await output(export())).encode().splitlines()
    assert [json.loads(line)["meta"]["message_id"] for line in lines] == ["m1", "m2", "r1"]
    assert b'"total":' + TOTAL in lines[0]
    assert "Zoë" in (await output(export(pipeline="web", type="identify")))
    assert json.loads(await output(export(stream="crm")))["data"] == {"n": 1}
    assert await output(export(until="1h")) == ""


async def test_answers_in_sql_are_exported_in_every_format(archived, output: Output, tmp_path: Path) -> None:
    """The view has the columns of the files; Parquet goes into a file only."""
    query = "SELECT type, count(*) AS n FROM archive WHERE type IS NOT NULL GROUP BY type ORDER BY type"
    assert await output(export(sql=query, format="csv")) == "type,n\nidentify,1\ntrack,1\n"
    assert json.loads((await output(export(sql=query))).splitlines()[0]) == {"type": "identify", "n": 1}
    await export(sql=query, format="parquet", output=tmp_path / "n.parquet")
    assert duckdb.read_parquet(str(tmp_path / "n.parquet")).fetchall() == [("identify", 1), ("track", 1)]
    with pytest.raises(InputError, match="--output"):
        await export(format="parquet")
    with pytest.raises(InputError, match="--sql"):
        await export(sql="SELECT nothing FROM archive", format="csv")
