"""Profiles over HTTP as the first Lytics API has them: `/api/entity`, `/api/me`."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Annotated, Any
from uuid import UUID

import msgspec
from litestar import Controller, Request, Response, delete, get
from litestar.datastructures import State
from litestar.params import QueryParameter

from headwater.api.authorization import PROFILE_CHANGE, PROFILE_READ, PUBLIC, actor_of, visit_of
from headwater.api.entity_documents import NOT_FOUND, Wanted, entity_document, explained_document
from headwater.api.lytics_replies import TABLE, first_reply, listed, require_table
from headwater.api.names import FieldName, FieldValue, RequestId, TableName
from headwater.api.ports import Services
from headwater.api.public_visits import page_of
from headwater.audiences.lookups import PROFILE_ID_FIELD, UNKNOWN
from headwater.audiences.objects import Audience
from headwater.audiences.standings import EVERYBODY
from headwater.errors import InputError
from headwater.profiles.erasure.desk import Erasure
from headwater.profiles.identifiers import Identifier
from headwater.profiles.public_access.rules import PublicAccess
from headwater.profiles.reading import StoredProfile, spelled

Caller = Request[Any, Any, State]
OPEN_READ = {**PROFILE_READ, **PUBLIC}
WAIT_SECONDS = 5.0
"""How long `wait=true` waits for what is in the log to become profiles."""
COOKIE_FIELD = "_uids"
"""The identifier of a lookup that names none."""

_Flag = Annotated[bool, QueryParameter()]


class Lookup(msgspec.Struct, frozen=True):
    """Whom a request asks for, and whether it waits for what is in the log."""

    field: str
    value: str
    wait: bool


class EntityRoutes(Controller):
    """Profiles by any identifier."""

    path = "/entity"
    tags = ("lytics: entities",)

    @get("/{table:str}/{field:str}/{value:str}", opt=OPEN_READ, summary="Show a profile")
    async def show(
        self,
        state: State,
        request: Caller,
        table: TableName,
        field: FieldName,
        value: FieldValue,
        segments: _Flag = True,
        meta: _Flag = True,
        download: _Flag = False,
        explain: _Flag = False,
        allsegments: _Flag = False,
        wait: _Flag = False,
        stringify: _Flag = False,
    ) -> Response[dict[str, Any]]:
        """By identifier; somebody unknown is told as such with status 200. `stringify` shows numbers as texts."""
        require_table(table)
        shape = _Shape(segments, meta, download, explain, allsegments, stringify)
        return await _reply(state.services, request, Lookup(field, value, wait), shape)

    @get("/{table:str}/{value:str}", opt=OPEN_READ, summary="Show a profile by its browser cookie")
    async def show_by_cookie(
        self,
        state: State,
        request: Caller,
        table: TableName,
        value: FieldValue,
        segments: _Flag = True,
        meta: _Flag = True,
        wait: _Flag = False,
        stringify: _Flag = False,
    ) -> Response[dict[str, Any]]:
        """By the identifier `_uids`."""
        require_table(table)
        shape = _Shape(segments, meta, stringify=stringify)
        return await _reply(state.services, request, Lookup(COOKIE_FIELD, value, wait), shape)

    @get("/{table:str}/segments/{field:str}/{value:str}", opt=OPEN_READ, summary="Show the audiences of a profile")
    async def memberships(
        self, state: State, request: Caller, table: TableName, field: FieldName, value: FieldValue
    ) -> Response[dict[str, Any]]:
        """Slugs of audiences, and nothing else."""
        require_table(table)
        return await _reply(state.services, request, Lookup(field, value, False), _Shape(meta=False, nothing_else=True))

    @delete("/{table:str}/{field:str}/{value:str}", opt=PROFILE_CHANGE, summary="Delete a person", status_code=200)
    async def remove(
        self,
        state: State,
        request: Caller,
        table: TableName,
        field: FieldName,
        value: FieldValue,
        conflicts: _Flag = False,
    ) -> dict[str, Any]:
        """The profile goes at once, log and archive follow. `conflicts=true`: also whom links that do not hold lead to."""
        require_table(table)
        identifier = await identifier_of(state.services, field, value)
        erasure = await state.services.profiles.erasure.erase(actor_of(request), identifier, with_conflicts=conflicts)
        return first_reply(erasure_document(erasure), message="delete request received")

    @get("/deletestatus/{request_id:str}", opt=PROFILE_CHANGE, summary="Show how far a deletion is")
    async def deletion_status(self, state: State, request_id: RequestId) -> dict[str, Any]:
        """`complete` when nothing of the person is left."""
        try:
            erasure_id = UUID(request_id)
        except ValueError:
            raise InputError(f"there is no deletion {request_id!r}", "request_id", "not_found") from None
        return first_reply(erasure_document(await state.services.profiles.erasure.status(erasure_id)))

    @delete(
        "/softdelete/{table:str}/{field:str}/{value:str}",
        opt=PROFILE_CHANGE,
        summary="Hide a person",
        status_code=200,
    )
    async def hide(
        self, state: State, request: Caller, table: TableName, field: FieldName, value: FieldValue
    ) -> dict[str, Any]:
        """The profile goes for good, its records stay in log and archive."""
        require_table(table)
        identifier = await identifier_of(state.services, field, value)
        erasure = await state.services.profiles.erasure.erase(actor_of(request), identifier, records_too=False)
        return first_reply(erasure_document(erasure))


@get("/me/{field:str}/{value:str}", opt=OPEN_READ, tags=("lytics: entities",), summary="Show a profile (short form)")
async def show_me(
    state: State,
    request: Caller,
    field: FieldName,
    value: FieldValue,
    segments: _Flag = True,
    meta: _Flag = True,
    wait: _Flag = False,
    stringify: _Flag = False,
) -> Response[dict[str, Any]]:
    """As `/api/entity/user/{field}/{value}`."""
    shape = _Shape(segments, meta, stringify=stringify)
    return await _reply(state.services, request, Lookup(field, value, wait), shape)


class _Shape(msgspec.Struct, frozen=True):
    segments: bool = True
    meta: bool = True
    download: bool = False
    explain: bool = False
    allsegments: bool = False
    stringify: bool = False
    nothing_else: bool = False


async def _reply(services: Services, request: Caller, lookup: Lookup, shape: _Shape) -> Response[dict[str, Any]]:
    visit = visit_of(request)
    headers = {"Content-Disposition": 'attachment; filename="profile.json"'} if shape.download else {}
    if visit is not None:
        # A page must not hand one visitor's profile to the next, and only the page that was let in may read it.
        headers |= {"Access-Control-Allow-Origin": page_origin(request), "Vary": "Origin", "Cache-Control": "no-store"}
    body = await _body(services, request, lookup, shape, visit)
    return Response(body, headers=headers, media_type="application/json")


async def _body(
    services: Services, request: Caller, lookup: Lookup, shape: _Shape, visit: PublicAccess | None
) -> dict[str, Any]:
    if visit is not None and lookup.field not in visit.lookup_fields:
        raise InputError(f"visitors may ask by {', '.join(visit.lookup_fields)}", "field")
    in_time = await services.profiles.progress.caught_up(WAIT_SECONDS) if lookup.wait and visit is None else True
    try:
        async with asyncio.timeout(None if visit is None else visit.timeout_milliseconds / 1000):
            found = await services.profiles.lookups.find(lookup.field, lookup.value)
    except TimeoutError:
        found, in_time = UNKNOWN, False
    if found.profile is None and lookup.field != PROFILE_ID_FIELD and visit is None:
        require_identifier(lookup.field, found.by_fields)
    by_fields = found.by_fields if visit is None else visit.lookup_fields
    more: dict[str, Any] = (
        {"meta": {"by_fields": list(by_fields), "format": "json", "name": TABLE}} if shape.meta else {}
    )
    if found.profile is None:
        return first_reply({"segments": list(NOT_FOUND)}, message="Not Found" if in_time else "Timed out", **more)
    data = {} if shape.nothing_else else entity_document(found.profile, _wanted(request, shape, visit))
    if shape.segments:
        audiences = [each for each in found.audiences if each.is_public or visit is None]
        data["segments"] = _slugs(audiences)
        if shape.allsegments:
            data["segments_all"] = [{"id": each.id, "slug_name": each.slug, "name": each.name} for each in audiences]
    if shape.explain and visit is None:
        explanation = await services.profiles.reader.explain(found.profile.id)
        if explanation is not None:
            data = explained_document(explanation, data)
    return first_reply(data, **more)


async def profile_of(services: Services, field: str, value: str) -> StoredProfile | None:
    """The profile of an identifier or of a profile id. Raises InputError for a field that does not identify."""
    async with services.profiles.reader.look() as look:
        if field == PROFILE_ID_FIELD:
            return await look.by_id(value)
        require_identifier(field, tuple(look.rules.types))
        return await look.by_identifier(field, value)


async def identifier_of(services: Services, field: str, value: str) -> Identifier:
    """The identifier that a request means. Raises InputError for a field that does not identify, or a value that cannot."""
    if field == PROFILE_ID_FIELD:
        members = await services.profiles.reader.identifiers(value)
        if not members:
            raise InputError(f"there is no profile {value!r}", "value", "not_found")
        return members[0]
    async with services.profiles.reader.look() as look:
        require_identifier(field, tuple(look.rules.types))
        identifier = spelled(field, value, look.rules)
    if identifier is None:
        raise InputError(f"{value!r} cannot be a value of {field}", "value")
    return identifier


def require_identifier(field: str, ranks: Sequence[str]) -> None:
    """Raise InputError for a field that does not identify."""
    if field not in ranks:
        raise InputError(f"{field!r} does not identify; ask by {', '.join(ranks)} or {PROFILE_ID_FIELD}", "field")


def _wanted(request: Caller, shape: _Shape, visit: PublicAccess | None) -> Wanted:
    fields = listed(request.query_params, "fields")
    return Wanted(
        fields=frozenset(fields) if fields else None,
        blocked=frozenset(listed(request.query_params, "fieldBlocklist")),
        only=None if visit is None else frozenset(visit.fields),
        texts=shape.stringify,
    )


def _slugs(audiences: Sequence[Audience]) -> list[str]:
    return [*(each.slug for each in audiences if each.slug != EVERYBODY), EVERYBODY]


def page_origin(request: Caller) -> str:
    """The origin that may read a public reply."""
    return request.headers.get("origin") or "/".join(page_of(request).split("/")[:3])


def erasure_document(erasure: Erasure) -> dict[str, Any]:
    """A deletion as the Lytics API shows it."""
    return {"request_id": str(erasure.id), "complete": erasure.complete}
