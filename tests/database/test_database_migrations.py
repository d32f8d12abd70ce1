"""Building and updating the schema."""

import asyncio

import asyncpg
import pytest

from headwater.database import migrations
from headwater.database.migrations import Migration
from headwater.errors import ConfigurationError

ONE = Migration(1, "one", "CREATE TABLE one (a int)")
TWO = Migration(2, "two", "CREATE TABLE two (a int); INSERT INTO one VALUES (1)")


async def tables(url: str) -> set[str]:
    connection = await asyncpg.connect(url)
    try:
        rows = await connection.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        return {row["tablename"] for row in rows}
    finally:
        await connection.close()


async def test_each_migration_runs_once(database_url):
    """A second start runs only what is new."""
    assert await migrations.migrate(database_url, [ONE]) == (ONE,)
    assert await migrations.migrate(database_url, [ONE, TWO]) == (TWO,)
    assert await migrations.migrate(database_url, [ONE, TWO]) == ()
    assert await tables(database_url) == {"schema_migrations", "one", "two"}


async def test_processes_that_start_together_take_turns(database_url):
    """Of several processes one migrates, the others find the work done."""
    ran = await asyncio.gather(*(migrations.migrate(database_url, [ONE, TWO]) for _ in range(4)))
    assert sorted(map(len, ran)) == [0, 0, 0, 2]


async def test_a_failed_migration_leaves_nothing_behind(database_url):
    """A migration that fails halfway is rolled back; those before it stay."""
    broken = Migration(2, "broken", "CREATE TABLE half (a int); SELECT 1/0")
    with pytest.raises(asyncpg.DivisionByZeroError):
        await migrations.migrate(database_url, [ONE, broken])
    assert await tables(database_url) == {"schema_migrations", "one"}
    assert await migrations.migrate(database_url, [ONE, TWO]) == (TWO,)


async def test_a_database_of_a_newer_version_is_refused(database_url):
    """An older program does not touch a database that it cannot know."""
    await migrations.migrate(database_url, [ONE, TWO])
    with pytest.raises(ConfigurationError, match=r"newer Headwater \(migration 0002, this version knows up to 0001"):
        await migrations.migrate(database_url, [ONE])


async def test_an_edited_migration_is_refused(database_url):
    """A file that changed after it ran is noticed by its checksum."""
    await migrations.migrate(database_url, [ONE])
    with pytest.raises(ConfigurationError, match="0001_one differs"):
        await migrations.migrate(database_url, [ONE._replace(sql="CREATE TABLE one (b int)")])


async def test_a_role_can_ask_whether_the_schema_is_its_own(database_url):
    """`require_migrated` says what to do when migrations are missing, and is silent afterwards."""
    with pytest.raises(ConfigurationError, match="headwater up"):
        await migrations.require_migrated(database_url)
    await migrations.migrate(database_url)
    await migrations.require_migrated(database_url)


def test_a_number_is_used_once():
    """Two files with one number have no order, so they are refused."""
    with pytest.raises(ConfigurationError, match="number 1 is taken"):
        migrations.ordered({"0001_a.sql": "", "0001_b.sql": ""})


def test_a_migration_has_number_and_title():
    """A file whose name has no number would have no place in the order."""
    with pytest.raises(ConfigurationError, match="NNNN_title"):
        migrations.ordered({"first.sql": ""})
