"""Salesforce Data Cloud: a Salesforce token by a signed assertion, exchanged for a token of Data Cloud.

Sources: Salesforce Help, "OAuth 2.0 JWT Bearer Flow for Server-to-Server Integration"; Data Cloud Developer Guide, "Get
Started with Ingestion API".
"""

from __future__ import annotations

from typing import Any
from urllib.parse import SplitResult, urlsplit

import msgspec

from headwater.errors import ConfigurationError, PermanentError
from headwater.playbooks.oauth2 import FORM, Assertion, OAuth2, token_of
from headwater.playbooks.outputs import HttpRequest
from headwater.playbooks.urls import encode_pairs

ASSERTION_LIFE_SECONDS = 180
"""An assertion is used at once; whoever finds one later finds it worthless."""
LOGIN_PATH = "/services/oauth2/token"
EXCHANGE_PATH = "/services/a360/token"


class DataCloud(msgspec.Struct, frozen=True, tag=True):
    """`login` fetches the Salesforce token. Both replies hold their token under the same key."""

    login: OAuth2


def data_cloud(client_id: str, user_name: str, login_url: str, private_key: str) -> DataCloud:
    """The scheme of a connected app and the user for whom it acts; `private_key` is PEM.

    `login_url` is the login server, which is also the assertion's audience; https when it names no scheme. Raises
    ConfigurationError when it is no such URL.
    """
    text = login_url.strip()
    url = text if "://" in text else f"https://{text}"
    if _server(url) is None:
        raise ConfigurationError("loginUrl is not the URL of a server; set it to one like https://login.salesforce.com")
    audience = url.rstrip("/")
    assertion = Assertion(
        request_key="assertion",
        claims=(("iss", client_id), ("sub", user_name), ("aud", audience)),
        algorithm="RS256",
        key=private_key,
        include_jti=False,
        life_seconds=ASSERTION_LIFE_SECONDS,
    )
    return DataCloud(
        OAuth2(
            url=audience + LOGIN_PATH,
            method="POST",
            content_type=FORM,
            headers=(),
            body=(("grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer"),),
            token_key="access_token",  # noqa: S106  # the key under which the token stands
            assertion=assertion,
        )
    )


def exchange_request(reply: Any, authentication: DataCloud) -> HttpRequest:
    """The request that exchanges the Salesforce token in the login's reply, at the instance that the reply names.

    Raises PermanentError when the reply holds no token, or an instance that a token must not be sent to: not https,
    though the login is, or no server at all.
    """
    found = token_of(reply, authentication.login)
    if found is None:
        raise PermanentError("the login's answer has no text under 'access_token'")
    fields = {
        "grant_type": "urn:salesforce:grant-type:external:cdp",
        "subject_token": found[0],
        "subject_token_type": "urn:ietf:params:oauth:token-type:access_token",
    }
    url = _instance(reply.get("instance_url"), authentication.login.url) + EXCHANGE_PATH
    return HttpRequest("POST", url, (("Content-Type", FORM),), encode_pairs(fields.items()).encode())


def _instance(named: Any, login_url: str) -> str:
    """Scheme, host and port of the instance; https when it names no scheme."""
    text = named if isinstance(named, str) else ""
    parts = _server(text if "://" in text else f"https://{text}")
    if parts is None or parts.scheme not in ("https", urlsplit(login_url).scheme):
        raise PermanentError("the login's answer has no https server under 'instance_url'; nothing is sent to it")
    return f"{parts.scheme}://{parts.netloc}"


def _server(url: str) -> SplitResult | None:
    """A URL that names a server, without a password or a query; None for anything else."""
    try:
        parts = urlsplit(url)
    except ValueError:  # a bracket that never closes
        return None
    plain = not (parts.query or parts.fragment or "@" in parts.netloc)
    return parts if parts.scheme in ("http", "https") and parts.hostname and plain else None
