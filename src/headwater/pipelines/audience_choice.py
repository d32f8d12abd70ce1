"""Which audiences an integration hears about: a property of its attachment to the pipeline of entries and exits.

None means all. People and files name audiences by slug, the attachment keeps ids: a slug may change.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from headwater.errors import InputError
from headwater.pipelines.changes import QUERIES
from headwater.pipelines.objects import Pipeline

PIPELINE = "audiences"
"""Slug of the pipeline that entries and exits go to."""
CHOICE_LIMIT = 1_000
"""Most audiences of one choice; an install has no more."""

Choice = tuple[str, ...] | None


async def slugs_by_id(connection: Any) -> dict[str, str]:
    """The slugs of all audiences by id, oldest first."""
    return {row["id"]: row["slug"] for row in await connection.fetch(QUERIES["audience_slugs"])}


async def chosen(connection: Any, pipeline: Pipeline, names: Sequence[str] | None) -> Choice:
    """The ids of audiences named by id or slug, in a lasting order; None stays None.

    Raises InputError for an unknown name, and on a pipeline that no audience announces to.
    """
    if names is None:
        return None
    if pipeline.slug != PIPELINE:
        raise InputError(
            f"only integrations of the pipeline {PIPELINE!r} can choose audiences; leave it out for {pipeline.slug!r}",
            "audiences",
        )
    if len(names) > CHOICE_LIMIT:
        raise InputError(f"name at most {CHOICE_LIMIT:,} audiences, or leave it out for all", "audiences")
    slugs = await slugs_by_id(connection)
    ids = {slug: audience_id for audience_id, slug in slugs.items()} | {each: each for each in slugs}
    return tuple(sorted({_known(name, ids) for name in names}))


def named(choice: Choice, slugs: Mapping[str, str]) -> Choice:
    """A choice as people read it: slugs in alphabetical order. Audiences that are gone are left out."""
    return None if choice is None else tuple(sorted(slugs[each] for each in choice if each in slugs))


def told(choice: Iterable[str] | None) -> str:
    """Named audiences in words: "all audiences", "no audience", "vip, oslo"."""
    return "all audiences" if choice is None else ", ".join(choice) or "no audience"


def _known(name: str, ids: Mapping[str, str]) -> str:
    if name not in ids:
        raise InputError(f"there is no audience {name[:100]!r}; `headwater audiences list` shows them", "audiences")
    return ids[name]
