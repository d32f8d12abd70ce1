"""`headwater audiences`: who is in which audience, and why."""

from __future__ import annotations

import re
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
from cyclopts import App, Parameter

from headwater import jsontext
from headwater.audiences import estimates, sizes, standings, store
from headwater.audiences.catalog import Catalog, load_catalog
from headwater.audiences.filling import Fill, fills
from headwater.audiences.members import PAGE_LIMIT, Order, Page, saved_page, selected_page
from headwater.audiences.objects import Audience
from headwater.audiences.standings import Explanation
from headwater.audiences.store import Draft
from headwater.audiences.trees import holds_everybody
from headwater.cli.configuration_session import Session, session, write_json, write_line, write_table
from headwater.cli.output import write_json_line
from headwater.database.transactions import transaction
from headwater.errors import InputError
from headwater.expressions import from_stored, parse_filter
from headwater.pipelines.changes import change
from headwater.profiles.json_values import shown
from headwater.profiles.reading import ProfileReader, StoredProfile

app = App(name="audiences", help="Audiences: create, size, scan, and why a profile is in one or is not.")

AsJson = Annotated[bool, Parameter(name="--json", negative=(), help="Print JSON for a script.")]
Switch = Parameter(negative=())
_PROFILE_ID = re.compile(r"[0-9a-f]{32}")


@app.command(name="list")
async def list_(*, json: AsJson = False) -> None:
    """List audiences with their sizes."""
    async with session() as made, transaction(made.pool, read_only=True) as connection:
        catalog = await load_catalog(connection)
        counted = await sizes.sizes_of(connection, catalog.generation, catalog.audiences)
        progress = {number: fill for fill in reversed(await fills(connection)) for number in fill.audiences}
    if json:
        write_json([_document(each, counted[each.id], catalog) for each in catalog.audiences])
        return
    rows = [
        (each.slug, f"{counted[each.id]:,}", _state(each, catalog, progress.get(each.number)), each.segment_ql.strip())
        for each in catalog.audiences
    ]
    write_table("Audiences", ("audience", "size", "state", "filter"), rows)


@app.command
async def create(
    filter: str,  # noqa: A002  # what people call it
    *,
    name: str | None = None,
    slug: str | None = None,
    description: str | None = None,
    public: Annotated[bool, Switch] = False,
    event_field: Annotated[tuple[str, ...], Switch] = (),
    with_events: Annotated[bool, Switch] = False,
    any_field: Annotated[bool, Switch] = False,
    json: AsJson = False,
) -> None:
    """Create an audience, or change the filter of the one with this ALIAS.

    Parameters
    ----------
    filter
        FilterQL; - reads standard input, @FILE a file.
    slug
        The name that INCLUDE uses; the ALIAS of the filter, or made from the name, by default.
    public
        Let browsers see who is in it.
    event_field
        A field that goes along in entered and exited events.
    with_events
        Also announce those who are in it from the start.
    any_field
        Take fields that the schema does not know (yet).
    """
    text = _text(filter)
    alias = parse_filter(text).alias
    draft = Draft(
        segment_ql=text,
        name=name if name is not None else slug or alias,
        slug=slug if slug is not None else alias,
        description=description,
        is_public=public or None,
        event_fields=event_field or None,
    )
    async with session() as made, change(made.pool, made.actor) as changing:
        catalog = await load_catalog(changing.connection)
        known = None if any_field else catalog.known_fields
        before = next((each for each in catalog.audiences if each.slug == draft.slug), None)
        if before is None:
            saved = await store.create(changing, draft, known_fields=known, with_events=with_events)
        else:
            saved = await store.update(changing, before, draft, known_fields=known, with_events=with_events)
    if json:
        write_json(saved)
        return
    write_line(
        f"{'Created' if before is None else 'Changed'} {saved.slug}; everybody is asked about it in the background."
    )


@app.command
async def delete(audience: str, *, yes: Annotated[bool, Switch] = False) -> None:
    """Delete an audience; who is in it leaves silently."""
    if not yes:
        raise InputError(f"{audience!r} would be gone with its history of sizes; repeat with --yes to do it", "--yes")
    async with session() as made, change(made.pool, made.actor) as changing:
        await store.delete(changing, await store.find(changing.connection, audience))
    write_line(f"Deleted {audience}.")


@app.command
async def size(
    audience: str,
    *,
    exact: Annotated[bool, Switch] = False,
    json: AsJson = False,
) -> None:
    """Say how many are in an audience, or would be in a filter.

    Parameters
    ----------
    audience
        Slug or id, or FilterQL.
    exact
        Count everybody; of a filter that is not saved an estimate is made otherwise.
    """
    async with session() as made, transaction(made.pool, read_only=True) as connection:
        catalog = await load_catalog(connection)
        if not _is_filter(audience):
            found = catalog.find(audience)
            count = (await sizes.sizes_of(connection, catalog.generation, [found]))[found.id]
            result = estimates.Size(count, count, count, True, count)
        else:
            chosen = catalog.select(catalog.define(audience).tree, datetime.now(UTC))
            result = await (estimates.exact if exact else estimates.estimate)(connection, chosen)
    if json:
        write_json(result)
    elif result.exact:
        write_line(f"{result.size:,}")
    else:
        write_line(
            f"about {result.size:,}, between {result.low:,} and {result.high:,} (95 %, {result.sampled:,} profiles looked at)"
        )


