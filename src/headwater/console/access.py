"""The guard of all pages: who is asking, may they, and does the request come from one of our own forms.

A request that changes something needs three things besides a role: a session cookie that other sites cannot send
(SameSite), an `Origin` that is ours, and the session's form token in the form or in the header `X-Form-Token`.
"""

from __future__ import annotations

import hmac
from typing import Any
from urllib.parse import urlsplit

from litestar import Request
from litestar.connection import ASGIConnection
from litestar.exceptions import NotAuthorizedException, PermissionDeniedException
from litestar.handlers import BaseRouteHandler

from headwater.console import cookies
from headwater.console.access_rules import FILE, PUBLIC, RULES
from headwater.console.accounts import sessions
from headwater.console.accounts.roles import at_least
from headwater.console.accounts.sessions import Visitor
from headwater.console.ports import console_of
from headwater.database.transactions import transaction

FORM_TOKEN = "form_token"  # noqa: S105  # the name of a form field
FORM_TOKEN_HEADER = "x-form-token"  # noqa: S105  # the name of a header
_CHANGES_NOTHING = frozenset({"GET", "HEAD", "OPTIONS"})

Connection = ASGIConnection[Any, Any, Any, Any]


async def guard(connection: Connection, _: BaseRouteHandler) -> None:
    """Let a request pass that the table allows; `visitor_of` tells who it is from.

    Raises NotAuthorizedException (401) without a session, PermissionDeniedException (403) for a weaker role, a route
    without a rule, or a request that did not come from one of our pages.
    """
    if not isinstance(connection, Request):
        raise PermissionDeniedException("pages are asked for over HTTP only")
    method = connection.method
    rule = RULES.get(f"{method} {connection.scope['path_template']}")
    if rule is None:
        raise PermissionDeniedException("this page has no rule for access yet")
    if rule == FILE:
        return
    if method not in _CHANGES_NOTHING:
        _require_own_origin(connection)
    visitor = await _visitor(connection)
    connection.scope["user"] = visitor
    if rule == PUBLIC:
        return
    if visitor is None:
        raise NotAuthorizedException("sign in to go on")
    if method not in _CHANGES_NOTHING:
        await _require_form_token(connection, visitor)
    if not at_least(visitor.role, rule):
        raise PermissionDeniedException(
            f"this needs the role {rule}, and you are {visitor.role}; an admin can change your role under Settings, People"
        )


def visitor_of(connection: Connection) -> Visitor:
    """Who a request is from, on a page that needs a session."""
    visitor: Visitor = connection.scope["user"]
    return visitor


def visitor_if_any(connection: Connection) -> Visitor | None:
    """Who a request is from, None for nobody, also where no guard was."""
    visitor: Visitor | None = connection.scope.get("user")
    return visitor


async def _visitor(connection: Connection) -> Visitor | None:
    secret = connection.cookies.get(cookies.SESSION)
    if not secret:
        return None
    async with transaction(console_of(connection).pool) as database:
        seen = await sessions.see(database, secret)
    if seen is None:
        return None
    if seen.renewed is not None:
        cookies.set_session(connection, seen.renewed)
    return seen.visitor


def _require_own_origin(connection: Connection) -> None:
    """Browsers name the page's origin with each form; what names none is no browser, and has no cookie of ours."""
    origin = connection.headers.get("origin")
    if origin is None:
        return
    ours = {connection.headers.get("host", ""), urlsplit(console_of(connection).public_url).netloc}
    if urlsplit(origin).netloc not in ours:
        raise PermissionDeniedException(
            "this form was sent by another site; open the page again. Behind a proxy, set console.public_url"
        )


async def _require_form_token(connection: Request[Any, Any, Any], visitor: Visitor) -> None:
    given = connection.headers.get(FORM_TOKEN_HEADER)
    if given is None:
        given = (await connection.form()).get(FORM_TOKEN)
    if not isinstance(given, str) or not hmac.compare_digest(given.encode(), visitor.form_token.encode()):
        raise PermissionDeniedException("this form is too old; open the page again and repeat what you did")
