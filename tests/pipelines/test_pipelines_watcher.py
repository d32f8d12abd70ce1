"""Following the configuration."""

import asyncio

import pytest

from headwater.database import migrations
from headwater.pipelines import deployment_store, integration_store, pipeline_store, snapshot, token_store
from headwater.pipelines.changes import change
from headwater.pipelines.objects import RevisionContent
from headwater.pipelines.watcher import SnapshotWatcher

CONTENT = RevisionContent(kit="webhook", texts={"playbook.yaml": "version: 1.0.0\n"})
LIMIT_SECONDS = 2.0


async def newer(watcher: SnapshotWatcher, version: int) -> snapshot.ConfigurationSnapshot:
    """The first snapshot after `version`, within the promised time."""
    async with asyncio.timeout(LIMIT_SECONDS):
        async for found in watcher.changes():
            if found.version > version:
                return found
    raise AssertionError


async def test_a_change_reaches_a_process_within_two_seconds(pool, database_url):
    """A new pipeline, its key, its attachment and a token are all there, of one version."""
    async with SnapshotWatcher(database_url) as watcher:
        await watcher.wait_ready(LIMIT_SECONDS)
        before = watcher.snapshot
        async with change(pool, "test") as made:
            pipeline = await pipeline_store.create(made, name="Web", allowed_origins=("https://a.example",))
            key = await pipeline_store.add_write_key(made, pipeline)
            integration = await integration_store.create(made, name="Hook")
            await integration_store.save(made, integration, CONTENT)
            await deployment_store.attach(made, pipeline, integration)
            token = await token_store.create(made, name="CI", scopes=["data"])
        after = await newer(watcher, before.version)
        assert after.version == before.version + 1
        source = watcher.by_write_key(key)
        assert source is not None
        assert (source.pipeline_id, source.enabled, source.allowed_origins) == (
            pipeline.id,
            True,
            ("https://a.example",),
        )
        assert watcher.by_write_key("other") is None
        grant = watcher.token(token.raw)
        assert grant is not None
        assert grant.scopes == {"data"}
        assert watcher.token(token.raw + "x") is None
        (attached,) = after.attached_to(pipeline.id)
        assert attached.revision.content == CONTENT
        assert len(watcher.account_ids) == 1


async def test_a_lost_notification_is_made_up_for(pool, database_url):
    """The version is looked at every second, whoever raised it and however quietly."""
    async with SnapshotWatcher(database_url) as watcher:
        await watcher.wait_ready(LIMIT_SECONDS)
        await pool.execute("UPDATE installation SET configuration_version = 7")
        assert (await newer(watcher, 0)).version == 7


async def test_a_revoked_token_ends(pool, database_url):
    """A token that was revoked is unknown to every process within 2 seconds."""
    async with change(pool, "test") as made:
        token = await token_store.create(made, name="CI", scopes=["data"])
    async with SnapshotWatcher(database_url) as watcher:
        await watcher.wait_ready(LIMIT_SECONDS)
        assert watcher.token(token.raw) is not None
        async with change(pool, "test") as made:
            await token_store.revoke(made, token.token.id)
        await newer(watcher, watcher.snapshot.version)
        assert watcher.token(token.raw) is None


async def test_an_outage_keeps_the_last_snapshot_and_ends_by_itself(pool, database_url):
    """While the connection is gone the old one answers; changes made meanwhile arrive afterwards."""
    async with SnapshotWatcher(database_url) as watcher:
        await watcher.wait_ready(LIMIT_SECONDS)
        before = watcher.snapshot.version
        await pool.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        await asyncio.sleep(0.1)
        assert watcher.snapshot.version == before
        assert watcher.ready
        async with change(pool, "test") as made:
            await pipeline_store.create(made, name="Web")
        assert (await newer(watcher, before)).pipelines[0].slug == "web"
        assert watcher.connected


async def test_a_watcher_may_start_before_the_schema(database_url):
    """A process that starts first is not ready, and becomes ready without help."""
    async with SnapshotWatcher(database_url, poll_seconds=0.1) as watcher:
        with pytest.raises(TimeoutError):
            await watcher.wait_ready(0.3)
        assert not watcher.ready
        await migrations.migrate(database_url)
        await watcher.wait_ready(LIMIT_SECONDS)


async def test_a_revision_is_read_once(pool, database_url):
    """The next snapshot carries on the revision values that the one before holds; nothing changed reads nothing."""
    async with change(pool, "test") as made:
        pipeline = await pipeline_store.create(made, name="Web")
        integration = await integration_store.create(made, name="Hook")
        await integration_store.save(made, integration, CONTENT)
        await deployment_store.attach(made, pipeline, integration)
    async with pool.acquire() as connection:
        first = await snapshot.load(connection)
        assert await snapshot.load(connection, first) is first
        async with change(pool, "test") as made:
            await pipeline_store.create(made, name="Other")
        second = await snapshot.load(connection, first)
    assert second.attachments[0].revision is first.attachments[0].revision
