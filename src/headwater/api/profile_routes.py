"""Profiles in our own admin API: search, explain, timeline, decisions about identities, deletion."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from litestar import Controller, Request, delete, get, post
from litestar.datastructures import State
from litestar.params import JSONBody, PathParameter, QueryParameter

from headwater.api.authorization import PROFILE_CHANGE, PROFILE_READ, actor_of
from headwater.api.entity_documents import Wanted, entity_document, plain
from headwater.api.entity_routes import identifier_of, profile_of
from headwater.api.names import PATH_TEXT_LIMIT
from headwater.api.ports import Services
from headwater.audiences import standings
from headwater.database.transactions import transaction
from headwater.errors import InputError
from headwater.expressions import from_stored
from headwater.profiles.deciding import NOTE_LIMIT, Outcome, ProfileOutline
from headwater.profiles.erasure.desk import Erasure
from headwater.profiles.identifiers import Identifier
from headwater.profiles.instants import instant
from headwater.profiles.json_values import shown
from headwater.profiles.reading import FoundIdentifier, StoredProfile
from headwater.profiles.store import generations

Caller = Request[Any, Any, State]
_Text = Annotated[str, msgspec.Meta(min_length=1, max_length=512, pattern=r"^[^\x00]*$")]
_Note = Annotated[str, msgspec.Meta(max_length=NOTE_LIMIT, pattern=r"^[^\x00]*$")]
_Query = Annotated[str, QueryParameter(min_length=1, max_length=512, pattern=r"^[^\x00]*$")]
_Limit = Annotated[int, QueryParameter(ge=1, le=100)]
_ProfileId = Annotated[
    str,
    PathParameter(description="Any id that the profile ever had.", max_length=PATH_TEXT_LIMIT, pattern=r"^[^\x00]*$"),
]
_Place = Annotated[str, QueryParameter(max_length=256, pattern=r"^[^\x00]*$")]
_Number = Annotated[int, msgspec.Meta(ge=1, le=2**63 - 1)]


class PersonKey(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An identifier: the field that holds it, and its value."""

    type: _Text
    value: _Text


class ProfileView(msgspec.Struct, frozen=True):
    """A profile with everything that is shown beside its fields."""

    id: str
    fields: dict[str, Any]
    identifiers: list[PersonKey]
    audiences: list[str]
    modified: datetime
    health: str
    reasons: tuple[str, ...]


