"""Authentication as values, and the pure part of applying it.

Fetching an OAuth 2 token needs the network and happens elsewhere: `token_request` says what to send, `bearer` where the
token goes.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl, quote, urlsplit

import jwt
import msgspec
import orjson

from headwater.errors import ConfigurationError
from headwater.playbooks.outputs import Clock, HttpRequest, replaced_header
from headwater.playbooks.urls import encode_pairs, with_query

FORM = "application/x-www-form-urlencoded"
JSON = "application/json"
TOKEN_LIFE_SECONDS = 3600
"""Life of a token whose reply names none."""
RENEW_EARLY_SECONDS = 60
"""A token is renewed this long before it ends."""


class Basic(msgspec.Struct, frozen=True, tag=True):
    """User name and password."""

    username: str
    password: str


class OAuth1(msgspec.Struct, frozen=True, tag=True):
    """OAuth 1.0a with HMAC-SHA1 (RFC 5849)."""

    consumer_key: str
    consumer_secret: str
    access_token: str
    token_secret: str


class Assertion(msgspec.Struct, frozen=True):
    """A JWT that goes into the token request under `request_key`. `algorithm` is RS256 or HS256, `key` PEM or secret."""

    request_key: str
    claims: tuple[tuple[str, str], ...]
    algorithm: str
    key: str
    include_jti: bool


class OAuth2(msgspec.Struct, frozen=True, tag=True):
    """How a bearer token is fetched; `token_key` is the key of the JSON reply that holds it."""

    url: str
    method: str
    content_type: str
    headers: tuple[tuple[str, str], ...]
    body: tuple[tuple[str, str], ...]
    token_key: str
    assertion: Assertion | None


class Unsupported(msgspec.Struct, frozen=True, tag=True):
    """A vendor's scheme that is not implemented; an integration with it is refused."""

    name: str


Authentication = Basic | OAuth1 | OAuth2 | Unsupported


def authentication_of(section: Mapping[str, Any]) -> Authentication | None:
    """The authentication of a connection section whose placeholders are replaced; None when it has none.

    Raises ConfigurationError when a field is empty that must not be.
    """
    if "basicAuth" in section:
        row = section["basicAuth"]
        return Basic(_field(row, "username"), _optional(row, "password"))
    if "oauth1Auth" in section:
        row = section["oauth1Auth"]
        return OAuth1(*(_field(row, name) for name in ("consumerKey", "consumerSecret", "accessToken", "tokenSecret")))
    if "oauth2Auth" in section:
        return _oauth2(section["oauth2Auth"])
    if "providerAuth" in section:
        return Unsupported(next(iter(section["providerAuth"])))
    return None


def _field(row: Mapping[str, Any], name: str) -> str:
    value = row.get(name)
    if not isinstance(value, str):
        raise ConfigurationError(f"{name} has no value; set its parameter")
    return value


def _optional(row: Mapping[str, Any], name: str) -> str:
    value = row.get(name)
    return value if isinstance(value, str) else ""


def _pairs(rows: Any) -> tuple[tuple[str, str], ...]:
    return tuple((row["key"], row["value"]) for row in rows or () if isinstance(row.get("value"), str))


def _oauth2(row: Mapping[str, Any]) -> OAuth2:
    request = row["request"]
    return OAuth2(
        url=_field(request, "url"),
        method=_field(request, "method"),
        content_type=request.get("contentType", FORM),
        headers=_pairs(request.get("headers")),
        body=_pairs(request.get("body")),
        token_key=_field(row, "responseAccessTokenKey"),
        assertion=_assertion(row["jwt"]) if "jwt" in row else None,
    )


def _assertion(row: Mapping[str, Any]) -> Assertion:
    algorithm = "RS256" if row["signingMethod"] == "SIGNING_METHOD_RS256" else "HS256"
    key = _field(row, "rsaPemKey" if algorithm == "RS256" else "hsSigningSecret")
    include_jti = row.get("includeJti", False) in (True, "true")
    return Assertion(_field(row, "requestKey"), _pairs(row.get("claims")), algorithm, key, include_jti)


def sign(request: HttpRequest, authentication: Authentication | None, clock: Clock) -> HttpRequest:
    """The request with everything that needs no network: Basic and OAuth 1. OAuth 2 is left to `bearer`."""
    if isinstance(authentication, Basic):
        pair = f"{authentication.username}:{authentication.password}".encode()
        return request.with_header("Authorization", "Basic " + base64.b64encode(pair).decode())
    if isinstance(authentication, OAuth1):
        seconds = clock.now_ns() // 1_000_000_000
        return request.with_header("Authorization", oauth1_header(request, authentication, seconds, clock.new_uuid()))
    return request


def bearer(request: HttpRequest, token: str) -> HttpRequest:
    """The request with an OAuth 2 token, in place of any Authorization header."""
    return request.with_header("Authorization", f"Bearer {token}")


def oauth1_header(request: HttpRequest, keys: OAuth1, seconds: int, nonce: str) -> str:
    """The Authorization header of RFC 5849, section 3: signed are method, URL, query and a form body."""
    own = {
        "oauth_consumer_key": keys.consumer_key,
        "oauth_nonce": nonce,
        "oauth_signature_method": "HMAC-SHA1",
        "oauth_timestamp": str(seconds),
        "oauth_token": keys.access_token,
        "oauth_version": "1.0",
    }
    base = "&".join(
        _encode(part) for part in (request.method.upper(), _base_url(request.url), _normalised(request, own))
    )
    key = f"{_encode(keys.consumer_secret)}&{_encode(keys.token_secret)}".encode()
    own["oauth_signature"] = base64.b64encode(hmac.digest(key, base.encode(), hashlib.sha1)).decode()
    return "OAuth " + ", ".join(f'{name}="{_encode(own[name])}"' for name in sorted(own))


def _encode(text: str) -> str:
    return quote(text, safe="-._~")


def _base_url(url: str) -> str:
    parts = urlsplit(url)
    scheme, host = parts.scheme.lower(), parts.netloc.rpartition("@")[2].lower()
    default_port = {"http": ":80", "https": ":443"}.get(scheme, "")
    return f"{scheme}://{host.removesuffix(default_port) if default_port else host}{parts.path or '/'}"


def _normalised(request: HttpRequest, own: Mapping[str, str]) -> str:
    pairs = [*own.items(), *parse_qsl(urlsplit(request.url).query, keep_blank_values=True)]
    content_type = request.header("Content-Type")
    if request.body is not None and content_type is not None and content_type.lower().startswith(FORM):
        pairs.extend(parse_qsl(request.body.decode("utf-8", "replace"), keep_blank_values=True))
    return "&".join(f"{key}={value}" for key, value in sorted((_encode(key), _encode(value)) for key, value in pairs))


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
    """The JWT: the claims as text, `iat` now and `exp` in an hour unless they are among the claims, `jti` when asked for."""
    now = clock.now_ns() // 1_000_000_000
    claims: dict[str, Any] = {"iat": now, "exp": now + TOKEN_LIFE_SECONDS, **dict(assertion.claims)}
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
