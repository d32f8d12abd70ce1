"""Authentication: Basic, OAuth 1, OAuth 2 with and without an assertion."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jwt
import orjson
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from headwater.errors import ConfigurationError
from headwater.playbooks import Clock, CompiledIntegration, HttpRequest, OAuth1, OAuth2, bearer, token_of, token_request
from headwater.playbooks.authentication import oauth1_header

Compiled = Callable[..., CompiledIntegration]


def section(authentication: str, headers: str = "") -> str:
    return f"default: {{endpoint: 'https://v.example/in', method: POST, {headers}{authentication}}}"


def signed(compiled: Compiled, connection: str, clock: Clock) -> HttpRequest:
    integration = compiled("", connection)
    (output,) = integration.prepare({"type": "page"}).outputs
    return integration.request([output], clock)


@pytest.mark.parametrize(
    ("fields", "pair"), [("username: u, password: 'p:é'", "dTpwOsOp"), ("username: key", "a2V5Og==")]
)
def test_basic(compiled: Compiled, clock: Clock, fields: str, pair: str) -> None:
    """User and password in UTF-8; a missing password is empty; it replaces the section's Authorization header."""
    request = signed(
        compiled, section(f"basicAuth: {{{fields}}}", "headers: [{key: authorization, value: old}], "), clock
    )
    assert [value for name, value in request.headers if name.lower() == "authorization"] == [f"Basic {pair}"]


def test_oauth1_of_a_published_example() -> None:
    """The worked example of Twitter's documentation gives the signature that it prints."""
    request = HttpRequest(
        "POST",
        "https://api.twitter.com/1.1/statuses/update.json?include_entities=true",
        (("Content-Type", "application/x-www-form-urlencoded"),),
        b"status=Hello%20Ladies%20%2B%20Gentlemen%2C%20a%20signed%20OAuth%20request%21",
    )
    keys = OAuth1(
        "xvz1evFS4wEEPTGEFPHBog",
        "kAcSOqF21Fu85e7zjz7ZN2U4ZRhfV3WpwPAoE3Z7kBw",
        "370773112-GmHxMAgYyLbNEtIKZeRNFsMKPR9EyMZeS9weJAEb",
        "LswwdoUaIvS8ltyTt5jkRh4J50vUPVVHtR2YPi5kE",
    )
    header = oauth1_header(request, keys, 1318622958, "kYjzVBB8Y0ZFabxSWbWovY3uYSQ2pTgmZeNu2VS4cg")
    assert 'oauth_signature="hCtSmYh%2BiHYCEqBWrE7C7hYmtUk%3D"' in header


def test_oauth1_does_not_sign_a_json_body(compiled: Compiled, clock: Clock) -> None:
    """Time and nonce come from the clock that is given."""
    keys = "oauth1Auth: {consumerKey: a, consumerSecret: b, accessToken: c, tokenSecret: d}"
    request = signed(compiled, section(keys), clock)
    header = request.header("Authorization") or ""
    assert 'oauth_nonce="11111111-2222-4333-8444-555555555555"' in header
    assert 'oauth_timestamp="1763630236"' in header
    empty = HttpRequest("POST", request.url, request.headers, None)
    assert oauth1_header(empty, OAuth1("a", "b", "c", "d"), 1763630236, clock.new_uuid()) == header


def oauth2(compiled: Compiled, fields: str) -> OAuth2:
    integration = compiled("", section(f"oauth2Auth: {{{fields}}}"))
    (output,) = integration.prepare({"type": "page"}).outputs
    authentication = integration.authentication(output)
    assert isinstance(authentication, OAuth2)
    assert integration.needs_tokens
    return authentication


def test_a_token_request_as_a_form(compiled: Compiled, clock: Clock) -> None:
    """Fields as a form, headers as written."""
    fields = (
        "request: {url: 'https://id.example/token', method: POST, contentType: application/x-www-form-urlencoded, "
        "headers: [{key: X, value: '1'}], body: [{key: scope, value: 'a b'}, {key: grant_type, value: client_credentials}]}, "
        "responseAccessTokenKey: access_token"
    )
    assert token_request(oauth2(compiled, fields), clock) == HttpRequest(
        "POST",
        "https://id.example/token",
        (("X", "1"), ("Content-Type", "application/x-www-form-urlencoded")),
        b"scope=a+b&grant_type=client_credentials",
    )


