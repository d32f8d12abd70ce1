"""The Complete Journey in a real install: replayed through the front door, and its sums compared with those that DuckDB makes of the data set."""

from __future__ import annotations

import subprocess
import sys
import time
from decimal import Decimal

import asyncpg
import duckdb

from headwater.demo.tables import installed_folder
from headwater.engines import endpoints
from headwater.settings import Settings
from install import Install

Sums = dict[str, tuple[int, Decimal]]
"""Baskets and spend by user id."""

_EXPECTED = """
SELECT 'household-' || household_id, count(DISTINCT basket_id), sum(CAST(sales_value AS DECIMAL(12, 2)))
FROM read_parquet($1)
WHERE household_id IN (SELECT DISTINCT household_id FROM read_parquet($1) ORDER BY household_id LIMIT $2)
GROUP BY household_id
"""
_STORED = """
SELECT fields->>'user_id' AS household, (fields->>'order_count')::int AS baskets, (fields->>'total_revenue')::numeric AS spend
FROM {namespace}.profiles WHERE fields ? 'order_count'
"""


def expected(households: int) -> Sums:
    """From the data set."""
    rows = duckdb.execute(_EXPECTED, [str(installed_folder() / "transactions.parquet"), households]).fetchall()
    return {household: (baskets, spend) for household, baskets, spend in rows}


def replay(install: Install, households: int, seconds: float) -> None:
    """Send the year of the households with the lowest ids to a pipeline with the built-in profiles."""
    install.run("pipeline", "create", "grocer")
    install.run("integration", "add", "profiles", "--slug", "built-in")
    install.run("pipeline", "attach", "grocer", "built-in")
    time.sleep(2.5)
    demo = ["demo", "--households", str(households), "--write-key", install.write_key("grocer")]
    subprocess.run([sys.executable, "-m", "headwater", *demo], env=install.environment, check=True, timeout=seconds)


async def stored(install: Install) -> Sums:
    """From the live profiles."""
    url = endpoints.resolve(Settings(data_folder=str(install.data))).database_url
    database = await asyncpg.connect(url)
    number = await database.fetchval("SELECT number FROM profile_generations WHERE state = 'live'")
    rows = await database.fetch(_STORED.replace("{namespace}", f"profiles_{number}"))
    await database.close()
    return {row["household"]: (row["baskets"], row["spend"]) for row in rows}
