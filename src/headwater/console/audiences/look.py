"""A look at a draft: how many it would hold, and some of them, within a time limit whatever the filter is."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any, NamedTuple

from headwater.audiences import estimates
from headwater.audiences.catalog import load_catalog
from headwater.audiences.estimates import Size
from headwater.audiences.members import selected_page
from headwater.console.audiences.people import Sample, sample_of
from headwater.database.transactions import transaction
from headwater.errors import TransientError, UnavailableError
from headwater.profiles.store import generations

SAMPLE = 5
QUICK_SECONDS = 0.3
EXACT_SECONDS = 20.0
"""How long an exact count, or finding some of the people, may take; after that the estimate stands."""


class Look(NamedTuple):
    """What a look saw. `sample` None: nobody was found in the time there was. `is_late`: counting took too long."""

    size: Size
    sample: Sample | None
    is_late: bool


async def look_at(pool: Any, text: str, *, exact: bool) -> Look:
    """Look at a filter; `exact` takes longer. Raises InputError for a text that cannot be an audience."""
    async with transaction(pool, read_only=True) as connection:
        catalog = await load_catalog(connection)
        definition = catalog.define(text)
        size = await estimates.estimate(connection, catalog.select(definition.tree, datetime.now(UTC)))
    is_late = False
    if exact and not size.exact:
        counted = await _count(pool, text)
        size, is_late = (size, True) if counted is None else (counted, False)
    sample = None if is_late else await _sample(pool, text, EXACT_SECONDS if exact else QUICK_SECONDS)
    return Look(size, sample, is_late)


async def _count(pool: Any, text: str) -> Size | None:
    found: list[Size] = []
    async with _limited(pool, EXACT_SECONDS) as connection:
        catalog = await load_catalog(connection)
        chosen = catalog.select(catalog.define(text).tree, datetime.now(UTC))
        found.append(await estimates.exact(connection, chosen))
    return found[0] if found else None


async def _sample(pool: Any, text: str, seconds: float) -> Sample | None:
    found: list[Sample] = []
    async with _limited(pool, seconds) as connection:
        catalog = await load_catalog(connection)
        tree = catalog.define(text).tree
        chosen = catalog.select(tree, datetime.now(UTC))
        members = (await selected_page(connection, chosen, limit=SAMPLE)).members
        schema = (await generations.live(connection)).schema
        found.append(sample_of(members, tree, catalog, schema))
    return found[0] if found else None


@asynccontextmanager
async def _limited(pool: Any, seconds: float) -> AsyncIterator[Any]:
    """A transaction that is given up, without a word, when its statements or all of it take too long."""
    try:
        async with asyncio.timeout(2 * seconds), transaction(pool, read_only=True) as connection:
            await connection.execute(f"SET LOCAL statement_timeout = {round(seconds * 1000)}")
            yield connection
    except UnavailableError:
        raise
    except (TransientError, TimeoutError):
        return
