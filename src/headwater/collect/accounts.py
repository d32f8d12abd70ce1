"""Who may use the Lytics doors: holders of a data token, and pages that name a known account."""

from __future__ import annotations

from headwater.collect.collector import Collector
from headwater.collect.rate_limit import token_key
from headwater.collect.request import Request
from headwater.collect.sources import require_ready
from headwater.errors import InputError

UPLOAD_SCOPES = frozenset({"data", "data_write", "admin"})


def admit_upload(collector: Collector, request: Request) -> None:
    """Let the holder of a token with an upload scope pass. Raises InputError, UnavailableError or RateLimitedError."""
    require_ready(collector)
    raw = _token(request)
    grant = collector.sources.token(raw) if raw else None
    if grant is None:
        raise InputError("Not authorized", "Authorization", "unauthorized")
    if UPLOAD_SCOPES.isdisjoint(grant.scopes):
        message = f"the token lacks a scope for uploads; it needs one of {', '.join(sorted(UPLOAD_SCOPES))}"
        raise InputError(message, "Authorization", "forbidden")
    collector.limiter.check(token_key(raw))


def _token(request: Request) -> str:
    """The token as Lytics' clients send it: bare in Authorization, after "Bearer", or as `access_token`."""
    header = request.header(b"authorization").strip()
    scheme, _, rest = header.partition(" ")
    if scheme.lower() == "bearer":
        return rest.strip()
    return header or request.query("access_token") or ""


def admit_account(collector: Collector, account_id: str) -> None:
    """Let a page of a known account pass. The id is public. Raises InputError, UnavailableError or RateLimitedError."""
    require_ready(collector)
    if account_id not in collector.sources.account_ids:
        raise InputError("no such account", "cid", "unknown_account")
    collector.limiter.check(account_id)
