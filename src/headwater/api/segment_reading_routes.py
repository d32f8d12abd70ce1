"""Sizes, members and statistics of audiences as the first Lytics API has them, of saved ones and of filters in the request."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

import msgspec
from litestar import Controller, Request, get, post
from litestar.datastructures import State
from litestar.params import FromQuery, QueryParameter, RawBody

from headwater.api.authorization import AUDIENCE_READ, PROFILE_READ
from headwater.api.lytics_replies import first_reply, listed, require_table, text_of
from headwater.api.names import SegmentName
from headwater.api.segment_documents import unread
from headwater.audiences import estimates, sizes
from headwater.audiences.catalog import Catalog, load_catalog
from headwater.audiences.definition import Definition
from headwater.audiences.members import PAGE_LIMIT, Member, Order, Page, check_splits, saved_page, selected_page
from headwater.audiences.objects import Audience
from headwater.audiences.standings import audiences_of
from headwater.audiences.statistics import SAMPLE, field_statistics
from headwater.audiences.trees import holds_everybody
from headwater.database.transactions import transaction
from headwater.errors import InputError
from headwater.expressions import ExpressionError, from_stored
from headwater.profiles.json_values import shown

Caller = Request[Any, Any, State]

HOURS = 168
FIELDS_LIMIT = 50
TERMS_LIMIT = 1_000
EXACT_LIMIT_SECONDS = 120
"""How long an exact count of a draft may take."""
_Text = Annotated[str | None, QueryParameter(max_length=100_000)]
_Limit = Annotated[int, QueryParameter(ge=1, le=PAGE_LIMIT)]
_Start = Annotated[str, QueryParameter(max_length=4096, pattern=r"^[^\x00]*$")]
_FieldName = Annotated[str, QueryParameter(max_length=256, pattern=r"^[^\x00]*$")]
_Hours = Annotated[int, QueryParameter(ge=1, le=24 * 366)]
_Terms = Annotated[int, QueryParameter(ge=1, le=TERMS_LIMIT)]
_Name = Annotated[str | None, QueryParameter(max_length=200, pattern=r"^[^\x00]*$")]


class SegmentReadingRoutes(Controller):
    """What audiences hold."""

    path = "/segment"
    tags = ("lytics: segments",)

    # --- sizes

    @post("/size", opt=AUDIENCE_READ, summary="Size of a filter that is not saved", status_code=200)
    async def size_of_text(self, state: State, body: RawBody, exact: FromQuery[bool] = False) -> dict[str, Any]:
        """An estimate with its error at once, or the exact figure if `exact` is asked for; the body is FilterQL."""
        return first_reply(await _draft_size(state, text_of(body), exact))

    @get("/size", opt=AUDIENCE_READ, summary="Size of a filter or an audience")
    async def size_of_parameter(
        self,
        state: State,
        segments: _Text = None,
        id: _Name = None,  # noqa: A002  # Lytics' name
        exact: FromQuery[bool] = False,
    ) -> dict[str, Any]:
        """Of the FilterQL in `segments`, or of the saved audience in `id`."""
        if segments is None and id is None:
            raise InputError("give FilterQL, or the id of an audience in `id`", "segments")
        if segments is not None:
            return first_reply(await _draft_size(state, segments, exact))
        return first_reply(await _saved_size(state, str(id)))

    @get("/sizes", opt=AUDIENCE_READ, summary="Sizes of audiences")
    async def sizes_of_several(self, state: State, request: Caller) -> dict[str, Any]:
        """Exact sizes of those in `ids`, or of all."""
        names = listed(request.query_params, "ids")
        async with transaction(state.services.pool, read_only=True) as connection:
            catalog = await load_catalog(connection)
            chosen = [catalog.find(name) for name in names] if names else list(catalog.audiences)
            found = await sizes.sizes_of(connection, catalog.generation, chosen)
        return first_reply([_size_document(each, found[each.id]) for each in chosen])

    @get("/{segment:str}/size", opt=AUDIENCE_READ, summary="Size of an audience")
    async def size_of_one(self, state: State, segment: SegmentName) -> dict[str, Any]:
        """The exact size of a saved audience."""
        return first_reply(await _saved_size(state, segment))

    @get("/attribution", opt=AUDIENCE_READ, summary="Sizes by the hour")
    async def attribution(self, state: State, request: Caller, limit: _Hours = HOURS) -> dict[str, Any]:
        """Of the audiences in `ids`, or of all; the newest first."""
        return await _attribution(state, listed(request.query_params, "ids"), limit)

    @get("/{segment:str}/attribution", opt=AUDIENCE_READ, summary="Sizes of an audience by the hour")
    async def attribution_of_one(self, state: State, segment: SegmentName, limit: _Hours = HOURS) -> dict[str, Any]:
        """The newest first."""
        return await _attribution(state, [segment], limit)

    # --- members

    @get("/scan", opt=PROFILE_READ, summary="Members of a filter or an audience")
    async def scan(
        self,
        state: State,
        request: Caller,
        segments: _Text = None,
        id: _Name = None,  # noqa: A002  # Lytics' name
        table: Annotated[str, QueryParameter(max_length=64)] = "user",
        start: _Start = "",
        limit: _Limit = 10,
        sortfield: _FieldName = "",
        sortorder: FromQuery[Literal["asc", "desc"]] = "asc",
        recent: FromQuery[bool] = False,
        meta: FromQuery[bool] = True,
    ) -> dict[str, Any]:
        """Of the FilterQL in `segments` or in the body, or of the saved audience in `id`; `_next` is where the next page starts."""
        require_table(table)
        paging = _Paging(start, limit, _order(sortfield, sortorder, recent), _splits(request))
        body = await request.body()
        if id is not None:
            return await _scan_saved(state, id, paging, _wanted(request), meta=meta)
        if segments is None and not body:
            raise InputError("give FilterQL, or the id of an audience in `id`", "segments")
        text = segments if segments is not None else text_of(body)
        return await _scan_text(state, text, paging, _wanted(request), meta=meta)

    @post("/scan", opt=PROFILE_READ, summary="Members of a filter in the body", status_code=200)
    async def scan_body(
        self,
        state: State,
        request: Caller,
        body: RawBody,
        start: _Start = "",
        limit: _Limit = 10,
        sortfield: _FieldName = "",
        sortorder: FromQuery[Literal["asc", "desc"]] = "asc",
        recent: FromQuery[bool] = False,
        meta: FromQuery[bool] = True,
    ) -> dict[str, Any]:
        """As the parameter `segments`, for filters that are too long for an address."""
        paging = _Paging(start, limit, _order(sortfield, sortorder, recent), _splits(request))
        return await _scan_text(state, text_of(body), paging, _wanted(request), meta=meta)

    @get("/{segment:str}/scan", opt=PROFILE_READ, summary="Members of an audience")
    async def scan_one(
        self,
        state: State,
        request: Caller,
        segment: SegmentName,
        start: _Start = "",
        limit: _Limit = 10,
        sortfield: _FieldName = "",
        sortorder: FromQuery[Literal["asc", "desc"]] = "asc",
        recent: FromQuery[bool] = False,
        meta: FromQuery[bool] = True,
    ) -> dict[str, Any]:
        """Page by page; `splits` are buckets of 0 to 99 for A/B tests."""
        paging = _Paging(start, limit, _order(sortfield, sortorder, recent), _splits(request))
        return await _scan_saved(state, segment, paging, _wanted(request), meta=meta)

    # --- statistics

    @get("/fieldinfo", opt=PROFILE_READ, summary="What fields hold within a filter")
    async def field_info(
        self,
        state: State,
        request: Caller,
        segments: _Text = None,
        id: _Name = None,  # noqa: A002  # Lytics' name
        limit: _Terms = 20,
    ) -> dict[str, Any]:
        """Of the FilterQL in `segments`, or of the saved audience in `id`."""
        if segments is None and id is None:
            raise InputError("give FilterQL, or the id of an audience in `id`", "segments")
        return await field_information(state, request, segments, id, limit)

    @get("/{segment:str}/fieldinfo", opt=PROFILE_READ, summary="What fields hold within an audience")
    async def field_info_of_one(
        self, state: State, request: Caller, segment: SegmentName, limit: _Terms = 20
    ) -> dict[str, Any]:
        """The commonest values, a histogram, and how many have the field, of a random sample of the members."""
        return await field_information(state, request, None, segment, limit)


class _Paging(msgspec.Struct, frozen=True):
    start: str
    limit: int
    order: Order
    splits: tuple[int, ...]


def _order(field: str, order: str, recent: bool) -> Order:
    if recent:
        return Order("_modified", descending=True)
    return Order(field, order == "desc")


def _splits(request: Caller) -> tuple[int, ...]:
    texts = listed(request.query_params, "splits")
    if any(not text.isascii() or not text.isdigit() or len(text) > 3 for text in texts):
        raise InputError("buckets are numbers of 0 to 99", "splits")
    found = tuple(map(int, texts))
    check_splits(found)
    return found


def _wanted(request: Caller) -> list[str]:
    return listed(request.query_params, "fields")


def _defined(catalog: Catalog, text: str) -> Definition:
    try:
        return catalog.define(text, check_fields=False)
    except ExpressionError as fault:
        raise unread(fault) from None


async def _draft_size(state: State, text: str, exact: bool) -> dict[str, Any]:
    async with transaction(state.services.pool, read_only=True) as connection:
        catalog = await load_catalog(connection)
        definition = _defined(catalog, text)
        chosen = catalog.select(definition.tree, datetime.now(UTC))
        if exact:
            await connection.execute(f"SET LOCAL statement_timeout = {EXACT_LIMIT_SECONDS * 1000}")
        counted = await (estimates.exact if exact else estimates.estimate)(connection, chosen)
    alias = definition.filter.alias or ""
    return {"id": "", "name": alias, "slug_name": alias, **msgspec.structs.asdict(counted)}


async def _saved_size(state: State, name: str) -> dict[str, Any]:
    async with transaction(state.services.pool, read_only=True) as connection:
        catalog = await load_catalog(connection)
        audience = catalog.find(name)
        found = await sizes.sizes_of(connection, catalog.generation, [audience])
    return _size_document(audience, found[audience.id])


def _size_document(audience: Audience, size: int) -> dict[str, Any]:
    return {"id": audience.id, "name": audience.name, "slug_name": audience.slug, "size": size}


async def _attribution(state: State, names: Sequence[str], hours: int) -> dict[str, Any]:
    async with transaction(state.services.pool, read_only=True) as connection:
        catalog = await load_catalog(connection)
        chosen = [catalog.find(name) for name in names] if names else list(catalog.audiences)
        found = await sizes.history(connection, [each.id for each in chosen], hours, datetime.now(UTC))
    return first_reply(
        [
            {
                "id": each.id,
                "metrics": [
                    {"ts": str(round(point.hour.timestamp() * 1000)), "value": point.size, "anomaly": 0}
                    for point in found[each.id]
                ],
            }
            for each in chosen
        ]
    )


async def _scan_saved(state: State, name: str, paging: _Paging, wanted: Sequence[str], *, meta: bool) -> dict[str, Any]:
    async with transaction(state.services.pool, read_only=True) as connection:
        catalog = await load_catalog(connection)
        audience = catalog.find(name)
        page = await _saved_page(connection, catalog, audience, paging)
        total = (await sizes.sizes_of(connection, catalog.generation, [audience]))[audience.id]
        documents = await _documents(connection, catalog, page, wanted, meta=meta)
    return first_reply(documents, _next=page.next, total=total)


async def _saved_page(connection: Any, catalog: Catalog, audience: Audience, paging: _Paging) -> Page:
    options: Mapping[str, Any] = msgspec.structs.asdict(paging)
    if holds_everybody(audience.segment_ql):
        return await selected_page(connection, catalog.select(catalog.trees[audience.id], datetime.now(UTC)), **options)
    return await saved_page(connection, catalog.generation, audience.number, **options)


async def _scan_text(state: State, text: str, paging: _Paging, wanted: Sequence[str], *, meta: bool) -> dict[str, Any]:
    async with transaction(state.services.pool, read_only=True) as connection:
        catalog = await load_catalog(connection)
        chosen = catalog.select(_defined(catalog, text).tree, datetime.now(UTC))
        page = await selected_page(connection, chosen, **msgspec.structs.asdict(paging))
        counted = await estimates.estimate(connection, chosen)
        documents = await _documents(connection, catalog, page, wanted, meta=meta)
    return first_reply(documents, _next=page.next, total=counted.size)


async def _documents(
    connection: Any, catalog: Catalog, page: Page, wanted: Sequence[str], *, meta: bool
) -> list[dict[str, Any]]:
    ids = [each.profile_id for each in page.members]
    standings = await audiences_of(connection, catalog.generation, ids)
    return [
        {**_fields(each, wanted, meta=meta), "segments": [found.slug for found in standings[each.profile_id]]}
        for each in page.members
    ]


def _fields(member: Member, wanted: Sequence[str], *, meta: bool) -> dict[str, Any]:
    fields: dict[str, Any] = shown(from_stored(member.fields))
    if wanted:
        return {name: fields[name] for name in wanted if name in fields}
    return {name: value for name, value in fields.items() if meta or not name.startswith("_")}


async def field_information(
    state: State, request: Caller, text: str | None, name: str | None, limit: int
) -> dict[str, Any]:
    """The reply about fields within the FilterQL `text`, or within the audience `name`."""
    async with transaction(state.services.pool, read_only=True) as connection:
        catalog = await load_catalog(connection)
        wanted = _wanted(request) or sorted(catalog.known_fields)
        rows = await sampled(connection, catalog, text, name)
    if len(wanted) > FIELDS_LIMIT and _wanted(request):
        raise InputError(f"at most {FIELDS_LIMIT} fields at once", "fields")
    found = [field_statistics(field, rows, limit) for field in wanted]
    kept = found if _wanted(request) else [each for each in found if each.ents_present]
    return first_reply([msgspec.to_builtins(each) for each in kept], meta={"sampled": len(rows)})


async def sampled(connection: Any, catalog: Catalog, text: str | None, name: str | None) -> list[Mapping[str, Any]]:
    """Fields of the first members by id, which is a random order."""
    pages: list[Mapping[str, Any]] = []
    start = ""
    audience = None if name is None else catalog.find(name)
    tree = catalog.trees[audience.id] if audience is not None else _defined(catalog, str(text)).tree
    chosen = catalog.select(tree, datetime.now(UTC))
    while len(pages) < SAMPLE:
        paging = _Paging(start, PAGE_LIMIT, Order(), ())
        if audience is None:
            page = await selected_page(connection, chosen, **msgspec.structs.asdict(paging))
        else:
            page = await _saved_page(connection, catalog, audience, paging)
        pages += [each.fields for each in page.members]
        start = page.next
        if not start:
            break
    return pages
