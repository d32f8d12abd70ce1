"""What the tests of this room share: a migrated database."""

import pytest

from headwater.database import migrations
from headwater.database.pool import open_pool


@pytest.fixture
async def pool(database_url):
    """A pool on a fresh database with the newest schema."""
    await migrations.migrate(database_url)
    opened = await open_pool(database_url)
    yield opened
    await opened.close()
