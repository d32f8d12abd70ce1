"""Bring the engines up to this version: database schema, streams, and what a first start creates.

Runs before any role, as a process of its own: the supervisor stays small.
"""

from __future__ import annotations

from typing import Any

from headwater.audiences import defaults as audience_defaults
from headwater.database import migrations
from headwater.database.pool import open_pool
from headwater.database.transactions import transaction
from headwater.engines import endpoints
from headwater.log import connection, streams
from headwater.pipelines import bootstrap, secrets
from headwater.profiles.store import generations
from headwater.profiles.versions import version_store
from headwater.roles.engines import connect_log
from headwater.settings import Settings

REACH_SECONDS = 30.0


async def prepare(settings: Settings) -> None:
    """Migrate, create streams and defaults. Safe to run again and from several machines at once."""
    engines = endpoints.resolve(settings)
    pool = await open_pool(engines.database_url, size=2)
    try:
        await migrations.migrate(engines.database_url)
        await bootstrap.create_defaults(pool, secrets.open_box(settings))
        await version_store.ensure_first(pool)
        await _first_profiles(pool)
        await audience_defaults.create_defaults(pool)
    finally:
        await pool.close()
    # Our own server may recover a large log for minutes; one that somebody else runs is there or it is not.
    limit_seconds = REACH_SECONDS if settings.nats_url else None
    client = await connect_log(engines.nats_url, "prepare", limit_seconds=limit_seconds)
    try:
        await streams.ensure(client, settings.log)
    finally:
        await connection.close(client)


async def _first_profiles(pool: Any) -> None:
    """Tables for profiles, made with the schema that is live."""
    async with transaction(pool) as database:
        version = await version_store.live(database)
        await generations.ensure_first(database, version.schema)
