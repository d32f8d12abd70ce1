"""Which secrets this install holds and where they are kept; never the secrets themselves."""

from __future__ import annotations

from typing import Any, Literal, NamedTuple

from litestar import Request, Response, get
from litestar.datastructures import State

from headwater.console.ports import Console, console_of
from headwater.console.rendering import page
from headwater.database.transactions import transaction
from headwater.errors import ConfigurationError
from headwater.pipelines import deployment_store, integration_store
from headwater.pipelines.objects import Integration, ParameterValue, ReferenceValue, Revision, SealedValue
from headwater.pipelines.secrets import parameter_place

Caller = Request[Any, Any, State]


class HeldSecret(NamedTuple):
    """A secret parameter of a revision. `place` is the reference of one that is kept elsewhere."""

    integration: Integration
    revision: int
    parameter: str
    kept: Literal["sealed", "elsewhere", "cannot be opened"]
    place: str


@get("/settings/secrets")
async def show_secrets(request: Caller) -> Response[Any]:
    """The secrets of every integration's newest revision, and of those that are deployed."""
    console = console_of(request)
    async with transaction(console.pool, read_only=True) as database:
        integrations = await integration_store.every(database)
        attachments = await deployment_store.attachments(database)
        wanted = {(found.integration_id, found.revision) for found in attachments}
        wanted |= {(found.id, found.latest_revision) for found in integrations if found.latest_revision}
        by_id = {found.id: found for found in integrations}
        revisions = [await integration_store.revision(database, by_id[each], number) for each, number in sorted(wanted)]
    held = [secret for revision in revisions for secret in _secrets(console, by_id[revision.integration_id], revision)]
    held.sort(key=lambda secret: (secret.integration.slug, -secret.revision, secret.parameter))
    return page(request, "settings/secrets.html", secrets=held)


def _secrets(console: Console, integration: Integration, revision: Revision) -> list[HeldSecret]:
    return [
        found
        for name, value in revision.content.parameters.items()
        if (found := _held(console, integration, revision.number, name, value)) is not None
    ]


def _held(
    console: Console, integration: Integration, revision: int, name: str, value: ParameterValue
) -> HeldSecret | None:
    match value:
        case ReferenceValue(reference):
            return HeldSecret(integration, revision, name, "elsewhere", reference)
        case SealedValue(sealed):
            try:
                console.services.box.open(sealed, parameter_place(integration.id, name))
            except ConfigurationError as fault:
                return HeldSecret(integration, revision, name, "cannot be opened", fault.message)
            return HeldSecret(integration, revision, name, "sealed", "")
    return None


HANDLERS = (show_secrets,)
