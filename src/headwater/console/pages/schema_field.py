"""One field of the schema with its mappings; changes go into the draft."""

from __future__ import annotations

from typing import Annotated, Any

from litestar import Request, Response, get, post
from litestar.datastructures import State
from litestar.params import PathParameter

from headwater.console.access import visitor_of
from headwater.console.errors import status_of
from headwater.console.forms import form_of
from headwater.console.pages.schema import operator_of
from headwater.console.ports import console_of
from headwater.console.rendering import page
from headwater.console.replies import done
from headwater.console.schema.field_form import FieldForm, edit_from, form_for, form_from, new_form, with_row
from headwater.console.schema.fill_rates import field_values
from headwater.database.transactions import transaction
from headwater.errors import InputError
from headwater.pipelines.changes import change
from headwater.profiles.kinds import KINDS
from headwater.profiles.merging import OPERATORS
from headwater.profiles.schema_edits import SchemaEdit
from headwater.profiles.store import generations
from headwater.profiles.text_assertions import FORMATS
from headwater.profiles.versions import draft_store, stream_store

Caller = Request[Any, Any, State]
FieldName = Annotated[str, PathParameter(max_length=128, pattern=r"^[^\x00]*$")]


@get("/schema/fields/{field:str}")
async def show_field(request: Caller, field: FieldName) -> Response[Any]:
    """Kind, merge operator, mappings, and what the field holds."""
    async with transaction(console_of(request).pool, read_only=True) as connection:
        schema = (await draft_store.draft(connection)).schema
    return await _field(request, form_for(schema, field), is_new=False, fault=None)


@get("/new/field")
async def show_new_field(request: Caller) -> Response[Any]:
    """The form for a new field."""
    return await _field(request, new_form(), is_new=True, fault=None)


@post("/new/field")
async def add_field(request: Caller) -> Response[Any]:
    """Add a field to the draft."""
    return await _save(request, None)


@post("/schema/fields/{field:str}")
async def save_field(request: Caller, field: FieldName) -> Response[Any]:
    """Change a field in the draft."""
    return await _save(request, field)


@post("/schema/fields/{field:str}/remove")
async def remove_field(request: Caller, field: FieldName) -> Response[Any]:
    """Take a field and its mappings out of the draft."""
    async with change(console_of(request).pool, visitor_of(request).actor) as made:
        form_for((await draft_store.draft(made.connection)).schema, field)
        await draft_store.edit(made, SchemaEdit(fields={field: None}))
    return await done(request, "/schema", f"The field {field} is taken out of the draft.")


async def _save(request: Caller, name: str | None) -> Response[Any]:
    form = await form_of(request)
    pool = console_of(request).pool
    async with transaction(pool, read_only=True) as connection:
        schema = (await draft_store.draft(connection)).schema
    before = None if name is None else form_for(schema, name)
    typed = before or new_form(form.text("name").strip())
    try:
        typed = form_from(form, None if before is None else before.field)
        if form.text("do") == "row":
            return await _field(request, with_row(typed), is_new=name is None, fault=None)
        async with change(pool, visitor_of(request).actor) as made:
            schema = (await draft_store.draft(made.connection)).schema
            if name is None and schema.field(typed.field.id) is not None:
                raise InputError("a field of this name is there already; change that one", "name", "conflict")
            await draft_store.edit(made, edit_from(typed, schema))
    except InputError as fault:
        return await _field(request, typed, is_new=name is None, fault=fault)
    return await done(request, f"/schema/fields/{typed.field.id}", "The draft is changed.")


async def _field(request: Caller, typed: FieldForm, *, is_new: bool, fault: InputError | None) -> Response[Any]:
    async with transaction(console_of(request).pool, read_only=True) as connection:
        draft = await draft_store.draft(connection)
        streams = [each.name for each in await stream_store.streams(connection)]
        generation = (await generations.live(connection)).number
        values = None if is_new else await field_values(connection, generation, typed.field.id)
    return page(
        request,
        "schema/field.html",
        status=200 if fault is None else status_of(fault),
        draft=draft,
        typed=typed,
        is_new=is_new,
        fault=fault,
        values=values,
        kinds=[(name, name) for name in KINDS],
        formats=[("", "any text"), *((name, name) for name in FORMATS if name != "any")],
        operators=[
            ("", f"as usual: {operator_of(typed.field)}" if operator_of(typed.field) else "as usual"),
            *((name, name) for name in sorted(OPERATORS)),
        ],
        streams=streams,
    )


HANDLERS = (show_field, show_new_field, add_field, save_field, remove_field)
