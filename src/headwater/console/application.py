"""The application of the console role: the pages, beside the admin API."""

from __future__ import annotations

from typing import Any

from litestar import Litestar, Router

from headwater.api import application as api
from headwater.console import errors, static_files
from headwater.console.access import guard
from headwater.console.pages import (
    account,
    audience,
    audience_activation,
    audiences,
    audit,
    dead_letters,
    deliveries,
    home,
    integration,
    integration_connection,
    integrations,
    live,
    live_event,
    mapping_editor,
    nowhere,
    people,
    pipeline_deployments,
    pipeline_sources,
    pipelines,
    profile,
    profile_identity,
    profiles,
    schema,
    schema_draft,
    schema_field,
    schema_identity,
    secret_values,
    sign_in,
    tokens,
)
from headwater.console.ports import Console
from headwater.console.response_headers import ResponseHeaders

PAGES = (
    *static_files.HANDLERS,
    *sign_in.HANDLERS,
    *home.HANDLERS,
    *live.HANDLERS,
    *live_event.HANDLERS,
    *pipelines.HANDLERS,
    *pipeline_sources.HANDLERS,
    *pipeline_deployments.HANDLERS,
    *integrations.HANDLERS,
    *integration_connection.HANDLERS,
    *integration.HANDLERS,
    *mapping_editor.HANDLERS,
    *deliveries.HANDLERS,
    *dead_letters.HANDLERS,
    *profiles.HANDLERS,
    *profile.HANDLERS,
    *profile_identity.HANDLERS,
    *audiences.HANDLERS,
    *audience.HANDLERS,
    *audience_activation.HANDLERS,
    *schema.HANDLERS,
    *schema_draft.HANDLERS,
    *schema_field.HANDLERS,
    *schema_identity.HANDLERS,
    *account.HANDLERS,
    *people.HANDLERS,
    *tokens.HANDLERS,
    *secret_values.HANDLERS,
    *audit.HANDLERS,
    *nowhere.HANDLERS,
)


def create_app(console: Console) -> Any:
    """The ASGI application: pages, static files and the admin API, with the console's headers on every reply."""
    return ResponseHeaders(create_routes(console), encrypted=console.public_url.startswith("https://"))


def create_routes(console: Console) -> Litestar:
    """The same without the headers."""
    app = api.create_app(console.services, mounted=[create_pages()])
    app.state.console = console
    return app


def create_pages() -> Router:
    """All pages, behind the guard."""
    return Router(
        "/",
        guards=[guard],
        exception_handlers={Exception: errors.reply_to},
        include_in_schema=False,
        route_handlers=PAGES,
    )
