"""Audiences: all of them, and the builder in which one is written."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any, NamedTuple
from urllib.parse import quote

from litestar import Request, Response, get, post
from litestar.datastructures import State
from litestar.params import FromQuery, QueryParameter

from headwater.audiences import sizes, store
from headwater.audiences.catalog import load_catalog
from headwater.audiences.filling import fills
from headwater.audiences.members import selected_page
from headwater.audiences.objects import Audience
from headwater.audiences.statistics import field_statistics
from headwater.console.access import visitor_of
from headwater.console.audiences.draft import (
    AudienceDraft,
    after_button,
    audience_names,
    draft_from,
    empty_draft,
    known_fields,
)
from headwater.console.audiences.look import look_at
from headwater.console.audiences.operators import OF_AUDIENCES
from headwater.console.audiences.rule_form import views_of
from headwater.console.audiences.trend import HEIGHT, WIDTH, Trend, shown_sizes, trend_of
from headwater.console.errors import status_of
from headwater.console.forms import form_of
from headwater.console.ports import console_of
from headwater.console.rendering import page
from headwater.console.replies import done
from headwater.database.transactions import transaction
from headwater.errors import InputError
from headwater.expressions.tree import MatchAll
from headwater.pipelines.changes import change
from headwater.profiles.schema import Schema
from headwater.profiles.store import generations

TREND_HOURS = 24 * 7
VALUES_FROM = 300
"""Profiles whose values are offered while somebody types."""

VALUES_SHOWN = 30

Caller = Request[Any, Any, State]
_Text = Annotated[str, QueryParameter(max_length=512, pattern=r"^[^\x00]*$")]


class Listed(NamedTuple):
    """An audience in the list."""

    audience: Audience
    size: int
    trend: Trend
    fault: str


def audience_path(audience: Audience, rest: str = "") -> str:
    """The address of an audience's page."""
    return f"/audiences/{quote(audience.slug)}{rest}"


@get("/audiences")
async def every_audience(request: Caller, q: _Text = "") -> Response[Any]:
    """Every audience with its size and trend."""
    now = datetime.now(UTC)
    async with transaction(console_of(request).pool, read_only=True) as connection:
        catalog = await load_catalog(connection)
        found = await shown_sizes(connection, catalog.generation, catalog.audiences)
        history = await sizes.history(connection, [each.id for each in catalog.audiences], TREND_HOURS, now)
        filling = {number for each in await fills(connection) if each.finished is None for number in each.audiences}
    wanted = q.strip().lower()
    listed = [
        Listed(each, found[each.id], trend_of(history[each.id], found[each.id], now), catalog.invalid_reason(each))
        for each in catalog.audiences
        if wanted in f"{each.name} {each.slug} {each.description}".lower()
    ]
    return page(
        request,
        "audiences/list.html",
        listed=sorted(listed, key=lambda each: (-each.size, each.audience.slug)),
        filling=filling,
        q=q,
        width=WIDTH,
        height=HEIGHT,
    )


@get("/new/audience")
async def show_builder(request: Caller) -> Response[Any]:
    """The builder for a new audience."""
    return await builder_page(request, empty_draft(), None, None)


@post("/new/audience")
async def add_audience(request: Caller) -> Response[Any]:
    """Save a new audience; without the script the builder's other buttons come here as well."""
    draft, wish = await draft_of_request(request)
    if wish != "save":
        return await builder_page(request, after_button(draft, wish), None, None)
    try:
        text = draft.text
        async with change(console_of(request).pool, visitor_of(request).actor) as made:
            catalog = await load_catalog(made.connection)
            wanted = store.Draft(
                segment_ql=text,
                name=draft.name,
                slug=draft.slug or None,
                description=draft.description,
                emit_trigger=draft.emit_trigger,
            )
            saved = await store.create(made, wanted, known_fields=catalog.known_fields)
    except InputError as fault:
        return await builder_page(request, draft, None, fault)
    return await done(request, audience_path(saved), f"The audience {saved.name} is saved, and being filled.")


@post("/audiences/builder/edit")
async def edit_draft(request: Caller) -> Response[Any]:
    """The part of the builder that its buttons change."""
    draft, wish = await draft_of_request(request)
    context = await _builder_context(request, after_button(draft, wish))
    return page(request, "audiences/builder_body.html", **context)


@post("/audiences/builder/look")
async def look_at_draft(request: Caller, exact: FromQuery[bool] = False) -> Response[Any]:
    """How many a draft would hold, some of them, or what is wrong with it."""
    draft, _ = await draft_of_request(request)
    try:
        text = draft.text
        look = await look_at(console_of(request).pool, text, exact=exact)
    except InputError as fault:
        return page(request, "audiences/look.html", fault=fault, look=None, text="")
    return page(request, "audiences/look.html", fault=None, look=look, text=text)


@get("/audiences/builder/values")
async def offer_values(request: Caller, field: _Text = "") -> Response[Any]:
    """Values that a field has in some profiles, the commonest first, as options of a list."""
    async with transaction(console_of(request).pool, read_only=True) as connection:
        catalog = await load_catalog(connection)
        owner, _, key = field.partition(".")
        if field not in catalog.known_fields and owner not in catalog.known_fields:
            return page(request, "audiences/values.html", values=[])
        chosen = catalog.select(MatchAll(), datetime.now(UTC))
        rows: list[Any] = []
        start = ""
        while len(rows) < VALUES_FROM:
            found = await selected_page(connection, chosen, start=start, limit=100)
            rows += [each.fields for each in found.members]
            start = found.next
            if not start:
                break
    if field not in catalog.known_fields:
        rows = [{field: row[owner][key]} for row in rows if isinstance(row.get(owner), dict) and key in row[owner]]
    terms = field_statistics(field, rows, VALUES_SHOWN).terms_counts
    return page(request, "audiences/values.html", values=list(terms))


async def draft_of_request(request: Caller) -> tuple[AudienceDraft, str]:
    """The draft that a form holds, and the button that was pressed."""
    form = await form_of(request)
    async with transaction(console_of(request).pool, read_only=True) as connection:
        fields = known_fields(await schema_of(connection))
    return draft_from(form, fields), form.text("do")


async def builder_page(
    request: Caller, draft: AudienceDraft, audience: Audience | None, fault: InputError | None
) -> Response[Any]:
    """The builder, for a new audience or for one that is changed."""
    context = await _builder_context(request, draft)
    return page(
        request,
        "audiences/builder.html",
        status=200 if fault is None else status_of(fault),
        audience=audience,
        fault=fault,
        **context,
    )


async def schema_of(connection: Any) -> Schema:
    """The schema of the profiles that people see."""
    return (await generations.live(connection)).schema


async def _builder_context(request: Caller, draft: AudienceDraft) -> dict[str, Any]:
    async with transaction(console_of(request).pool, read_only=True) as connection:
        fields = known_fields(await schema_of(connection))
        catalog = await load_catalog(connection)
    return {
        "draft": draft,
        "groups": views_of(draft.rules, fields),
        "fields": list(fields.values()),
        "others": audience_names(catalog, draft.slug),
        "of_audiences": list(OF_AUDIENCES.items()),
    }


HANDLERS = (every_audience, show_builder, add_audience, edit_draft, look_at_draft, offer_values)
