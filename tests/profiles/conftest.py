"""What the tests of this room share."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from running_profiles import Running, opened

from headwater.database import migrations
from headwater.database.pool import open_pool
from headwater.profiles.versions import version_store


@pytest.fixture
async def schema_pool(database_url: str) -> AsyncIterator[Any]:
    """A migrated database whose first schema version is the default one."""
    await migrations.migrate(database_url)
    opened = await open_pool(database_url)
    await version_store.ensure_first(opened)
    yield opened
    await opened.close()


@pytest.fixture
async def running(database_url: str, nats_url: str, tmp_path: Path) -> AsyncIterator[Running]:
    """A log, a database, and workers that can be started and ended."""
    async with opened(database_url, nats_url, tmp_path) as made:
        yield made
