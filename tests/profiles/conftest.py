"""What the tests of this room share.

Property tests here hold laws, not times: on a busy machine a slow example is no failure.
"""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from hypothesis import settings

from headwater.database import migrations
from headwater.database.pool import open_pool
from headwater.profiles.versions import version_store

settings.register_profile("no deadline", deadline=None)
settings.load_profile("no deadline")


@pytest.fixture
async def schema_pool(database_url: str) -> AsyncIterator[Any]:
    """A migrated database whose first schema version is the default one."""
    await migrations.migrate(database_url)
    opened = await open_pool(database_url)
    await version_store.ensure_first(opened)
    yield opened
    await opened.close()
