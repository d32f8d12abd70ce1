"""Pages out of templates. Everything is escaped; a name that a template does not get is an error."""

from __future__ import annotations

from typing import Any

import jinja2
from litestar import Response
from litestar.background_tasks import BackgroundTask
from litestar.connection import ASGIConnection

from headwater import __version__
from headwater.console import cookies, navigation, wording
from headwater.console.access import visitor_if_any
from headwater.console.accounts import sessions
from headwater.console.accounts.roles import at_least
from headwater.console.accounts.sessions import Visitor
from headwater.console.ports import console_of
from headwater.console.static_files import static_url
from headwater.database.transactions import transaction

Connection = ASGIConnection[Any, Any, Any, Any]


def page(connection: Connection, template: str, *, status: int = 200, **context: Any) -> Response[str]:
    """A page or a part of one. Templates also know `visitor`, `can(role)`, `path`, `theme`, `navigation`."""
    visitor = visitor_if_any(connection)
    text = ENVIRONMENT.get_template(template).render(
        visitor=visitor,
        can=lambda role: visitor is not None and at_least(visitor.role, role),
        path=connection.scope["path"],
        theme=cookies.theme_of(connection),
        navigation=[] if visitor is None else navigation.parts_for(visitor.role),
        **context,
    )
    shown = None if visitor is None or visitor.notice is None else BackgroundTask(_forget_notice, connection, visitor)
    return Response(text, status_code=status, media_type="text/html; charset=utf-8", background=shown)


def fragment(template: str, **context: Any) -> str:
    """A part of a page for a stream, which has no request of its own."""
    return ENVIRONMENT.get_template(template).render(**context)


async def _forget_notice(connection: Connection, visitor: Visitor) -> None:
    async with transaction(console_of(connection).pool) as database:
        await sessions.clear_notice(database, visitor)


def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("headwater.console", "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals |= {"static": static_url, "version": __version__, "is_current": navigation.is_current}
    environment.filters |= wording.FILTERS
    return environment


ENVIRONMENT = _environment()