@app.command
async def scan(
    audience: str,
    *,
    limit: int = 10,
    field: Annotated[tuple[str, ...], Switch] = (),
    sort: str = "",
    order: Literal["asc", "desc"] = "asc",
) -> None:
    """Print members as JSON lines.

    Parameters
    ----------
    audience
        Slug or id, or FilterQL.
    limit
        Most members; 0 prints all.
    field
        A field to print; all by default.
    sort
        The field to sort by; an order that never changes by default.
    """
    printed, start = 0, ""
    async with session() as made:
        while True:
            wanted = PAGE_LIMIT if limit == 0 else min(PAGE_LIMIT, limit - printed)
            page = await _page(made, audience, start, wanted, Order(sort, order == "desc"))
            for member in page.members:
                fields = shown(from_stored(member.fields))
                chosen = fields if not field else {name: fields[name] for name in field if name in fields}
                write_json_line(jsontext.encode({"_id": member.profile_id.hex(), **chosen}))
            printed, start = printed + len(page.members), page.next
            if not start or (limit and printed >= limit):
                return


@app.command
async def explain(profile: str, audience: str, *, json: AsJson = False) -> None:
    """Say why a profile is in an audience or is not: each clause with the value that it sees.

    Parameters
    ----------
    profile
        Id of the profile, FIELD=VALUE of an identifier, or the value alone.
    audience
        Slug or id.
    """
    async with session() as made:
        found = await _profile(made, profile)
        async with transaction(made.pool, read_only=True) as connection:
            catalog = await load_catalog(connection)
            chosen = catalog.find(audience)
            explained = await standings.explain(
                connection, catalog.generation, bytes.fromhex(found.id), chosen, datetime.now(UTC)
            )
    if explained is None:
        raise InputError(f"the profile of {profile!r} went away just now; try again", "profile", code="not_found")
    if json:
        write_json({**msgspec.to_builtins(explained), "clauses": [each._asdict() for each in explained.clauses]})
        return
    _write_explanation(found.id, explained)


def _write_explanation(profile_id: str, explained: Explanation) -> None:
    state = "is in" if explained.member else "is not in"
    rows = [
        (
            each.clause,
            each.result,
            ", ".join(f"{name} = {_brief(value)}" for name, value in each.values.items()) or "no value",
            each.included_from,
        )
        for each in explained.clauses
    ]
    write_table(f"{profile_id} {state} {explained.audience.slug}", ("clause", "result", "sees", "included from"), rows)
    if explained.member != explained.written:
        write_line("What is written down differs: it is being filled, or is asked again within a second.")
    if explained.next_flip is not None:
        write_line(f"Time alone changes this at {explained.next_flip:%Y-%m-%d %H:%M:%S} UTC.")
    for stay in explained.stays:
        since = "?" if stay.since is None else f"{stay.since:%Y-%m-%d %H:%M:%S}"
        until = "now" if stay.until is None else f"{stay.until:%Y-%m-%d %H:%M:%S} ({stay.left_because})"
        write_line(f"In it from {since} ({stay.entered_because}) to {until}.")


async def _page(made: Session, audience: str, start: str, limit: int, order: Order) -> Page:
    async with transaction(made.pool, read_only=True) as connection:
        catalog = await load_catalog(connection)
        if _is_filter(audience):
            tree = catalog.define(audience).tree
        else:
            found = catalog.find(audience)
            tree = catalog.trees[found.id]
            if not holds_everybody(found.segment_ql):
                return await saved_page(
                    connection, catalog.generation, found.number, start=start, limit=limit, order=order
                )
        return await selected_page(
            connection, catalog.select(tree, datetime.now(UTC)), start=start, limit=limit, order=order
        )


async def _profile(made: Session, name: str) -> StoredProfile:
    """The profile that a person means. Raises InputError with the code "not_found"."""
    reader = ProfileReader(made.pool)
    found = await reader.by_id(name) if _PROFILE_ID.fullmatch(name) else None
    if found is None:
        field, _, value = name.partition("=")
        async with transaction(made.pool, read_only=True) as connection:
            generation = (await load_catalog(connection)).generation
            fields = await connection.fetchval(
                "SELECT ARRAY(SELECT jsonb_array_elements_text(schema->'ranks')) FROM profile_generations WHERE number = $1",
                generation,
            )
        pairs = [(field, value)] if value and field in fields else [(each, name) for each in fields]
        for pair in pairs:
            found = found or await reader.by_identifier(*pair)
    if found is None:
        raise InputError(f"there is no profile {name!r}; give its id, or FIELD=VALUE", "profile", code="not_found")
    return found


def _text(given: str) -> str:
    if given == "-":
        return sys.stdin.read()
    return Path(given[1:]).read_text("utf-8") if given.startswith("@") else given


def _is_filter(text: str) -> bool:
    return any(sign in text for sign in " \n\t*")


def _state(audience: Audience, catalog: Catalog, fill: Fill | None) -> str:
    reason = catalog.invalid_reason(audience)
    if reason:
        return f"invalid: {reason}"
    if fill is not None and fill.finished is None:
        return f"filling, {fill.asked:,} of {fill.total:,}"
    return "ready"


def _document(audience: Audience, size: int, catalog: Catalog) -> dict[str, Any]:
    return {
        **msgspec.to_builtins(audience),
        "size": size,
        "invalid_reason": catalog.invalid_reason(audience),
    }


def _brief(value: Any) -> str:
    return jsontext.encode(value).decode()
