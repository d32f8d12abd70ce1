"""Audiences in the database. Writers take a `Change`, readers any connection."""

from __future__ import annotations

import secrets
from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec

from headwater.audiences.definition import Definition, check_name, check_slug, define, slug_of
from headwater.audiences.objects import KINDS, Audience, AudienceVersion
from headwater.audiences.statements import QUERIES
from headwater.audiences.trees import dependents, trees_of
from headwater.errors import InputError
from headwater.expressions import ExpressionError, canonical, includes, parse_filter
from headwater.pipelines import deployment_store
from headwater.pipelines.changes import Change

AUDIENCE_LIMIT = 1_000
"""Most audiences of an installation; Lytics has 500."""
TAGS_LIMIT = 100
TEXTS_LIMIT = 1_000
"""Longest description, in characters."""


class Draft(msgspec.Struct, frozen=True, kw_only=True):
    """What a person wants an audience to be. None leaves what it is, or takes the default of a new one.

    The name and slug of a new audience are its ALIAS unless given.
    """

    segment_ql: str | None = None
    name: str | None = None
    slug: str | None = None
    kind: str | None = None
    description: str | None = None
    tags: tuple[str, ...] | None = None
    groups: tuple[str, ...] | None = None
    is_public: bool | None = None
    save_hist: bool | None = None
    emit_trigger: bool | None = None
    event_fields: tuple[str, ...] | None = None


async def every(connection: Any) -> list[Audience]:
    """All audiences, the oldest first."""
    return [_audience(row) for row in await connection.fetch(QUERIES["audiences"])]


async def find(connection: Any, name: str) -> Audience:
    """The audience with this slug or id. Raises InputError with the code "not_found"."""
    row = await connection.fetchrow(QUERIES["audience"], name)
    if row is None:
        raise InputError(
            f"there is no audience {name[:100]!r}; `headwater audiences list` shows them", "id", code="not_found"
        )
    return _audience(row)


async def versions(connection: Any, audience: Audience) -> list[AudienceVersion]:
    """The texts that an audience had, the newest first."""
    rows = await connection.fetch(QUERIES["audience_versions"], audience.id)
    return [AudienceVersion(**dict(row)) for row in rows]


async def create(
    change: Change, draft: Draft, *, known_fields: Collection[str] | None = None, with_events: bool = False
) -> Audience:
    """Create an audience and have all profiles asked about it; `with_events` announces those who are in it from the start.

    Raises ExpressionError for the text, InputError with the code "conflict" for a slug that is taken.
    """
    others = await _begin(change)
    if len(others) >= AUDIENCE_LIMIT:
        raise InputError(f"there are {AUDIENCE_LIMIT:,} audiences already; delete one first")
    if draft.segment_ql is None:
        raise InputError("an audience needs a filter", "segment_ql")
    slugs = [each.slug for each in others]
    definition = define(draft.segment_ql, trees_of(others).get, known_fields, slugs)
    name, slug = _names(draft, definition)
    _require_free(slug, others)
    now = datetime.now(UTC)
    values = {"description": definition.filter.description.strip(), **_given(draft)}
    made = Audience(
        **{**values, "id": secrets.token_hex(16), "number": 0, "slug": slug, "name": name, "version": 1},
        segment_ql=definition.text,
        author=change.actor,
        created=now,
        updated=now,
    )
    await change.connection.execute(QUERIES["insert_audience"], *_row(made))
    stored = await find(change.connection, made.id)
    await _keep_version(change, stored)
    await change.record("audience created", subject(stored), None, stored)
    await _ask_everybody(change, [stored.number], with_events=with_events)
    return stored


async def update(
    change: Change,
    audience: Audience,
    draft: Draft,
    *,
    known_fields: Collection[str] | None = None,
    with_events: bool = False,
) -> Audience:
    """Change what the draft gives. Where the filter means something else now, all profiles are asked again.

    Raises as `create`, and InputError with the code "conflict" for another slug while other audiences include this one.
    """
    others = [each for each in await _begin(change) if each.id != audience.id]
    text = audience.segment_ql if draft.segment_ql is None else draft.segment_ql
    slug = audience.slug if draft.slug is None else check_slug(draft.slug)
    changed = msgspec.structs.replace(
        audience,
        **_given(draft),
        segment_ql=text,
        slug=slug,
        name=audience.name if draft.name is None else check_name(draft.name),
        version=audience.version + (text != audience.segment_ql),
        updated=datetime.now(UTC),
    )
    definition = _checked(changed, audience, others, known_fields)
    if slug != audience.slug:
        _require_free(slug, others)
        _require_unreferenced(audience, others, "renamed")
    await change.connection.execute(QUERIES["update_audience"], *_changed_row(changed))
    if changed.version != audience.version:
        await _keep_version(change, changed)
    await change.record("audience updated", subject(changed), audience, changed)
    asked = []
    if definition is not None and _meaning(text) != _meaning(audience.segment_ql):
        asked = [changed.number, *(each.number for each in dependents(changed, others))]
    await _ask_everybody(change, asked, with_events=with_events)
    return changed


async def delete(change: Change, audience: Audience) -> None:
    """Delete an audience; who is in it leaves silently. Raises InputError with the code "conflict" while others include it."""
    others = [each for each in await _begin(change) if each.id != audience.id]
    _require_unreferenced(audience, others, "deleted")
    await change.connection.execute(QUERIES["delete_audience"], audience.id)
    await change.connection.execute(QUERIES["forget_fills"], audience.number)
    await deployment_store.forget_audience(change, audience.id)
    await change.connection.execute(QUERIES["ask_everybody"], [], [audience.number], False)
    await change.connection.execute(QUERIES["raise_audiences"])
    await change.record("audience deleted", subject(audience), audience, None)


