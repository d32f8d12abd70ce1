"""What a first start creates: the pipeline that entries and exits go to, and audiences that everybody asks about."""

from __future__ import annotations

from typing import Any

from headwater.audiences import store
from headwater.audiences.statements import QUERIES
from headwater.audiences.store import Draft
from headwater.errors import InputError
from headwater.pipelines import pipeline_store
from headwater.pipelines.audience_choice import PIPELINE
from headwater.pipelines.changes import Change, change

ACTOR = "first start"

DEFAULTS: tuple[tuple[str, str, str], ...] = (
    ("all", "Everybody", "FILTER *"),
    (
        "anonymous_profiles",
        "Profiles of whom no more is known than one id of a browser or app",
        "FILTER AND (_num_aliases = 1, OR (EXISTS anonymous_id, EXISTS _uids, EXISTS device_id))",
    ),
    *(
        (
            f"anonymous_profiles_{days}_days",
            f"Anonymous profiles that did nothing for {days} days",
            f'FILTER AND (INCLUDE anonymous_profiles, _modified <= "now-{days}d")',
        )
        for days in (30, 60, 90)
    ),
    ("connected_profiles", "Profiles that two or more streams know", "FILTER _num_streams > 1"),
    ("unhealthy_profiles", "Profiles that may be more than one person", 'FILTER _health == "quarantined"'),
)
"""Slug, description and filter of each. They make no events until somebody wants them to."""


async def create_defaults(pool: Any) -> None:
    """Create the pipeline and the audiences on the first start; what people delete afterwards stays deleted.

    Safe to call from several processes at once. Raises as `transaction` does.
    """
    async with change(pool, ACTOR) as made:
        if not await made.connection.fetchval(QUERIES["defaults_created"]):
            return
        await _ensure_pipeline(made)
        taken = {audience.slug for audience in await store.every(made.connection)}
        for slug, description, text in DEFAULTS:
            if slug not in taken:
                draft = Draft(segment_ql=text, name=slug, slug=slug, description=description, emit_trigger=False)
                await store.create(made, draft)


async def _ensure_pipeline(made: Change) -> None:
    try:
        await pipeline_store.find(made.connection, PIPELINE)
    except InputError:
        await pipeline_store.create(made, name="Audiences", slug=PIPELINE)