def test_a_token_request_as_json(compiled: Compiled, clock: Clock) -> None:
    """A value that is itself the JSON of a list or object goes as such."""
    fields = (
        "request: {url: 'https://id.example/token', method: POST, contentType: application/json, "
        "body: [{key: scopes, value: '[\"a.b\"]'}, {key: text, value: '[no json'}, {key: n, value: '5'}]}, responseAccessTokenKey: t"
    )
    request = token_request(oauth2(compiled, fields), clock)
    assert orjson.loads(request.body or b"") == {"scopes": ["a.b"], "text": "[no json", "n": "5"}


JWT = (
    "request: {{url: 'https://id.example/token', method: POST, contentType: application/x-www-form-urlencoded}}, "
    "responseAccessTokenKey: access_token, jwt: {{requestKey: assertion, signingMethod: SIGNING_METHOD_{}, {}: {}, "
    "claims: [{{key: iss, value: me}}{}], includeJti: true}}"
)


def test_an_assertion_with_a_secret(compiled: Compiled, clock: Clock) -> None:
    """Claims as text, iat now and exp in an hour, a random jti; signed so that the vendor can verify it."""
    fields = JWT.format("HS256", "hsSigningSecret", "0123456789abcdef0123456789abcdef", "")
    body = (token_request(oauth2(compiled, fields), clock).body or b"").decode()
    claims = jwt.decode(
        body.removeprefix("assertion="), "0123456789abcdef0123456789abcdef", ["HS256"], options={"verify_exp": False}
    )
    assert claims == {"iss": "me", "iat": 1763630236, "exp": 1763633836, "jti": "11111111-2222-4333-8444-555555555555"}


def test_an_assertion_with_a_key(compiled: Compiled, clock: Clock) -> None:
    """RS256 with a PEM key, also with its line breaks written as \\n; claims of the kit win over ours."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()
    connection = "params: [{name: KEY}]\n" + section(
        "oauth2Auth: {" + JWT.format("RS256", "rsaPemKey", "$$KEY$$", ", {key: exp, value: '99999999999'}") + "}"
    )
    for text in (pem, pem.replace("\n", "\\n")):
        integration = compiled("", connection, KEY=text)
        (output,) = integration.prepare({"type": "page"}).outputs
        authentication: Any = integration.authentication(output)
        body = (token_request(authentication, clock).body or b"").decode()
        token = jwt.decode(
            body.removeprefix("assertion="),
            key.public_key(),
            ["RS256"],
            options={"verify_signature": True, "verify_exp": False},
        )
        assert (token["iss"], token["exp"]) == ("me", "99999999999")


def test_a_bad_key_is_named_but_never_shown(compiled: Compiled, clock: Clock) -> None:
    """The error says that the key does not fit and keeps the secret."""
    with pytest.raises(ConfigurationError, match="cannot be signed with RS256") as caught:
        token_request(oauth2(compiled, JWT.format("RS256", "rsaPemKey", "my-secret", "")), clock)
    assert "my-secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("reply", "token"),
    [
        ({"access_token": "t", "expires_in": 60}, ("t", 60)),
        ({"access_token": "t", "expires_in": "90"}, ("t", 90)),
        ({"access_token": "t"}, ("t", 3600)),
        ({"access_token": "t", "expires_in": 0}, ("t", 3600)),
        ({"token": "t"}, None),
        ({"access_token": ""}, None),
        (["t"], None),
    ],
)
def test_the_token_of_a_reply(compiled: Compiled, reply: Any, token: Any) -> None:
    """The named key of the reply, for the life that it names, else an hour."""
    fields = "request: {url: 'https://id.example/', method: POST}, responseAccessTokenKey: access_token"
    assert token_of(reply, oauth2(compiled, fields)) == token


def test_a_bearer_replaces_the_authorization_header() -> None:
    """One Authorization header is left, whatever its case."""
    request = HttpRequest("POST", "https://v.example/", (("AUTHORIZATION", "old"), ("X", "1")), None)
    assert bearer(request, "t").headers == (("X", "1"), ("Authorization", "Bearer t"))


def test_a_missing_secret_stops_the_deployment(compiled: Compiled) -> None:
    """An unset parameter cannot stand where a secret must."""
    connection = "params: [{name: U, isOptional: true}]\n" + section("basicAuth: {username: $$U$$}")
    with pytest.raises(ConfigurationError, match="username has no value"):
        compiled("", connection)