async def reevaluate(change: Change, audience: Audience, *, with_events: bool = True) -> None:
    """Ask all profiles again about an audience that has not changed."""
    await change.connection.execute(QUERIES["own_audiences"])
    await change.record("audience evaluated again", subject(audience), None, None)
    await _ask_everybody(change, [audience.number], with_events=with_events)


def subject(audience: Audience) -> str:
    """How the audit log names an audience."""
    return f"audience {audience.id}"


async def _begin(change: Change) -> list[Audience]:
    await change.connection.execute(QUERIES["own_audiences"])
    return await every(change.connection)


async def _ask_everybody(change: Change, numbers: Sequence[int], *, with_events: bool) -> None:
    if numbers:
        await change.connection.execute(QUERIES["ask_everybody"], list(numbers), [], with_events)
    await change.connection.execute(QUERIES["raise_audiences"])


async def _keep_version(change: Change, audience: Audience) -> None:
    await change.connection.execute(
        QUERIES["insert_audience_version"],
        audience.id,
        audience.version,
        audience.segment_ql,
        audience.updated,
        change.actor,
    )


def _names(draft: Draft, definition: Definition) -> tuple[str, str]:
    """Name and slug of a new audience: as given, else the ALIAS, else the slug is made from the name."""
    alias = definition.filter.alias
    name = alias if draft.name is None else draft.name
    if name is None:
        raise InputError("an audience needs a name: write ALIAS behind the filter, or give one", "name")
    chosen = draft.slug if draft.slug is not None else alias
    return check_name(name), check_slug(chosen) if chosen is not None else slug_of(name)


def _checked(
    changed: Audience, before: Audience, others: Sequence[Audience], known_fields: Collection[str] | None
) -> Definition | None:
    """The definition of a changed text, if it is one that can be; audiences that include it must stay possible as well."""
    if changed.segment_ql == before.segment_ql:
        return None
    trees = trees_of(others)
    slugs = [each.slug for each in others]
    definition = define(changed.segment_ql, trees.get, known_fields, slugs, (changed.slug, changed.id))
    trees[changed.slug] = trees[changed.id] = definition.tree
    for each in dependents(changed, others):
        try:
            define(each.segment_ql, trees.get)
        except InputError as fault:
            raise InputError(
                f"{each.slug} includes this audience and would fail: {fault.message}", "segment_ql"
            ) from None
    return definition


def _require_unreferenced(audience: Audience, others: Sequence[Audience], what: str) -> None:
    trees = trees_of(others)
    users = [
        each.slug
        for each in others
        if each.id in trees and not {audience.slug, audience.id}.isdisjoint(includes(trees[each.id]))
    ]
    if users:
        raise InputError(
            f"{audience.slug!r} cannot be {what} while it is included by {', '.join(users[:5])}; change these first",
            "slug_name",
            code="conflict",
        )


def _require_free(slug: str, others: Sequence[Audience]) -> None:
    if any(slug in (each.slug, each.id) for each in others):
        raise InputError(f"there is already an audience {slug!r}; choose another slug", "slug_name", code="conflict")


def _meaning(text: str) -> str:
    """Two texts with the same meaning string ask the same."""
    try:
        return canonical(parse_filter(text).where)
    except ExpressionError:
        return text


def _given(draft: Draft) -> dict[str, Any]:
    """The checked attributes that a draft gives, apart from text, name and slug."""
    given = {
        name: value
        for name, value in msgspec.structs.asdict(draft).items()
        if value is not None and name not in ("segment_ql", "name", "slug")
    }
    if given.get("kind", KINDS[0]) not in KINDS:
        raise InputError(f"{given['kind']!r} is no kind; use one of {', '.join(KINDS)}", "kind")
    if len(given.get("description", "")) > TEXTS_LIMIT:
        raise InputError(f"a description has at most {TEXTS_LIMIT:,} characters", "description")
    for name in ("tags", "groups", "event_fields"):
        _check_words(name, given.get(name, ()))
    return given


def _check_words(name: str, words: Sequence[str]) -> None:
    if len(words) > TAGS_LIMIT or any(not word or len(word) > 256 or "\0" in word for word in words):
        raise InputError(f"at most {TAGS_LIMIT} words of 1 to 256 characters", name)


def _audience(row: Mapping[str, Any]) -> Audience:
    values = dict(row)
    return Audience(**{**values, **{name: tuple(values[name]) for name in ("tags", "groups", "event_fields")}})


def _row(audience: Audience) -> tuple[Any, ...]:
    return (
        audience.id,
        audience.slug,
        audience.name,
        audience.segment_ql,
        audience.version,
        audience.table,
        audience.kind,
        audience.description,
        list(audience.tags),
        list(audience.groups),
        audience.is_public,
        audience.save_hist,
        audience.emit_trigger,
        list(audience.event_fields),
        audience.author,
        audience.created,
        audience.updated,
    )


def _changed_row(audience: Audience) -> tuple[Any, ...]:
    row = dict(zip(_COLUMNS, _row(audience), strict=True))
    return tuple(row[name] for name in _COLUMNS if name not in ("table", "author", "created"))


_COLUMNS = (
    "id",
    "slug",
    "name",
    "segment_ql",
    "version",
    "table",
    "kind",
    "description",
    "tags",
    "groups",
    "is_public",
    "save_hist",
    "emit_trigger",
    "event_fields",
    "author",
    "created",
    "updated",
)
