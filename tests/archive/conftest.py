"""An archive over real engines: a log and a database of the test's own."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from archive_bench import PARTITIONS, Bench

from headwater.archive import archiver as archiver_module
from headwater.archive.object_store import ObjectStore
from headwater.archive.stores import FolderStore, Store
from headwater.database import migrations
from headwater.database.pool import open_pool
from headwater.log import connection, streams
from headwater.settings import LogSettings


@pytest.fixture
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    """A folder, or what a test asks for with BOTH_STORES."""
    if getattr(request, "param", "folder") == "folder":
        return FolderStore(tmp_path / "archive")
    return ObjectStore("memory:///", tmp_path / "staging")


@pytest.fixture
async def bench(
    nats_url: str, database_url: str, store: Store, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Bench]:
    monkeypatch.setattr(archiver_module, "POLL_SECONDS", 0.05)
    monkeypatch.setattr(archiver_module, "TIDY_SECONDS", 0.0)
    await migrations.migrate(database_url)
    client = await connection.connect(nats_url, "test")
    await streams.ensure(client, LogSettings(partitions=PARTITIONS))
    pool = await open_pool(database_url, size=4)
    yield Bench(client, pool, store)
    await pool.close()
    await connection.close(client)
