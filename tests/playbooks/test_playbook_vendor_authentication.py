"""Vendors' own authentication: The Trade Desk's signatures, Salesforce Data Cloud's two tokens, and what is refused."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from hypothesis import given
from hypothesis import strategies as st

from headwater.errors import ConfigurationError, PermanentError
from headwater.playbooks import (
    Clock,
    CompiledIntegration,
    DataCloud,
    HttpRequest,
    TradeDesk,
    exchange_request,
    token_request,
)
from headwater.playbooks.data_cloud import data_cloud
from headwater.playbooks.preview import Preview
from headwater.playbooks.trade_desk import body_signature, trade_desk_signed

Compiled = Callable[..., CompiledIntegration]
PLAYBOOK = "global: {mappings: [{inputKey: v, outputKey: v}]}"


def section(provider: str) -> str:
    return f"default: {{endpoint: 'https://v.example/in', method: POST, providerAuth: {{{provider}}}}}"


TRADE_DESK = section("tradedesk: {secretKey: advertiser, secretKeyDataProvider: provider}")
DATA_CLOUD = section(
    "salesforceCdp: {clientId: app, userName: me@v.example, loginUrl: login.v.example, privateKey: $$KEY$$}"
)


@pytest.mark.parametrize(
    ("key", "body", "digest"),
    [
        ("\x0b" * 20, b"Hi There", "b617318655057264e28bc0b6fb378c8ef146be00"),
        ("Jefe", b"what do ya want for nothing?", "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79"),
    ],
)
def test_the_signature_of_rfc_2202(key: str, body: bytes, digest: str) -> None:
    """HMAC-SHA1 as the RFC's test cases have it, in Base64."""
    assert body_signature(body, key) == base64.b64encode(bytes.fromhex(digest)).decode()


def test_the_trade_desk_signs_the_body_as_it_is_sent(compiled: Compiled, clock: Clock) -> None:
    """Both keys sign the very bytes of the body, beyond ASCII too."""
    integration = compiled(PLAYBOOK, TRADE_DESK)
    (output,) = integration.prepare({"type": "page", "v": "é <&>"}).outputs
    request = integration.request([output], clock)
    assert request.body is not None
    for header, key in (("TtdSignature", b"advertiser"), ("TtdSignature-dp", b"provider")):
        digest = hmac.digest(key, request.body, hashlib.sha1)
        assert request.header(header) == base64.b64encode(digest).decode()


def test_the_trade_desk_replaces_a_signature_of_the_kit() -> None:
    """One header of each name is left, whatever its case."""
    request = HttpRequest("POST", "https://v.example/", (("ttdsignature", "old"), ("X", "1")), b"{}")
    names = [name for name, _ in trade_desk_signed(request, TradeDesk("a", "b")).headers]
    assert names == ["X", "TtdSignature", "TtdSignature-dp"]


def scheme(integration: CompiledIntegration) -> DataCloud:
    (output,) = integration.prepare({"type": "page"}).outputs
    authentication = integration.authentication(output)
    assert isinstance(authentication, DataCloud)
    assert integration.needs_tokens
    return authentication


