"""One profile: fields, audiences, identity, what happened, and the end of it."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, NamedTuple
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.datastructures import State
from litestar.params import PathParameter, QueryParameter

from headwater.audiences import standings
from headwater.audiences.standings import EVERYBODY, Stay
from headwater.console.access import visitor_of
from headwater.console.forms import form_of
from headwater.console.ports import console_of
from headwater.console.profiles.field_view import field_rows, meta_rows
from headwater.console.rendering import page
from headwater.console.replies import done
from headwater.database.transactions import transaction
from headwater.errors import InputError
from headwater.profiles.identifiers import Identifier
from headwater.profiles.instants import instant
from headwater.profiles.reading import ProfileExplanation, StoredProfile
from headwater.profiles.store import generations
from headwater.profiles.timeline import TimelineEntry
from headwater.profiles.versions import version_store

TIMELINE_SHOWN = 30
PAST_STAYS_SHOWN = 20

Caller = Request[Any, Any, State]
ProfileId = Annotated[str, PathParameter(max_length=64, pattern=r"^[0-9a-f]+$")]
_Place = Annotated[str, QueryParameter(max_length=256, pattern=r"^[^\x00]*$")]


class Head(NamedTuple):
    """What every page of a profile says first. `name` is its strongest identifier."""

    profile: StoredProfile
    name: Identifier
    modified: datetime


class Membership(NamedTuple):
    """An audience that a profile is in. `stay` None: nothing is written down about when it entered."""

    slug: str
    name: str
    stay: Stay | None


class Happening(NamedTuple):
    """An entry of the timeline with its moment."""

    at: datetime
    entry: TimelineEntry


async def head_of(request: Caller, profile_id: str) -> Head:
    """The profile that an id leads to. Raises InputError with the code "not_found"."""
    reader = console_of(request).services.profiles.reader
    found = await reader.by_id(profile_id)
    if found is None:
        raise InputError("There is no such profile. It may have been deleted.", "profile", "not_found")
    identifiers = await reader.identifiers(profile_id)
    name = identifiers[0] if identifiers else Identifier("_id", found.id)
    return Head(found, name, instant(found.modified))


async def explained(request: Caller, profile_id: str) -> ProfileExplanation:
    """Why a profile is what it is. Raises InputError with the code "not_found"."""
    found = await console_of(request).services.profiles.reader.explain(profile_id)
    if found is None:
        raise InputError("There is no such profile. It may have been deleted.", "profile", "not_found")
    return found


@get("/profiles/{profile:str}")
async def show_profile(request: Caller, profile: ProfileId) -> Response[Any]:
    """Fields with where they come from, and audiences with since and why."""
    head = await head_of(request, profile)
    told = await explained(request, profile)
    async with transaction(console_of(request).pool, read_only=True) as connection:
        schema = (await version_store.live(connection)).schema
        memberships, past = await _audiences(connection, bytes.fromhex(head.profile.id))
    return page(
        request,
        "profiles/profile.html",
        head=head,
        rows=field_rows(head.profile, told.explanation, schema),
        meta=meta_rows(head.profile),
        memberships=memberships,
        past=past,
    )


@get("/profiles/{profile:str}/timeline")
async def show_timeline(request: Caller, profile: ProfileId, older: _Place = "") -> Response[Any]:
    """What happened to the person, newest first."""
    head = await head_of(request, profile)
    timeline = console_of(request).services.profiles.timeline
    shown = await timeline.page(head.profile.id, older=older, limit=TIMELINE_SHOWN)
    return page(
        request,
        "profiles/timeline.html",
        head=head,
        happenings=[Happening(instant(each.at), each) for each in shown.entries],
        older=shown.older,
        is_newest=not older,
    )


@post("/profiles/{profile:str}/delete")
async def delete_profile(request: Caller, profile: ProfileId) -> Response[Any]:
    """Delete a person: the profile at once, log and archive as they get to it."""
    head = await head_of(request, profile)
    form = await form_of(request)
    erasure = await console_of(request).services.profiles.erasure.erase(
        visitor_of(request).actor,
        head.name,
        with_conflicts=form.checked("with_conflicts"),
        records_too=not form.checked("keep_records"),
    )
    return await done(request, f"/deletions/{erasure.id}", "The profile is deleted.")


@get("/deletions/{deletion:uuid}")
async def show_deletion(request: Caller, deletion: Annotated[UUID, PathParameter()]) -> Response[Any]:
    """How far a deletion is."""
    erasure = await console_of(request).services.profiles.erasure.status(deletion)
    return page(request, "profiles/deletion.html", erasure=erasure)


async def _audiences(connection: Any, profile_id: bytes) -> tuple[list[Membership], list[Stay]]:
    generation = (await generations.live(connection)).number
    audiences = (await standings.audiences_of(connection, generation, [profile_id]))[profile_id]
    history = await standings.stays(connection, generation, profile_id)
    open_stays = {stay.audience: stay for stay in history if stay.until is None}
    now = [Membership(each.slug, each.name, open_stays.get(each.slug)) for each in audiences if each.slug != EVERYBODY]
    past = [stay for stay in history if stay.until is not None]
    return now, past[-PAST_STAYS_SHOWN:][::-1]


HANDLERS = (show_profile, show_timeline, delete_profile, show_deletion)
