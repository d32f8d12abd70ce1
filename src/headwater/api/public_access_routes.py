"""Routes for the rules of public access."""

from __future__ import annotations

from typing import Any

from litestar import Controller, Request, get, put
from litestar.datastructures import State
from litestar.params import JSONBody

from headwater.api.authorization import PROFILE_CHANGE, SCHEMA_READ, actor_of
from headwater.database.transactions import transaction
from headwater.pipelines.changes import change
from headwater.profiles.public_access import rules
from headwater.profiles.public_access.rules import PublicAccess

Caller = Request[Any, Any, State]


class PublicAccessRoutes(Controller):
    """What browsers may read of profiles without a token."""

    path = "/public-access"
    tags = ("profiles",)

    @get("/", opt=SCHEMA_READ, summary="Show the rules of public access")
    async def show(self, state: State) -> PublicAccess:
        """The rules in force."""
        async with transaction(state.services.pool, read_only=True) as connection:
            return await rules.rules(connection)

    @put("/", opt=PROFILE_CHANGE, summary="Replace the rules of public access")
    async def replace(self, state: State, request: Caller, data: JSONBody[PublicAccess]) -> PublicAccess:
        """In force within seconds. Fields and identifiers with personal data are refused."""
        async with change(state.services.pool, actor_of(request)) as made:
            return await rules.replace(made, data)