def test_the_login_of_data_cloud(compiled: Compiled, clock: Clock) -> None:
    """A form with an assertion that the app's certificate verifies: app, user, login server, three minutes."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()
    connection = "params: [{name: KEY}]\n" + DATA_CLOUD
    request = token_request(scheme(compiled("", connection, KEY=pem)).login, clock)
    assert (request.method, request.url) == ("POST", "https://login.v.example/services/oauth2/token")
    form = parse_qs((request.body or b"").decode())
    assert form["grant_type"] == ["urn:ietf:params:oauth:grant-type:jwt-bearer"]
    claims = jwt.decode(
        form["assertion"][0],
        key.public_key(),
        ["RS256"],
        audience="https://login.v.example",
        options={"verify_exp": False, "verify_iat": False},
    )
    assert claims == {
        "iss": "app",
        "sub": "me@v.example",
        "aud": "https://login.v.example",
        "iat": 1763630236,
        "exp": 1763630416,  # iat + 180
    }


@pytest.mark.parametrize("url", ["login.v.example", " https://login.v.example/ ", "https://login.v.example"])
def test_ways_to_write_the_login_url(url: str) -> None:
    """A scheme may be missing and a slash too many."""
    assert data_cloud("app", "me", url, "key").login.url == "https://login.v.example/services/oauth2/token"


@pytest.mark.parametrize(
    "url", ["ftp://v.example", "https://", "https://me:secret@v.example", "https://v?a", "https://[v"]
)
def test_a_login_url_that_is_none(url: str) -> None:
    """It stops the deployment, by name, and what was written is not shown."""
    with pytest.raises(ConfigurationError, match="loginUrl is not the URL of a server") as caught:
        data_cloud("app", "me", url, "key")
    assert "secret" not in str(caught.value)


LOGIN = data_cloud("app", "me", "https://login.v.example", "key")


@pytest.mark.parametrize("instance", ["https://org.v.example", "https://org.v.example/", "org.v.example"])
def test_the_exchange_goes_to_the_instance_of_the_reply(instance: str) -> None:
    """The Salesforce token goes there as the subject of an exchange."""
    request = exchange_request({"access_token": "t", "instance_url": instance}, LOGIN)
    assert (request.method, request.url) == ("POST", "https://org.v.example/services/a360/token")
    assert parse_qs((request.body or b"").decode()) == {
        "grant_type": ["urn:salesforce:grant-type:external:cdp"],
        "subject_token": ["t"],
        "subject_token_type": ["urn:ietf:params:oauth:token-type:access_token"],
    }


@pytest.mark.parametrize(
    ("reply", "message"),
    [
        (None, "no text under 'access_token'"),
        ({"instance_url": "https://org.v.example"}, "no text under 'access_token'"),
        ({"access_token": "t"}, "no https server under 'instance_url'"),
        ({"access_token": "t", "instance_url": 5}, "no https server under 'instance_url'"),
        ({"access_token": "t", "instance_url": "http://org.v.example"}, "no https server under 'instance_url'"),
        ({"access_token": "t", "instance_url": "https://a@org.v.example"}, "no https server under 'instance_url'"),
    ],
)
def test_a_reply_that_must_not_be_followed(reply: Any, message: str) -> None:
    """A login that names no token, or an instance that is no https server, ends there."""
    with pytest.raises(PermanentError, match=message):
        exchange_request(reply, LOGIN)


@given(st.one_of(st.text(), st.text().map("https://{}".format), st.text().map("http://{}".format)))
def test_whatever_a_reply_names_the_token_stays_encrypted(instance: str) -> None:
    """Any text is either refused or leads to an https server and the one path of the exchange."""
    try:
        url = exchange_request({"access_token": "t", "instance_url": instance}, LOGIN).url
    except PermanentError:
        return
    parts = urlsplit(url)
    assert (parts.scheme, parts.path, parts.query, parts.fragment) == ("https", "/services/a360/token", "", "")


def test_a_preview_shows_the_token_that_it_is_given(compiled: Compiled, clock: Clock) -> None:
    """Data Cloud's token stands where a fetched one would; nothing is signed or fetched for it."""
    connection = "params: [{name: KEY}]\n" + DATA_CLOUD
    preview = Preview(compiled("", connection, KEY="no key"), clock, "t-1")
    (line,) = preview.lines([{"type": "page"}])
    assert line["requests"][0]["headers"]["Authorization"] == "Bearer t-1"


@pytest.mark.parametrize("blank", ["", "  "])
def test_a_blank_secret_stops_the_deployment(compiled: Compiled, blank: str) -> None:
    """Nothing is signed with a key that is not there."""
    connection = "params: [{name: KEY, isOptional: true}]\n" + TRADE_DESK.replace("advertiser", "$$KEY$$")
    with pytest.raises(ConfigurationError, match="secretKey has no value"):
        compiled("", connection, KEY=blank)


def test_an_unproven_scheme_is_refused_by_name(compiled: Compiled) -> None:
    """Nothing is sent unsigned; a preview shows the request all the same."""
    connection = section("verizon: {clientId: a, clientSecret: b}")
    with pytest.raises(ConfigurationError, match="authentication verizon is not supported"):
        compiled("", connection)
    integration = compiled("", connection, preview=True)
    (output,) = integration.prepare({"type": "page"}).outputs
    assert integration.request([output]).header("Authorization") is None
