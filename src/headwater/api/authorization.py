"""Who may call which route: a token in the request, and scopes that each route names.

Every route carries `opt={"scopes": …}`; a route without a rule lets nobody in. The token comes raw in `Authorization`, as
the Lytics API has it, or after `Bearer`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from litestar.connection import ASGIConnection
from litestar.exceptions import NotAuthorizedException, PermissionDeniedException, TooManyRequestsException
from litestar.handlers import BaseRouteHandler

from headwater.api.failed_attempts import FailedAttempts
from headwater.api.ports import Services
from headwater.api.public_visits import PublicVisits, asks_publicly
from headwater.errors import UnavailableError
from headwater.pipelines.token_store import TokenGrant
from headwater.profiles.public_access.rules import PublicAccess

LOADING_RETRY_SECONDS = 2.0

READ: Mapping[str, Any] = {
    "scopes": frozenset({"admin", "general_manager", "campaign_manager", "data_manager", "marketer", "observer"})
}
"""Configuration without secrets."""
CHANGE: Mapping[str, Any] = {"scopes": frozenset({"admin", "general_manager", "campaign_manager"})}
"""Pipelines, integrations, deployments; the content of dead letters, which is customers' data."""
TOKENS: Mapping[str, Any] = {"scopes": frozenset({"admin"})}
"""Tokens: whoever may create one may do everything."""
ANY: Mapping[str, Any] = {"scopes": None}
"""Any valid token."""
SCHEMA_READ: Mapping[str, Any] = {"scopes": READ["scopes"] | {"segment_manager"}}
"""Schema, streams and mappings: no person's data."""
SCHEMA_CHANGE: Mapping[str, Any] = {"scopes": frozenset({"admin", "general_manager", "data_manager"})}
"""What profiles are made of."""
PROFILE_READ: Mapping[str, Any] = {
    "scopes": frozenset({"admin", "general_manager", "data_manager", "segment_manager", "marketer", "observer"})
}
"""Profiles: persons' data."""
PROFILE_CHANGE: Mapping[str, Any] = {"scopes": frozenset({"admin", "general_manager", "data_manager"})}
"""Deletion of persons' data, and decisions about who is who."""
AUDIENCE_READ: Mapping[str, Any] = {"scopes": READ["scopes"] | {"segment_manager"}}
"""Audiences, their sizes and field statistics: no single person's data."""
AUDIENCE_CHANGE: Mapping[str, Any] = {
    "scopes": frozenset({"admin", "general_manager", "campaign_manager", "segment_manager", "marketer"})
}
"""Audiences and subscriptions to them."""
TOKEN_IN_QUERY: Mapping[str, Any] = {"token_in_query": True}
"""Beside the scopes: the token may also come as the parameter `access_token`, as the first Lytics API has it."""

PUBLIC: Mapping[str, Any] = {"public": True}
"""Beside the scopes: browsers may ask without a token, as far as public access allows."""


async def require_scope(connection: ASGIConnection[Any, Any, Any, Any], handler: BaseRouteHandler) -> None:
    """Let the request pass when its token has one of the route's scopes; notes the grant for `grant_of`.

    A route that carries `PUBLIC` lets browsers in without a token, by the rules of public access (`visit_of`).

    Raises NotAuthorizedException (401), PermissionDeniedException (403), TooManyRequestsException (429), or
    UnavailableError while tokens are not loaded yet.
    """
    if handler.opt.get("public") and not _raw_token(connection, in_query=True) and asks_publicly(connection):
        visits: PublicVisits = connection.app.state.public_visits
        connection.scope["auth"] = await visits.admit(connection, connection.app.state.services.tokens.account_ids)
        return
    grant = _authenticate(connection, in_query=bool(handler.opt.get("token_in_query")))
    if "scopes" not in handler.opt:
        raise PermissionDeniedException("this route has no rule for access")
    scopes = handler.opt["scopes"]
    if scopes is not None and grant.scopes.isdisjoint(scopes):
        raise PermissionDeniedException(
            f"the token lacks a scope for this; it needs one of {', '.join(sorted(scopes))}"
        )
    connection.scope["auth"] = grant


def grant_of(connection: ASGIConnection[Any, Any, Any, Any]) -> TokenGrant:
    """The grant of a request that passed."""
    grant: TokenGrant = connection.scope["auth"]
    return grant


def visit_of(connection: ASGIConnection[Any, Any, Any, Any]) -> PublicAccess | None:
    """The rules that a request without a token passed by; None for one with a token."""
    found = connection.scope["auth"]
    return found if isinstance(found, PublicAccess) else None


def actor_of(connection: ASGIConnection[Any, Any, Any, Any]) -> str:
    """How the audit log names the caller."""
    grant = grant_of(connection)
    return f"token {grant.name} ({grant.id})"


def _authenticate(connection: ASGIConnection[Any, Any, Any, Any], *, in_query: bool) -> TokenGrant:
    services: Services = connection.app.state.services
    if not services.tokens.ready:
        raise UnavailableError("the configuration is still being loaded; try again soon", LOADING_RETRY_SECONDS)
    raw = _raw_token(connection, in_query=in_query)
    grant = services.tokens.token(raw) if raw else None
    if grant is not None:
        return grant
    if raw:
        _count_failure(connection)
    raise NotAuthorizedException(
        "the token is unknown or revoked" if raw else "the request has no token; send it in the header Authorization",
        headers={"WWW-Authenticate": "Bearer"},
    )


def _raw_token(connection: ASGIConnection[Any, Any, Any, Any], *, in_query: bool) -> str:
    raw = _token(connection.headers.get("authorization", ""))
    return raw or (str(connection.query_params.get("access_token", "")) if in_query else "")


def _token(header: str) -> str:
    scheme, _, rest = header.strip().partition(" ")
    return rest.strip() if scheme.lower() == "bearer" else header.strip()


def _count_failure(connection: ASGIConnection[Any, Any, Any, Any]) -> None:
    attempts: FailedAttempts = connection.app.state.failed_attempts
    wait = attempts.note(connection.client.host if connection.client else "")
    if wait > 0:
        raise TooManyRequestsException(
            "too many wrong tokens from this address; wait", headers={"Retry-After": str(math.ceil(wait))}
        )
