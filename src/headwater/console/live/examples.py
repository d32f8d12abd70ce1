"""Real events that people keep to try mappings on."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec

from headwater.database.queries import load
from headwater.errors import InputError
from headwater.pipelines.objects import Pipeline

QUERIES = load("headwater.console.live")
LIMIT = 200
TITLE_CHARACTERS = 100


class Example(msgspec.Struct, frozen=True):
    """A kept event; `pipeline` is the slug of its pipeline."""

    id: int
    pipeline_id: str
    pipeline: str
    title: str
    event: dict[str, Any]
    created_at: datetime
    created_by: str


async def every(connection: Any, pipeline: Pipeline | None = None) -> list[Example]:
    """The newest LIMIT examples of a pipeline, or of all."""
    rows = await connection.fetch(QUERIES["examples"], None if pipeline is None else pipeline.id, LIMIT)
    return [Example(**row) for row in rows]


async def keep(
    connection: Any, pipeline: Pipeline, *, title: str, event: dict[str, Any], sequence: int, actor: str
) -> int:
    """Keep an event under a title. Raises InputError for a title that is none, and for the record of a deleted person."""
    clean = title.strip()
    if not clean or len(clean) > TITLE_CHARACTERS:
        raise InputError(f"write what it shows, in at most {TITLE_CHARACTERS} characters", "title")
    number = await connection.fetchval(QUERIES["insert_example"], pipeline.id, clean, event, sequence, actor)
    if number is None:
        raise InputError("the person was deleted; keep another event", "title", code="conflict")
    return int(number)


async def delete(connection: Any, example_id: int) -> str:
    """Delete an example; its title. Raises InputError with the code "not_found"."""
    title = await connection.fetchval(QUERIES["delete_example"], example_id)
    if title is None:
        raise InputError(f"there is no example {example_id}", "example", code="not_found")
    return str(title)
