"""Building profiles anew, in our own admin API."""

from __future__ import annotations

from typing import Any

import msgspec
from litestar import Controller, Request, delete, get, post
from litestar.datastructures import State
from litestar.params import JSONBody

from headwater.api.authorization import PROFILE_CHANGE, PROFILE_READ, actor_of
from headwater.api.ports import Services
from headwater.errors import InputError
from headwater.profiles.rebuild.desk import Rebuild

Caller = Request[Any, Any, State]


class RebuildOrder(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`quiet`: who is in other audiences afterwards is not announced."""

    quiet: bool = False


class RebuildRoutes(Controller):
    """One rebuild at a time."""

    path = "/profiles/rebuild"
    tags = ("profiles",)

    @get("/", opt=PROFILE_READ, summary="Show how far the rebuild is")
    async def show(self, state: State) -> Rebuild:
        """The one that is under way, or else the last one."""
        services: Services = state.services
        found = await services.profiles.rebuild.status()
        if found is None:
            raise InputError("profiles were never rebuilt", code="not_found")
        return found

    @post("/", opt=PROFILE_CHANGE, summary="Rebuild profiles", status_code=202)
    async def start(self, state: State, request: Caller, data: JSONBody[RebuildOrder]) -> Rebuild:
        """With the newest schema version that waits for it, else with the live one; it goes live by itself when it has caught up."""
        services: Services = state.services
        return await services.profiles.rebuild.start(actor_of(request), quiet=data.quiet)

    @delete("/", opt=PROFILE_CHANGE, summary="Give the rebuild up", status_code=200)
    async def cancel(self, state: State, request: Caller) -> Rebuild:
        """The live profiles stay as they are."""
        services: Services = state.services
        return await services.profiles.rebuild.cancel(actor_of(request))
