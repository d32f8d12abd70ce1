"""One audience: how many and who, why somebody is in it or not, what it shares with others, and where it is sent."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, NamedTuple

from litestar import Request, Response, get, post
from litestar.datastructures import State
from litestar.params import PathParameter, QueryParameter
from litestar.response import ServerSentEvent

from headwater.audiences import overlaps, sizes, standings, store, tables
from headwater.audiences.catalog import Catalog, load_catalog
from headwater.audiences.filling import Fill, fills
from headwater.audiences.members import Member, Page, saved_page, selected_page
from headwater.audiences.objects import Audience
from headwater.audiences.overlaps import OVERLAP_LIMIT
from headwater.audiences.statements import of_generation
from headwater.audiences.trees import holds_everybody
from headwater.console import charts
from headwater.console.access import visitor_of
from headwater.console.audiences.draft import after_button, audience_names, draft_of
from headwater.console.audiences.people import MemberRow, sample_of
from headwater.console.audiences.trend import shown_sizes
from headwater.console.forms import form_of
from headwater.console.pages.audiences import audience_path, builder_page, draft_of_request, schema_of
from headwater.console.ports import console_of
from headwater.console.profiles.search import find_people
from headwater.console.rendering import fragment, page
from headwater.console.replies import done
from headwater.console.streams import Event, pause, stream
from headwater.database.transactions import transaction
from headwater.errors import InputError
from headwater.expressions.tree import Node
from headwater.pipelines.changes import change

HISTORY_HOURS = 24 * 7
MEMBERS_SHOWN = 25
LATEST_SHOWN = 12
LATEST_SINCE = timedelta(hours=1)
LOOK_SECONDS = 1.0
PEOPLE_SHOWN = 10

Caller = Request[Any, Any, State]
AudienceName = Annotated[str, PathParameter(max_length=64, pattern=r"^[^\x00]*$")]
_Text = Annotated[str, QueryParameter(max_length=512, pattern=r"^[^\x00]*$")]


class Passing(NamedTuple):
    """Somebody who entered or left."""

    person: MemberRow
    entered: bool
    at: datetime
    because: str


class Now(NamedTuple):
    """What of an audience changes while somebody looks. `fill` None: it is filled."""

    audience: Audience
    size: int
    fill: Fill | None
    latest: list[Passing]


class Shared(NamedTuple):
    """What an audience shares with another one."""

    audience: Audience
    size: int
    both: int


@get("/audiences/{audience:str}")
async def show_audience(request: Caller, audience: AudienceName) -> Response[Any]:
    """Size, how it grew, who entered and left lately, and its filter."""
    now = datetime.now(UTC)
    async with transaction(console_of(request).pool, read_only=True) as connection:
        catalog = await load_catalog(connection)
        found = catalog.find(audience)
        current = await _now(connection, catalog, found, now)
        history = (await sizes.history(connection, [found.id], HISTORY_HOURS, now))[found.id]
        versions = await store.versions(connection, found)
    points = [*((each.hour, each.size) for each in reversed(history)), (now, current.size)]
    chart = charts.levels(
        "size",
        "Size",
        "people, last 7 days",
        [at for at, _ in points],
        {found.name: [float(size) for _, size in points]},
    )
    return page(
        request,
        "audiences/audience.html",
        audience=found,
        current=current,
        chart=chart,
        versions=versions,
        fault=catalog.invalid_reason(found),
        everybody=holds_everybody(found.segment_ql),
    )


@get("/audiences/{audience:str}/live")
async def audience_live(request: Caller, audience: AudienceName) -> ServerSentEvent:
    """Size, and who enters and leaves, as it happens."""
    return stream(request, _changes(request, audience))


@get("/audiences/{audience:str}/members")
async def show_members(request: Caller, audience: AudienceName, start: _Text = "") -> Response[Any]:
    """Who is in it, page by page."""
    async with transaction(console_of(request).pool, read_only=True) as connection:
        catalog = await load_catalog(connection)
    found = catalog.find(audience)
    _readable(catalog, found)
    return page(request, "audiences/members.html", audience=found, start=start)


@get("/audiences/{audience:str}/members/found")
async def show_found_members(request: Caller, audience: AudienceName, start: _Text = "") -> Response[Any]:
    """The part of the page that finds them, which takes its time where they are few among many."""
    async with transaction(console_of(request).pool, read_only=True) as connection:
        catalog = await load_catalog(connection)
        found = catalog.find(audience)
        shown = await _members(connection, catalog, found, start)
        sample = sample_of(shown.members, _readable(catalog, found), catalog, await schema_of(connection))
    return page(
        request,
        "audiences/found_members.html",
        sample=sample,
        older=audience_path(found, f"/members?start={shown.next}") if shown.next else None,
        newest=audience_path(found, "/members") if start else None,
    )


@get("/audiences/{audience:str}/why")
async def show_why(request: Caller, audience: AudienceName, q: _Text = "", profile: _Text = "") -> Response[Any]:
    """Why a person is in it or is not: what every condition says about them."""
    reader = console_of(request).services.profiles.reader
    people = await find_people(reader, q) if q.strip() else []
    chosen = profile or (people[0].id if len(people) == 1 else "")
    named = None if not chosen else await reader.by_id(chosen)
    async with transaction(console_of(request).pool, read_only=True) as connection:
        catalog = await load_catalog(connection)
        found = catalog.find(audience)
        explanation = None
        if named is not None:
            explanation = await standings.explain(
                connection, catalog.generation, bytes.fromhex(named.id), found, datetime.now(UTC)
            )
    identifiers = () if named is None else await reader.identifiers(named.id)
    return page(
        request,
        "audiences/why.html",
        audience=found,
        q=q,
        people=people[:PEOPLE_SHOWN] if explanation is None else [],
        explanation=explanation,
        profile=named,
        person=identifiers[0].value if identifiers else "",
        unknown=bool(chosen) and named is None,
    )


@get("/audiences/{audience:str}/overlap")
async def show_overlap(
    request: Caller,
    audience: AudienceName,
    others: Annotated[list[str] | None, QueryParameter(name="with", max_items=OVERLAP_LIMIT)] = None,
) -> Response[Any]:
    """What it shares with other audiences."""
    async with transaction(console_of(request).pool, read_only=True) as connection:
        catalog = await load_catalog(connection)
        found = catalog.find(audience)
    chosen = [each.slug for each in _compared(catalog, found, others)]
    return page(
        request, "audiences/overlap.html", audience=found, others=audience_names(catalog, found.slug), chosen=chosen
    )


@get("/audiences/{audience:str}/overlap/shared")
async def show_shared(
    request: Caller,
    audience: AudienceName,
    others: Annotated[list[str] | None, QueryParameter(name="with", max_items=OVERLAP_LIMIT)] = None,
) -> Response[Any]:
    """The part of the page that reads all memberships once, which takes its time where there are many."""
    async with transaction(console_of(request).pool, read_only=True) as connection:
        catalog = await load_catalog(connection)
        found = catalog.find(audience)
        size, shared = await _shared(connection, catalog, found, _compared(catalog, found, others))
    return page(request, "audiences/shared.html", size=size, shared=shared)


@get("/audiences/{audience:str}/edit")
async def show_edit(request: Caller, audience: AudienceName) -> Response[Any]:
    """The builder with what the audience is."""
    async with transaction(console_of(request).pool, read_only=True) as connection:
        found = await store.find(connection, audience)
    return await builder_page(request, draft_of(found), found, None)


@post("/audiences/{audience:str}/edit")
async def save_audience(request: Caller, audience: AudienceName) -> Response[Any]:
    """Change it; everybody is asked again where the filter means something else."""
    pool = console_of(request).pool
    async with transaction(pool, read_only=True) as connection:
        found = await store.find(connection, audience)
    draft, wish = await draft_of_request(request)
    if wish != "save":
        return await builder_page(request, after_button(draft, wish), found, None)
    try:
        text = draft.text
        async with change(pool, visitor_of(request).actor) as made:
            catalog = await load_catalog(made.connection)
            wanted = store.Draft(
                segment_ql=text,
                name=draft.name,
                slug=draft.slug,
                description=draft.description,
                emit_trigger=draft.emit_trigger,
            )
            before = await store.find(made.connection, audience)
            saved = await store.update(made, before, wanted, known_fields=catalog.known_fields, with_events=True)
    except InputError as fault:
        return await builder_page(request, draft, found, fault)
    return await done(request, audience_path(saved), f"The audience {saved.name} is saved.")


@post("/audiences/{audience:str}/delete")
async def delete_audience(request: Caller, audience: AudienceName) -> Response[Any]:
    """Delete it; who is in it leaves without a word."""
    async with change(console_of(request).pool, visitor_of(request).actor) as made:
        found = await store.find(made.connection, audience)
        await store.delete(made, found)
    return await done(request, "/audiences", f"The audience {found.name} is deleted.")


@post("/audiences/{audience:str}/announce")
async def set_announcing(request: Caller, audience: AudienceName) -> Response[Any]:
    """Make events of entries and exits, or stop that."""
    wanted = (await form_of(request)).text("announce") == "yes"
    async with change(console_of(request).pool, visitor_of(request).actor) as made:
        found = await store.find(made.connection, audience)
        await store.update(made, found, store.Draft(emit_trigger=wanted))
    told = "Entries and exits are events from now on." if wanted else "Entries and exits make no events any more."
    return await done(request, audience_path(found, "/activation"), told)


async def _changes(request: Caller, name: str) -> AsyncGenerator[Event]:
    shown = ""
    while True:
        async with transaction(console_of(request).pool, read_only=True) as connection:
            catalog = await load_catalog(connection)
            current = await _now(connection, catalog, catalog.find(name), datetime.now(UTC))
        html = fragment("audiences/now.html", current=current)
        if html != shown:
            shown = html
            yield Event("now", html)
        await pause(request, LOOK_SECONDS)


async def _now(connection: Any, catalog: Catalog, audience: Audience, now: datetime) -> Now:
    size = (await shown_sizes(connection, catalog.generation, [audience]))[audience.id]
    filling = next((each for each in await fills(connection, audience.number) if each.finished is None), None)
    return Now(audience, size, filling, await _latest(connection, catalog, audience, now))


async def _latest(connection: Any, catalog: Catalog, audience: Audience, now: datetime) -> list[Passing]:
    if not await tables.is_made(connection, catalog.generation):
        return []
    rows = await connection.fetch(
        of_generation("latest_transitions", catalog.generation), audience.number, now - LATEST_SINCE, LATEST_SHOWN
    )
    tree = catalog.trees.get(audience.id)
    if tree is None or not rows:
        return []
    members = [Member(bytes(row["profile_id"]), row["fields"] or {}) for row in rows]
    people = sample_of(members, tree, catalog, await schema_of(connection)).rows
    return [
        Passing(person, row["entered"], row["at"], row["reason"].get("clause", ""))
        for person, row in zip(people, rows, strict=True)
    ]


async def _members(connection: Any, catalog: Catalog, audience: Audience, start: str) -> Page:
    if holds_everybody(audience.segment_ql):
        chosen = catalog.select(catalog.trees[audience.id], datetime.now(UTC))
        return await selected_page(connection, chosen, start=start, limit=MEMBERS_SHOWN)
    if not await tables.is_made(connection, catalog.generation):
        return Page((), "")
    return await saved_page(connection, catalog.generation, audience.number, start=start, limit=MEMBERS_SHOWN)


def _readable(catalog: Catalog, audience: Audience) -> Node:
    tree = catalog.trees.get(audience.id)
    if tree is None:
        raise InputError("This filter cannot be read. Change it first.", "segment_ql")
    return tree


def _compared(catalog: Catalog, audience: Audience, names: list[str] | None) -> list[Audience]:
    wanted = set(names or ())
    return [each for each in catalog.audiences if each.slug in wanted and each.id != audience.id][: OVERLAP_LIMIT - 1]


async def _shared(
    connection: Any, catalog: Catalog, audience: Audience, others: list[Audience]
) -> tuple[int, list[Shared]]:
    if not others:
        return (await sizes.sizes_of(connection, catalog.generation, [audience]))[audience.id], []
    found = await overlaps.overlap(connection, catalog.generation, [audience, *others])
    both = {frozenset((pair.left, pair.right)): pair.both for pair in found.pairs}
    shared = [Shared(each, found.sizes[each.id], both[frozenset((audience.id, each.id))]) for each in others]
    return found.sizes[audience.id], sorted(shared, key=lambda each: -each.both)


HANDLERS = (
    show_audience,
    audience_live,
    show_members,
    show_found_members,
    show_why,
    show_overlap,
    show_shared,
    show_edit,
    save_audience,
    delete_audience,
    set_announcing,
)
