"""What the commands that read and change the configuration share: a session with the database, and their output."""

from __future__ import annotations

import getpass
import os
import sys
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

import msgspec
from rich.console import Console
from rich.table import Table
from rich.text import Text

from headwater import settings as settings_module
from headwater.database import migrations
from headwater.database.pool import open_pool
from headwater.engines import endpoints
from headwater.errors import UnavailableError
from headwater.pipelines import secrets
from headwater.pipelines.secrets import SecretResolver
from headwater.settings import Settings

START_LIMIT_SECONDS = 5.0
UNFOLDED_COLUMNS = 10_000
"""As wide as a table may become in a file or a pipe, where its lines are searched and cut."""


class Session(NamedTuple):
    """A command's access to the configuration."""

    pool: Any
    settings: Settings
    resolver: SecretResolver
    actor: str


@asynccontextmanager
async def session() -> AsyncIterator[Session]:
    """Reach the database of this install. Raises ConfigurationError when it is not running or not migrated."""
    settings = settings_module.load()
    url = settings.database_url or endpoints.resolve(settings).database_url
    try:
        await migrations.require_migrated(url)
        pool = await open_pool(url, size=2, start_limit_seconds=START_LIMIT_SECONDS)
    except UnavailableError as fault:
        # An install that was killed leaves its addresses behind: to people it is simply not running.
        raise UnavailableError(f"{fault}; if Headwater is not running, start it with `headwater up`") from fault
    try:
        yield Session(pool, settings, secrets.resolver(settings), f"cli {getpass.getuser()}")
    finally:
        await pool.close()


def write_json(value: Any) -> None:
    """Print one JSON value for a script."""
    sys.stdout.write(msgspec.json.format(msgspec.json.encode(value)).decode() + "\n")


def write_table(title: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Print a table for people; texts are shown as they are, never as markup. Lines are folded on a terminal only."""
    table = Table(title=title, title_justify="left", header_style="bold", box=None, pad_edge=False)
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*(Text(str(value)) for value in row))
    console = Console()
    if not console.is_terminal and "COLUMNS" not in os.environ:
        console.width = console.measure(table, options=console.options.update(max_width=UNFOLDED_COLUMNS)).maximum
    console.print(table)


def write_line(text: str) -> None:
    """Print one line for people."""
    Console().print(text, markup=False, highlight=False, soft_wrap=True)
