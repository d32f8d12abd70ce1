"""A running admin API on real engines."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

import httpx
import pytest

from headwater.api.application import create_app
from headwater.api.ports import Services
from headwater.api.profile_services import profile_services
from headwater.audiences import defaults as audience_defaults
from headwater.database import migrations
from headwater.database.pool import open_pool
from headwater.database.transactions import transaction
from headwater.log import connection, streams
from headwater.log.writer import LogWriter
from headwater.pipelines import token_store
from headwater.pipelines.changes import change
from headwater.pipelines.secrets import SecretBox
from headwater.pipelines.watcher import SnapshotWatcher
from headwater.profiles.store import generations
from headwater.profiles.versions import version_store
from headwater.routing.dead_letter_desk import DeadLetterDesk
from headwater.routing.dead_letters import DeadLetterStore
from headwater.settings import LogSettings, Settings


class RunningApi(NamedTuple):
    """The application, its services, and a token for each scope."""

    app: Any
    services: Services
    tokens: dict[str, str]

    def client(self, scope: str | None = "admin") -> httpx.AsyncClient:
        """A client whose token has this scope; None sends no token."""
        headers = {} if scope is None else {"Authorization": self.tokens[scope]}
        transport = httpx.ASGITransport(app=self.app, raise_app_exceptions=False)
        return httpx.AsyncClient(transport=transport, base_url="http://headwater/api/v1", headers=headers)


@asynccontextmanager
async def running_api(database_url: str, nats_url: str) -> AsyncIterator[RunningApi]:
    """The API with a token for each scope."""
    await migrations.migrate(database_url)
    pool = await open_pool(database_url)
    await version_store.ensure_first(pool)
    async with transaction(pool) as database:
        await generations.ensure_first(database, (await version_store.live(database)).schema)
    await audience_defaults.create_defaults(pool)
    client = await connection.connect(nats_url, "test")
    await streams.ensure(client, LogSettings())
    writer = LogWriter(client)
    writing = asyncio.create_task(writer.run())
    async with change(pool, "test") as made:
        tokens = {
            scope: (await token_store.create(made, name=scope, scopes=[scope])).raw for scope in token_store.SCOPES
        }
    async with SnapshotWatcher(database_url) as watcher:
        await watcher.wait_ready(5)
        desk = DeadLetterDesk(DeadLetterStore(pool), writer)
        services = Services(pool, watcher, SecretBox(b"k" * 32), desk, profile_services(pool, client, Settings()))
        yield RunningApi(create_app(services), services, tokens)
    writing.cancel()
    await connection.close(client)
    await pool.close()


@pytest.fixture
async def api(database_url, nats_url) -> AsyncIterator[RunningApi]:
    """The API on a fresh database."""
    async with running_api(database_url, nats_url) as running:
        yield running


@pytest.fixture
def api_factory(database_url, nats_url):
    """Makes the API in the loop of whoever enters it."""
    return lambda: running_api(database_url, nats_url)
