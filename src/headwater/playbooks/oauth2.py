"""OAuth 2 as far as it needs no network: the request for a token, the assertion in it, the token of the reply.

`token_request` says what to send, `token_of` reads the answer, `bearer` puts the token where it goes.
"""

from __future__ import annotations

from typing import Any

import jwt
import msgspec
import orjson

from headwater.errors import ConfigurationError
from headwater.playbooks.outputs import Clock, HttpRequest, replaced_header
from headwater.playbooks.urls import encode_pairs, with_query

FORM = "application/x-www-form-urlencoded"
TOKEN_LIFE_SECONDS = 3600
"""Life of a token whose reply names none, and of an assertion whose scheme sets no other."""
RENEW_EARLY_SECONDS = 60
"""A token is renewed this long before it ends."""


class Assertion(msgspec.Struct, frozen=True):
    """A JWT that goes into the token request under `request_key`. `algorithm` is RS256 or HS256, `key` PEM or secret.

    `life_seconds` is how long it is valid when its claims do not say so themselves.
    """

    request_key: str
    claims: tuple[tuple[str, str], ...]
    algorithm: str
    key: str
    include_jti: bool
    life_seconds: int = TOKEN_LIFE_SECONDS


class OAuth2(msgspec.Struct, frozen=True, tag=True):
    """How a bearer token is fetched; `token_key` is the key of the JSON reply that holds it."""

    url: str
    method: str
    content_type: str
    headers: tuple[tuple[str, str], ...]
    body: tuple[tuple[str, str], ...]
    token_key: str
    assertion: Assertion | None


def bearer(request: HttpRequest, token: str) -> HttpRequest:
    """The request with an OAuth 2 token, in place of any Authorization header."""
    return request.with_header("Authorization", f"Bearer {token}")


def token_request(authentication: OAuth2, clock: Clock) -> HttpRequest:
    """The request that fetches a token, with a freshly signed assertion when the scheme has one.

    Raises ConfigurationError when the key does not fit the algorithm; the message never holds the key.
    """
    fields = dict(authentication.body)
    if authentication.assertion is not None:
        fields[authentication.assertion.request_key] = signed_assertion(authentication.assertion, clock)
    if authentication.method == "GET":
        return HttpRequest("GET", with_query(authentication.url, fields), authentication.headers, None)
    headers = replaced_header(authentication.headers, "Content-Type", authentication.content_type)
    body = orjson.dumps({key: _json_value(value) for key, value in fields.items()})
    if authentication.content_type == FORM:
        body = encode_pairs(fields.items()).encode()
    return HttpRequest(authentication.method, authentication.url, headers, body)


def _json_value(text: str) -> Any:
    """Text that is itself the JSON of a list or an object goes into a JSON body as such."""
    if text[:1] not in ("[", "{"):
        return text
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return text


def signed_assertion(assertion: Assertion, clock: Clock) -> str:
    """The JWT: the claims as text, `iat` and `exp` unless they are among the claims, `jti` when asked for."""
    now = clock.now_ns() // 1_000_000_000
    claims: dict[str, Any] = {"iat": now, "exp": now + assertion.life_seconds, **dict(assertion.claims)}
    if assertion.include_jti:
        claims["jti"] = clock.new_uuid()
    key = assertion.key.replace("\\n", "\n") if assertion.algorithm == "RS256" else assertion.key
    try:
        return jwt.encode(claims, key, algorithm=assertion.algorithm)
    except (jwt.PyJWTError, ValueError, TypeError):
        raise ConfigurationError(f"the assertion cannot be signed with {assertion.algorithm}; check its key") from None


def token_of(reply: Any, authentication: OAuth2) -> tuple[str, int] | None:
    """The token in a reply and its life in seconds; None when the reply holds none."""
    if not isinstance(reply, dict):
        return None
    token = reply.get(authentication.token_key)
    if not isinstance(token, str) or not token:
        return None
    life = reply.get("expires_in")
    if isinstance(life, str) and life.isdigit():
        life = int(life)
    seconds = (
        int(life) if isinstance(life, int | float) and not isinstance(life, bool) and life > 0 else TOKEN_LIFE_SECONDS
    )
    return token, seconds
