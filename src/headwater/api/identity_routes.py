"""Identities over HTTP as the second Lytics API has them: `/v2/identity`."""

from __future__ import annotations

from typing import Any

import msgspec
from litestar import Controller, Request, delete, get, post
from litestar.datastructures import State
from litestar.params import RawBody

from headwater.api.authorization import PROFILE_CHANGE, PROFILE_READ, actor_of
from headwater.api.entity_documents import identity_document
from headwater.api.entity_routes import erasure_document, identifier_of, profile_of
from headwater.api.lytics_replies import TABLE, converted, object_of, require_table, second_reply
from headwater.api.names import FieldName, FieldValue, TableName
from headwater.api.ports import Services
from headwater.errors import InputError

Caller = Request[Any, Any, State]
VALUES_LIMIT = 1_000
"""Persons that one request may delete."""


class Person(msgspec.Struct, frozen=True):
    """Whom a request means."""

    field: str
    value: str
    table: str = TABLE


class IdentityRoutes(Controller):
    """Who is who, without data."""

    path = "/identity"
    tags = ("lytics: entities",)

    @get("/{table:str}/{field:str}/{value:str}", opt=PROFILE_READ, summary="Show an identity")
    async def show(self, state: State, table: TableName, field: FieldName, value: FieldValue) -> dict[str, Any]:
        """Keys of a profile and its fragments with their neighbours; 404 for somebody unknown."""
        require_table(table)
        return await _identity(state.services, field, value)

    @post("/lookup", opt=PROFILE_READ, summary="Look an identity up", status_code=200)
    async def look_up(self, state: State, body: RawBody) -> dict[str, Any]:
        """As the path does, for values that do not fit into one."""
        person = _person(body)
        return await _identity(state.services, person.field, person.value)

    @delete("/{table:str}/{field:str}/{value:str}", opt=PROFILE_CHANGE, summary="Delete a person", status_code=200)
    async def remove(
        self, state: State, request: Caller, table: TableName, field: FieldName, value: FieldValue
    ) -> dict[str, Any]:
        """The profile goes at once, log and archive follow."""
        require_table(table)
        return second_reply(await _deleted(state.services, actor_of(request), field, value))

    @post("/delete", opt=PROFILE_CHANGE, summary="Delete several persons", status_code=200)
    async def remove_several(self, state: State, request: Caller, body: RawBody) -> dict[str, Any]:
        """`{"identities": [{"field", "value"}]}`; each gets a request id."""
        document = object_of(body, ("identities",))
        persons: list[Person] = converted(document.get("identities"), list[Person], "identities")
        if len(persons) > VALUES_LIMIT:
            raise InputError(f"at most {VALUES_LIMIT} in one request", "identities")
        for person in persons:
            require_table(person.table)
        actor = actor_of(request)
        return second_reply([await _deleted(state.services, actor, each.field, each.value) for each in persons])


def _person(body: bytes) -> Person:
    person: Person = converted(object_of(body, Person.__struct_fields__), Person)
    require_table(person.table)
    if "\0" in person.value:
        raise InputError("a NUL cannot be in an identifier", "value")
    return person


async def _identity(services: Services, field: str, value: str) -> dict[str, Any]:
    profile = await profile_of(services, field, value)
    explanation = None if profile is None else await services.profiles.reader.explain(profile.id)
    if explanation is None:
        raise InputError(f"nobody has {field} {value!r}", "value", "not_found")
    return second_reply(identity_document(explanation))


async def _deleted(services: Services, actor: str, field: str, value: str) -> dict[str, Any]:
    identifier = await identifier_of(services, field, value)
    return erasure_document(await services.profiles.erasure.erase(actor, identifier))
