"""API tokens: created with scopes, shown once, kept as a hash. Writers take a `Change`, readers any connection.

The scopes are those of the Lytics API, so that a token means the same on both APIs.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterable
from datetime import datetime
from typing import Any, NamedTuple

import msgspec

from headwater.errors import InputError
from headwater.pipelines import slugs
from headwater.pipelines.changes import QUERIES, Change

SCOPES = {
    "admin": "everything, tokens included",
    "data": "send data through the Lytics doors",
    "data_write": "send data through the Lytics doors, and nothing else",
    "data_manager": "schema, mappings, streams; read profiles",
    "content_manager": "content and topics",
    "segment_manager": "create and change audiences; read profiles",
    "marketer": "audiences and campaigns; read profiles",
    "observer": "read everything except secrets",
    "campaign_manager": "pipelines, integrations and what they deliver",
    "general_manager": "everything except tokens",
}
"""Scope names (Lytics API access tokens) and what each allows here."""

_PREFIX = "hw_"
_RANDOM_BYTES = 32


class TokenGrant(msgspec.Struct, frozen=True):
    """What the bearer of a valid token may do."""

    id: str
    name: str
    scopes: frozenset[str]


class ApiToken(msgspec.Struct, frozen=True):
    """A token as people see it: never the token itself, never its hash."""

    id: str
    name: str
    scopes: tuple[str, ...]
    created_at: datetime
    created_by: str
    revoked_at: datetime | None


class NewToken(NamedTuple):
    """A token that was just created; `raw` is shown now and never again."""

    token: ApiToken
    raw: str


def hash_of(raw: str) -> bytes:
    """What is stored of a token. It has 256 random bits, so a plain hash cannot be guessed backwards."""
    return hashlib.sha256(raw.encode("utf-8", "surrogatepass")).digest()


def check_scopes(scopes: Iterable[str]) -> tuple[str, ...]:
    """Scopes in a fixed order, each once. Raises InputError for an unknown one or none at all."""
    wanted = set(scopes)
    unknown = sorted(wanted - SCOPES.keys())
    if unknown:
        raise InputError(f"unknown scope {unknown[0]!r}; known are {', '.join(SCOPES)}", "scopes")
    if not wanted:
        raise InputError(f"a token needs at least one scope of {', '.join(SCOPES)}", "scopes")
    return tuple(scope for scope in SCOPES if scope in wanted)


async def every(connection: Any) -> list[ApiToken]:
    """All tokens, revoked ones too, oldest first."""
    return [_token(row) for row in await connection.fetch(QUERIES["tokens"])]


async def create(change: Change, *, name: str, scopes: Iterable[str]) -> NewToken:
    """Create a token. Raises InputError for a wrong name or scope."""
    raw = _PREFIX + secrets.token_urlsafe(_RANDOM_BYTES)
    row = await change.connection.fetchrow(
        QUERIES["insert_token"],
        slugs.new_id(),
        slugs.check_name(name),
        hash_of(raw),
        list(check_scopes(scopes)),
        change.actor,
    )
    token = _token(row)
    await change.record("token created", f"token {token.id}", None, token)
    return NewToken(token, raw)


async def revoke(change: Change, token_id: str) -> ApiToken:
    """End a token's use; every process refuses it within 2 seconds. Raises InputError with the code "not_found"."""
    before = await change.connection.fetchrow(QUERIES["token"], token_id)
    if before is None:
        raise InputError(
            f"there is no token {token_id!r}; `headwater token list` shows them", "token", code="not_found"
        )
    after = _token(await change.connection.fetchrow(QUERIES["revoke_token"], token_id))
    if before["revoked_at"] is None:
        await change.record("token revoked", f"token {token_id}", _token(before), after)
    return after


def _token(row: Any) -> ApiToken:
    return msgspec.convert(dict(row), ApiToken)
