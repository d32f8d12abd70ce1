"""Connections and which of their faults pass."""

import time
from decimal import Decimal

import asyncpg
import pytest

from headwater.database.pool import open_connection, open_pool
from headwater.database.transactions import transaction
from headwater.errors import ConfigurationError, TransientError, UnavailableError

NOBODY_LISTENS = "postgresql://postgres:s3cret@127.0.0.1:1/x"


async def test_a_server_that_is_away_is_waited_for_and_then_reported():
    """The wait ends, the error may be retried, and it never repeats the password."""
    started = time.monotonic()
    with pytest.raises(UnavailableError) as caught:
        await open_pool(NOBODY_LISTENS, start_limit_seconds=0.5)
    assert 0.1 <= time.monotonic() - started < 3
    assert "s3cret" not in str(caught.value)


async def test_an_unknown_database_is_for_a_person(database_url):
    """A wrong name does not become right by waiting."""
    with pytest.raises(ConfigurationError, match="database_url"):
        await open_pool(database_url + "_missing", start_limit_seconds=30)


async def test_a_url_of_something_else_is_for_a_person():
    """A malformed URL is reported without being repeated."""
    with pytest.raises(ConfigurationError, match="not a PostgreSQL URL"):
        await open_connection("mysql://root:s3cret@127.0.0.1/x")


async def test_json_keeps_its_numbers(database_url):
    """What a double cannot hold comes back digit for digit."""
    connection = await open_connection(database_url)
    value = {"big": 2**70, "exact": Decimal("0.12345678901234567890"), "plain": 1.5, "text": "é\U0001f600"}
    assert await connection.fetchval("SELECT $1::jsonb", value) == value
    assert await connection.fetchval("SELECT $1::json", value) == value
    await connection.close()


async def test_a_statement_that_takes_too_long_may_be_tried_again(database_url):
    """The server ends it, the connection goes on."""
    pool = await open_pool(database_url, statement_limit_seconds=0.1)
    with pytest.raises(TransientError):
        async with transaction(pool) as connection:
            await connection.execute("SELECT pg_sleep(5)")
    async with transaction(pool) as connection:
        assert await connection.fetchval("SELECT 1") == 1
    await pool.close()


async def test_a_broken_connection_may_be_tried_again(database_url):
    """A server that ends the session is reported as unavailable, and the next transaction gets a new connection."""
    pool = await open_pool(database_url, size=1)
    with pytest.raises(UnavailableError):
        async with transaction(pool) as connection:
            await connection.execute("SELECT pg_terminate_backend(pg_backend_pid())")
    async with transaction(pool) as connection:
        assert await connection.fetchval("SELECT 1") == 1
    await pool.close()


async def test_a_faulty_statement_stays_what_it_is(database_url):
    """Our own mistakes are not retried: they keep the driver's class."""
    pool = await open_pool(database_url, size=1)
    with pytest.raises(asyncpg.PostgresSyntaxError):
        async with transaction(pool) as connection:
            await connection.execute("SELEC 1")
    with pytest.raises(asyncpg.DataError):
        async with transaction(pool) as connection:
            await connection.fetchval("SELECT $1::int", "a")
    await pool.close()


async def test_a_read_only_transaction_sees_one_state(database_url):
    """What others commit in between is not seen, and nothing can be written."""
    pool = await open_pool(database_url, size=2)
    await pool.execute("CREATE TABLE t (a int)")
    async with transaction(pool, read_only=True) as connection:
        assert await connection.fetchval("SELECT count(*) FROM t") == 0
        await pool.execute("INSERT INTO t VALUES (1)")
        assert await connection.fetchval("SELECT count(*) FROM t") == 0
    with pytest.raises(asyncpg.ReadOnlySQLTransactionError):
        async with transaction(pool, read_only=True) as connection:
            await connection.execute("INSERT INTO t VALUES (2)")
    await pool.close()
