"""The schema of profiles: its fields with how filled they are, its ranks, and its versions."""

from __future__ import annotations

from typing import Annotated, Any, NamedTuple

from litestar import Request, Response, get, post
from litestar.datastructures import State
from litestar.params import PathParameter, QueryParameter

from headwater.console.access import visitor_of
from headwater.console.errors import status_of
from headwater.console.forms import Form, form_of
from headwater.console.ports import console_of
from headwater.console.rendering import page
from headwater.console.replies import done
from headwater.console.schema.fill_rates import fill_rates
from headwater.database.transactions import transaction
from headwater.errors import InputError
from headwater.pipelines.changes import change
from headwater.profiles.kinds import KINDS
from headwater.profiles.merging import default_operator
from headwater.profiles.schema import Field, IdentifierSettings, Schema
from headwater.profiles.schema_diff import compare_schemas
from headwater.profiles.schema_edits import SchemaEdit
from headwater.profiles.schema_file import write_schema
from headwater.profiles.store import generations
from headwater.profiles.versions import draft_store, version_store

VERSIONS_SHOWN = 30

Caller = Request[Any, Any, State]
_Text = Annotated[str, QueryParameter(max_length=200, pattern=r"^[^\x00]*$")]


class FieldRow(NamedTuple):
    """A field in the list. `share` of profiles that have it, None without a sample."""

    field: Field
    operator: str
    mappings: int
    rank: int
    share: float | None


class RankRow(NamedTuple):
    """An identifier field with its settings."""

    name: str
    settings: IdentifierSettings


@get("/schema")
async def show_fields(request: Caller, q: _Text = "") -> Response[Any]:
    """Every field: kind, merge operator, how many mappings fill it, and in how many profiles it is."""
    async with transaction(console_of(request).pool, read_only=True) as connection:
        draft = await draft_store.draft(connection)
        rates = await fill_rates(connection, (await generations.live(connection)).number)
    wanted = q.strip().lower()
    mapped: dict[str, int] = {}
    for mapping in draft.schema.mappings:
        mapped[mapping.field] = mapped.get(mapping.field, 0) + 1
    rows = [
        FieldRow(
            field,
            operator_of(field),
            mapped.get(field.id, 0),
            draft.schema.ranks.index(field.id) + 1 if field.id in draft.schema.ranks else 0,
            rates.shares.get(field.id, 0.0) if rates.sampled else None,
        )
        for field in draft.schema.fields
        if wanted in f"{field.id} {field.shortdesc} {field.type}".lower()
    ]
    return page(request, "schema/fields.html", draft=draft, rows=rows, sampled=rates.sampled, q=q)


@get("/schema/ranks")
async def show_ranks(request: Caller) -> Response[Any]:
    """Identifiers by strength, and what each may join."""
    return await _ranks(request, None)


@post("/schema/ranks")
async def change_ranks(request: Caller) -> Response[Any]:
    """Move an identifier up or down, or save the settings of all, in the draft."""
    form = await form_of(request)
    try:
        async with change(console_of(request).pool, visitor_of(request).actor) as made:
            schema = (await draft_store.draft(made.connection)).schema
            await draft_store.edit(made, _ranks_edit(schema, form))
    except InputError as fault:
        return await _ranks(request, fault)
    return await done(request, "/schema/ranks", "The draft is changed.")


@get("/schema/versions")
async def show_versions(
    request: Caller, before: Annotated[int | None, QueryParameter(ge=1, le=2**31 - 1)] = None
) -> Response[Any]:
    """Published versions, newest first."""
    async with transaction(console_of(request).pool, read_only=True) as connection:
        draft = await draft_store.draft(connection)
        versions = await version_store.every(connection, before=before, limit=VERSIONS_SHOWN)
    older = f"/schema/versions?before={versions[-1].number}" if len(versions) == VERSIONS_SHOWN else None
    return page(
        request,
        "schema/versions.html",
        draft=draft,
        versions=versions,
        older=older,
        newest="/schema/versions" if before else None,
    )


@get("/schema/versions/{version:int}")
async def show_version(request: Caller, version: Annotated[int, PathParameter(ge=1, le=2**31 - 1)]) -> Response[Any]:
    """What a version changed, and the whole of it."""
    async with transaction(console_of(request).pool, read_only=True) as connection:
        draft = await draft_store.draft(connection)
        found = await version_store.version(connection, version)
        before = None if version == 1 else await version_store.version(connection, version - 1)
    changes = () if before is None else compare_schemas(before.schema, found.schema).changes
    return page(
        request,
        "schema/version.html",
        draft=draft,
        version=found.summary,
        changes=changes,
        text=write_schema(found.schema),
    )


def operator_of(field: Field) -> str:
    """The merge operator that a field has; "" for identifiers, which are listed and not merged."""
    if field.is_identifier:
        return ""
    kind = KINDS.get(field.type)
    return field.mergeop or ("" if kind is None else default_operator(kind))


async def _ranks(request: Caller, fault: InputError | None) -> Response[Any]:
    async with transaction(console_of(request).pool, read_only=True) as connection:
        draft = await draft_store.draft(connection)
    schema = draft.schema
    rows = [RankRow(name, schema.identifiers.get(name, IdentifierSettings())) for name in schema.ranks]
    return page(
        request,
        "schema/ranks.html",
        status=200 if fault is None else status_of(fault),
        draft=draft,
        rows=rows,
        fault=fault,
    )


def _ranks_edit(schema: Schema, form: Form) -> SchemaEdit:
    """The edit of a button "up email" or "down email", or of the settings that were typed."""
    what, _, name = form.text("do").partition(" ")
    if what in ("up", "down") and name in schema.ranks:
        ranks = list(schema.ranks)
        at = ranks.index(name)
        to = at - 1 if what == "up" else at + 1
        if 0 <= to < len(ranks):
            ranks[at], ranks[to] = ranks[to], ranks[at]
        return SchemaEdit(ranks=tuple(ranks))
    return SchemaEdit(identifiers={each: _settings(schema, form, each) for each in schema.ranks})


def _settings(schema: Schema, form: Form, name: str) -> IdentifierSettings:
    held = schema.identifiers.get(name, IdentifierSettings())
    shared = form.text(f"{name}.shared")
    return IdentifierSettings(
        form=held.form,
        region=held.region,
        unique=form.checked(f"{name}.unique"),
        limit=_number(form, f"{name}.limit"),
        window_days=_number(form, f"{name}.window_days"),
        alarm=_number(form, f"{name}.alarm"),
        shared="nobody" if shared == "nobody" else "newest" if shared == "newest" else "oldest",
        session_minutes=held.session_minutes,
    )


def _number(form: Form, name: str) -> int:
    text = form.text(name).strip()
    if text and (not text.isascii() or not text.isdigit() or len(text) > 9):
        raise InputError(f"{name}: write a whole number, or leave it empty", "identifiers")
    return int(text) if text else 0


HANDLERS = (show_fields, show_ranks, change_ranks, show_versions, show_version)
