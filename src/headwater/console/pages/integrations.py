"""Integrations: those of this install, and the library of kits."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any

from litestar import Request, Response, get
from litestar.datastructures import State
from litestar.params import PathParameter, QueryParameter

from headwater.console.integrations.addresses import page_of
from headwater.console.integrations.compiled import library_kits
from headwater.console.integrations.rule_wording import value
from headwater.console.ports import console_of
from headwater.console.rendering import page
from headwater.database.transactions import transaction
from headwater.integrations import library
from headwater.integrations.library import Integration as LibraryKit
from headwater.pipelines import deployment_store, integration_store, secrets

Caller = Request[Any, Any, State]
Kit = Annotated[str, PathParameter(max_length=100)]
_Search = Annotated[str, QueryParameter(name="q", max_length=200)]


@get("/integrations")
async def integrations(request: Caller) -> Response[Any]:
    """Every integration of this install, and where it is in use."""
    async with transaction(console_of(request).pool, read_only=True) as database:
        found = await integration_store.every(database)
        attachments = await deployment_store.attachments(database)
    uses = {one.id: [used for used in attachments if used.integration_id == one.id] for one in found}
    return page(request, "integrations/list.html", integrations=found, uses=uses, page_of=page_of)


@get("/integrations/library")
async def show_library(request: Caller, search: _Search = "") -> Response[Any]:
    """The kits that can be added; those that fit what was typed."""
    kits = list(matching(library_kits(), search))
    template = "integrations/kits.html" if request.headers.get("hx-request") else "integrations/library.html"
    return page(request, template, kits=kits, search=search)


@get("/integrations/library/{kit:str}")
async def show_kit(request: Caller, kit: Kit) -> Response[Any]:
    """One kit: what it asks for, and what it makes of an event."""
    found = library.show(kit)
    return page(
        request,
        "integrations/kit.html",
        kit=found,
        sensitive=lambda parameter: secrets.is_sensitive(parameter.name, parameter.is_sensitive),
        json=value,
        notes=found.kit.metadata.value.get("releaseNotes") or (),
    )


def matching(kits: Iterable[LibraryKit], search: str) -> Iterable[LibraryKit]:
    """The kits in which every word of the search occurs, by name first."""
    words = search.lower().split()
    found = [kit for kit in kits if all(word in _text(kit) for word in words)]
    return sorted(found, key=lambda kit: (bool(words) and words[0] not in kit.friendly_name.lower(), kit.friendly_name))


def _text(kit: LibraryKit) -> str:
    return f"{kit.name} {kit.friendly_name} {kit.description}".lower()


HANDLERS = (integrations, show_library, show_kit)