class DecisionOrder(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What to decide: two identifiers belong together or are kept apart, or one (`left`) joins nothing. `preview` keeps nothing."""

    kind: Literal["allow", "keep apart", "block"]
    left: PersonKey
    right: PersonKey | None = None
    note: _Note = ""
    preview: bool = False


class UnmergeOrder(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which identifiers leave the profile that they are in."""

    identifiers: Annotated[tuple[PersonKey, ...], msgspec.Meta(min_length=1, max_length=200)]
    note: _Note = ""
    preview: bool = False


class UndoOrder(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Numbers of decisions to take back."""

    decisions: Annotated[tuple[_Number, ...], msgspec.Meta(min_length=1, max_length=1000)]
    preview: bool = False


class ProfileRoutes(Controller):
    """Profiles by id."""

    path = "/profiles"
    tags = ("profiles",)

    @get("/search", opt=PROFILE_READ, summary="Search identifiers")
    async def search(
        self,
        state: State,
        prefix: _Query,
        field: Annotated[str | None, QueryParameter(max_length=128, pattern=r"^[^\x00]*$")] = None,
        limit: _Limit = 20,
    ) -> list[FoundIdentifier]:
        """Identifiers that begin with a text, with the profile of each."""
        services: Services = state.services
        return await services.profiles.reader.search(prefix, name=field, limit=limit)

    @get("/unhealthy", opt=PROFILE_READ, summary="List unhealthy profiles")
    async def unhealthy(
        self,
        state: State,
        health: Annotated[Literal["watched", "quarantined"], QueryParameter()] = "quarantined",
        limit: _Limit = 100,
    ) -> list[ProfileView]:
        """Profiles that were set aside, or are near a limit, with the reasons."""
        services: Services = state.services
        return [await _view(services, each) for each in await services.profiles.reader.unhealthy(health, limit=limit)]

    @get("/stats", opt=PROFILE_READ, summary="Show what is there")
    async def stats(self, state: State, exact: Annotated[bool, QueryParameter()] = False) -> dict[str, Any]:
        """Counts of profiles, identifiers and messages; what was dropped by field and reason, with an example."""
        services: Services = state.services
        found: dict[str, Any] = plain(await services.profiles.reader.stats(exact=exact))
        return found

    @get("/lookup", opt=PROFILE_READ, summary="Find a profile")
    async def look_up(self, state: State, field: _Query, value: _Query) -> ProfileView:
        """By an identifier."""
        profile = await profile_of(state.services, field, value)
        if profile is None:
            raise InputError(f"nobody has {field} {value!r}", "value", "not_found")
        return await _view(state.services, profile)

    @get("/{profile:str}", opt=PROFILE_READ, summary="Show a profile")
    async def show(self, state: State, profile: _ProfileId) -> ProfileView:
        """By any id that it ever had."""
        return await _view(state.services, await _require(state.services, profile))

    @get("/{profile:str}/explain", opt=PROFILE_READ, summary="Explain a profile")
    async def explain(self, state: State, profile: _ProfileId) -> dict[str, Any]:
        """Identifiers, links, conflicts, decisions, and the candidates of every field."""
        services: Services = state.services
        found = await services.profiles.reader.explain(profile)
        if found is None:
            raise _unknown(profile)
        document: dict[str, Any] = plain(found.explanation)
        return {"id": found.id, **document, "decisions": plain(found.decisions)}

    @get("/{profile:str}/timeline", opt=PROFILE_READ, summary="Show what happened to a person")
    async def timeline(
        self, state: State, profile: _ProfileId, older: _Place = "", limit: _Limit = 50
    ) -> dict[str, Any]:
        """The latest events first, with their records; `older` of one page asks for the next."""
        services: Services = state.services
        page = await services.profiles.timeline.page(profile, older=older, limit=limit)
        entries = [
            {
                "at": instant(each.at),
                "stream": each.stream,
                "name": each.name,
                "sequence": each.sequence,
                "record": None if each.record is None else each.record.data,
                "received_at": None if each.record is None else each.record.meta.received_at,
                "message_id": None if each.record is None else each.record.meta.message_id,
            }
            for each in page.entries
        ]
        return {"entries": entries, "older": page.older}

    @post("/decisions", opt=PROFILE_CHANGE, summary="Decide about identifiers", status_code=200)
    async def decide(self, state: State, request: Caller, data: JSONBody[DecisionOrder]) -> dict[str, Any]:
        """The profiles of everyone concerned before and after; with `preview` nothing is kept."""
        services: Services = state.services
        desk, actor = services.profiles.identity, actor_of(request)
        left = await _identifier(services, data.left)
        if data.kind == "block":
            if data.right is not None:
                raise InputError("only one value is blocked; leave this out", "right")
            return _outcome(await desk.block(actor, left, note=data.note, preview=data.preview))
        if data.right is None:
            raise InputError("missing; name the other identifier", "right")
        decide = desk.allow if data.kind == "allow" else desk.keep_apart
        right = await _identifier(services, data.right)
        return _outcome(await decide(actor, left, right, note=data.note, preview=data.preview))

    @post("/unmerge", opt=PROFILE_CHANGE, summary="Take identifiers out of a profile", status_code=200)
    async def unmerge(self, state: State, request: Caller, data: JSONBody[UnmergeOrder]) -> dict[str, Any]:
        """Each of them is kept apart from each that stays."""
        services: Services = state.services
        leaving = [await _identifier(services, each) for each in data.identifiers]
        desk = services.profiles.identity
        return _outcome(await desk.unmerge(actor_of(request), leaving, note=data.note, preview=data.preview))

    @post("/decisions/undo", opt=PROFILE_CHANGE, summary="Take decisions back", status_code=200)
    async def undo(self, state: State, request: Caller, data: JSONBody[UndoOrder]) -> dict[str, Any]:
        """Profiles are then what they would have been without them."""
        services: Services = state.services
        desk = services.profiles.identity
        return _outcome(await desk.undo(actor_of(request), data.decisions, preview=data.preview))

    @delete("/{profile:str}", opt=PROFILE_CHANGE, summary="Delete a person", status_code=200)
    async def remove(
        self,
        state: State,
        request: Caller,
        profile: _ProfileId,
        conflicts: Annotated[bool, QueryParameter()] = False,
        records: Annotated[bool, QueryParameter()] = True,
    ) -> Erasure:
        """The profile goes at once; with `records` log and archive follow. Ask for the status with the id."""
        services: Services = state.services
        members = await services.profiles.reader.identifiers(profile)
        if not members:
            raise _unknown(profile)
        erasure = services.profiles.erasure
        return await erasure.erase(actor_of(request), members[0], with_conflicts=conflicts, records_too=records)

    @get("/deletions/{deletion:uuid}", opt=PROFILE_CHANGE, summary="Show how far a deletion is")
    async def deletion(
        self, state: State, deletion: Annotated[UUID, PathParameter(description="Id of the request.")]
    ) -> Erasure:
        """`complete` when nothing of the person is left."""
        services: Services = state.services
        return await services.profiles.erasure.status(deletion)


async def _require(services: Services, profile_id: str) -> StoredProfile:
    found = await services.profiles.reader.by_id(profile_id)
    if found is None:
        raise _unknown(profile_id)
    return found


def _unknown(profile_id: str) -> InputError:
    return InputError(f"there is no profile {profile_id!r}", "profile", "not_found")


async def _view(services: Services, profile: StoredProfile) -> ProfileView:
    members = await services.profiles.reader.identifiers(profile.id)
    async with transaction(services.pool, read_only=True) as connection:
        generation = (await generations.live(connection)).number
        slugs = await standings.slugs_of(connection, generation, bytes.fromhex(profile.id))
    return ProfileView(
        id=profile.id,
        fields=entity_document(profile, Wanted()),
        identifiers=[PersonKey(each.type, each.value) for each in members],
        audiences=slugs,
        modified=instant(profile.modified),
        health=profile.health,
        reasons=profile.reasons,
    )


async def _identifier(services: Services, key: PersonKey) -> Identifier:
    return await identifier_of(services, key.type, key.value)


def _outcome(outcome: Outcome) -> dict[str, Any]:
    return {
        "decisions": plain(outcome.decisions),
        "before": [_outline(each) for each in outcome.before],
        "after": [_outline(each) for each in outcome.after],
    }


def _outline(profile: ProfileOutline) -> dict[str, Any]:
    fields = None if profile.fields is None else shown(from_stored(profile.fields))
    return {
        "id": profile.id,
        "identifiers": plain(profile.identifiers),
        "fields": fields,
        "health": profile.health,
    }
