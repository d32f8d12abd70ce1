"""Authentication as values, and the pure part of applying it.

Schemes whose token must be fetched (`Fetched`) need the network, which is elsewhere; `oauth2` and `data_cloud` say what to
send and how to read the answer.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl, quote, urlsplit

import msgspec

from headwater.errors import ConfigurationError
from headwater.playbooks.data_cloud import DataCloud, data_cloud
from headwater.playbooks.oauth2 import FORM, Assertion, OAuth2
from headwater.playbooks.outputs import Clock, HttpRequest
from headwater.playbooks.timestamp_signature import TimestampSignature, timestamp_signed
from headwater.playbooks.trade_desk import TradeDesk, trade_desk_signed


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


class Unsupported(msgspec.Struct, frozen=True, tag=True):
    """A vendor's scheme that is not implemented; an integration with it is refused."""

    name: str


Fetched = OAuth2 | DataCloud
"""Schemes with a bearer token that the sender fetches first."""
Authentication = Basic | OAuth1 | Fetched | TimestampSignature | TradeDesk | Unsupported


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
        return _provider(*next(iter(section["providerAuth"].items())))
    return None


def _provider(name: str, row: Mapping[str, Any]) -> Authentication:
    if name == "tradedesk":
        return TradeDesk(*(_filled(row, field) for field in ("secretKey", "secretKeyDataProvider")))
    if name == "headwater":
        return TimestampSignature(_filled(row, "secret"))
    if name == "salesforceCdp":
        return data_cloud(*(_filled(row, field) for field in ("clientId", "userName", "loginUrl", "privateKey")))
    return Unsupported(name)


def _field(row: Mapping[str, Any], name: str) -> str:
    value = row.get(name)
    if not isinstance(value, str):
        raise ConfigurationError(f"{name} has no value; set its parameter")
    return value


def _filled(row: Mapping[str, Any], name: str) -> str:
    """A field that is not blank: a blank key would sign, and mean nothing."""
    value = _field(row, name)
    if not value.strip():
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
    """The request with everything that needs no network: all but what `Fetched` is about."""
    if isinstance(authentication, Basic):
        pair = f"{authentication.username}:{authentication.password}".encode()
        return request.with_header("Authorization", "Basic " + base64.b64encode(pair).decode())
    if isinstance(authentication, OAuth1):
        seconds = clock.now_ns() // 1_000_000_000
        return request.with_header("Authorization", oauth1_header(request, authentication, seconds, clock.new_uuid()))
    if isinstance(authentication, TradeDesk):
        return trade_desk_signed(request, authentication)
    if isinstance(authentication, TimestampSignature):
        return timestamp_signed(request, authentication, clock.now_ns() // 1_000_000_000)
    return request


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
