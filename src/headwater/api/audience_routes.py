"""What the Lytics APIs have no place for: progress of filling, versions, overlap, and why a profile is in an audience."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any

import msgspec
from litestar import Controller, Request, get
from litestar.datastructures import State
from litestar.params import PathParameter

from headwater.api.authorization import AUDIENCE_READ, PROFILE_READ
from headwater.api.lytics_replies import listed
from headwater.api.names import SegmentName
from headwater.audiences import standings, store
from headwater.audiences.catalog import load_catalog
from headwater.audiences.filling import Fill, fills
from headwater.audiences.objects import AudienceVersion
from headwater.audiences.overlaps import OVERLAP_LIMIT, Overlap, overlap
from headwater.audiences.standings import Explanation, Stay
from headwater.database.transactions import transaction
from headwater.errors import InputError

Caller = Request[Any, Any, State]
_ProfileId = Annotated[str, PathParameter(description="Id of the profile, hexadecimal.", pattern=r"^[0-9a-f]{32}$")]


class AudienceRoutes(Controller):
    """Audiences by id or slug."""

    path = "/audiences"
    tags = ("audiences",)

    @get("/fills", opt=AUDIENCE_READ, summary="How far audiences are filled")
    async def every_fill(self, state: State) -> list[Fill]:
        """What was filled and is being filled, the newest first."""
        async with transaction(state.services.pool, read_only=True) as connection:
            return await fills(connection)

    @get("/overlap", opt=AUDIENCE_READ, summary="Overlap of audiences")
    async def overlap_of(self, state: State, request: Caller) -> Overlap:
        """How many profiles are in each pair of the audiences in `ids`."""
        names = listed(request.query_params, "ids")
        if not 2 <= len(names) <= OVERLAP_LIMIT:
            raise InputError(f"name 2 to {OVERLAP_LIMIT} audiences", "ids")
        async with transaction(state.services.pool, read_only=True) as connection:
            catalog = await load_catalog(connection)
            return await overlap(connection, catalog.generation, [catalog.find(name) for name in names])

    @get("/{segment:str}/fills", opt=AUDIENCE_READ, summary="How far an audience is filled")
    async def fills_of(self, state: State, segment: SegmentName) -> list[Fill]:
        """The newest first."""
        async with transaction(state.services.pool, read_only=True) as connection:
            return await fills(connection, (await store.find(connection, segment)).number)

    @get("/{segment:str}/versions", opt=AUDIENCE_READ, summary="List the texts that an audience had")
    async def versions(self, state: State, segment: SegmentName) -> list[AudienceVersion]:
        """The newest first."""
        async with transaction(state.services.pool, read_only=True) as connection:
            return await store.versions(connection, await store.find(connection, segment))

    @get("/{segment:str}/explain/{profile:str}", opt=PROFILE_READ, summary="Why a profile is in an audience or is not")
    async def explain(self, state: State, segment: SegmentName, profile: _ProfileId) -> dict[str, Any]:
        """Every clause with the values that it sees in the profile, and when time alone may change the answer."""
        async with transaction(state.services.pool, read_only=True) as connection:
            catalog = await load_catalog(connection)
            audience = catalog.find(segment)
            found = await standings.explain(
                connection, catalog.generation, bytes.fromhex(profile), audience, datetime.now(UTC)
            )
        if found is None:
            raise InputError("there is no such profile", "profile", code="not_found")
        return explanation_document(found)

    @get("/of-profile/{profile:str}", opt=PROFILE_READ, summary="Where a profile was and is")
    async def stays(self, state: State, profile: _ProfileId) -> list[Stay]:
        """Every time in an audience, with why it began and ended."""
        async with transaction(state.services.pool, read_only=True) as connection:
            catalog = await load_catalog(connection)
            return await standings.stays(connection, catalog.generation, bytes.fromhex(profile))


def explanation_document(explanation: Explanation) -> dict[str, Any]:
    """An explanation as JSON."""
    return {
        "audience": explanation.audience.slug,
        "member": explanation.member,
        "written": explanation.written,
        "clauses": [each._asdict() for each in explanation.clauses],
        "next_flip": explanation.next_flip,
        "stays": msgspec.to_builtins(explanation.stays),
    }
