"""Fetched tokens against a real token server: when they are fetched, where, and what becomes of a refusal."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import parse_qs

import msgspec
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from headwater.errors import PermanentError, TransientError
from headwater.integrations.delivery import ReplyRule
from headwater.playbooks import DataCloud, OAuth2, compile_kit, kit_from_texts
from headwater.playbooks.data_cloud import data_cloud
from headwater.routing.destination import Outgoing, Pace
from headwater.routing.http_destination import HttpDestination, HttpSettings
from headwater.routing.masking import Mask
from headwater.routing.outbound import ForbiddenAddressError, Outbound
from headwater.routing.outcomes import Delivered, Refused
from headwater.routing.tokens import BearerTokens
from receiver import Answer, Receiver


class Vendor:
    """Login, exchange and door of one vendor. Tokens are numbered; the door takes those from `good` on."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.subjects: list[str] = []
        self.good = 1
        self.life = 3600
        self.instance = ""
        self.login = Answer()
        self.exchange = Answer()

    def answer(self, _number: int, headers: dict[str, str], body: bytes) -> Answer:
        if body.startswith(b"grant_type="):
            form = parse_qs(body.decode())
            return self._exchanged(form) if "subject_token" in form else self._logged_in()
        self.calls.append("door")
        number = int(headers["authorization"].removeprefix("Bearer cloud-"))
        return Answer(200 if number >= self.good else 401, b"{}", accept=False)

    def _logged_in(self) -> Answer:
        self.calls.append("login")
        number = self.calls.count("login")
        return _told(self.login, {"access_token": f"session-{number}", "instance_url": self.instance})

    def _exchanged(self, form: dict[str, list[str]]) -> Answer:
        self.calls.append("exchange")
        self.subjects.extend(form["subject_token"])
        number = self.calls.count("exchange")
        return _told(self.exchange, {"access_token": f"cloud-{number}", "expires_in": self.life})


def _told(planned: Answer, document: dict[str, Any]) -> Answer:
    return Answer(planned.status, json.dumps(document).encode(), planned.headers, accept=False, delay=planned.delay)


@contextmanager
def opened() -> Iterator[tuple[Vendor, Receiver]]:
    vendor = Vendor()
    receiver = Receiver(vendor.answer)
    vendor.instance = receiver.url
    yield vendor, receiver
    receiver.close()


@pytest.fixture
def vendor() -> Iterator[tuple[Vendor, Receiver]]:
    with opened() as made:
        yield made


@pytest.fixture
async def outbound(vendor: tuple[Vendor, Receiver]) -> AsyncIterator[Outbound]:
    made = Outbound(("127.0.0.1",))
    yield made
    await made.close()


@pytest.fixture(scope="module")
def key() -> str:
    made = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return made.private_bytes(*form).decode()


def scheme(receiver: Receiver, key: str) -> DataCloud:
    return data_cloud("app", "me@v.example", receiver.url, key)


async def test_a_token_is_exchanged_once_and_shared(
    vendor: tuple[Vendor, Receiver], outbound: Outbound, key: str
) -> None:
    """Login, then exchange of what it gave; whoever asks meanwhile or later gets the same token."""
    told, receiver = vendor
    tokens = BearerTokens(outbound)
    found = await asyncio.gather(*(tokens.get(scheme(receiver, key)) for _ in range(3)))
    assert [*found, await tokens.get(scheme(receiver, key))] == ["cloud-1"] * 4
    assert (told.calls, told.subjects) == (["login", "exchange"], ["session-1"])


async def test_a_token_is_renewed_before_it_ends(vendor: tuple[Vendor, Receiver], outbound: Outbound, key: str) -> None:
    """A life of a second is used for half of it; then both steps are done anew."""
    told, receiver = vendor
    told.life = 1
    tokens = BearerTokens(outbound)
    assert await tokens.get(scheme(receiver, key)) == "cloud-1"
    await asyncio.sleep(0.6)
    assert await tokens.get(scheme(receiver, key)) == "cloud-2"
    assert told.calls == ["login", "exchange"] * 2


@pytest.mark.parametrize("step", ["login", "exchange"])
async def test_a_refusal_is_final_and_trouble_is_not(
    vendor: tuple[Vendor, Receiver], outbound: Outbound, key: str, step: str
) -> None:
    """4xx of either step is permanent, 5xx is tried again after the time that the server names."""
    told, receiver = vendor
    setattr(told, step, Answer(400))
    with pytest.raises(PermanentError, match="refuses with HTTP 400"):
        await BearerTokens(outbound).get(scheme(receiver, key))
    setattr(told, step, Answer(503, headers={"Retry-After": "7"}))
    with pytest.raises(TransientError, match="answers HTTP 503") as caught:
        await BearerTokens(outbound).get(scheme(receiver, key))
    assert caught.value.retry_after == 7


@pytest.mark.parametrize("instance", ["https://10.0.0.1", "https://localhost:1", "http://169.254.169.254"])
async def test_an_instance_inside_our_network_gets_no_token(
    vendor: tuple[Vendor, Receiver], outbound: Outbound, key: str, instance: str
) -> None:
    """The address check holds for a server that a reply names."""
    told, receiver = vendor
    told.instance = instance
    with pytest.raises(ForbiddenAddressError):
        await BearerTokens(outbound).get(scheme(receiver, key))
    assert told.calls == ["login"]


async def test_a_slow_token_server_delays_only_its_own(
    vendor: tuple[Vendor, Receiver], outbound: Outbound, key: str
) -> None:
    """While one login hangs, the token of another integration is handed out."""
    _, receiver = vendor
    tokens = BearerTokens(outbound)
    with opened() as (slow, hanging):
        slow.login = Answer(delay=30)
        waiting = asyncio.create_task(tokens.get(scheme(hanging, key)))
        while not slow.calls:
            await asyncio.sleep(0.01)
        assert await asyncio.wait_for(tokens.get(scheme(receiver, key)), 5) == "cloud-1"
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting


async def test_plain_oauth2_needs_one_step(vendor: tuple[Vendor, Receiver], outbound: Outbound) -> None:
    """The token of the only reply, under the key that the kit names."""
    told, receiver = vendor
    body = (("grant_type", "client_credentials"),)
    plain = OAuth2(receiver.url, "POST", "application/x-www-form-urlencoded", (), body, "access_token", None)
    assert await BearerTokens(outbound).get(plain) == "session-1"
    with pytest.raises(PermanentError, match="no text under 'id_token'"):
        await BearerTokens(outbound).get(msgspec.structs.replace(plain, token_key="id_token"))
    assert told.calls == ["login", "login"]


def destination(provider: str, receiver: Receiver, outbound: Outbound) -> tuple[HttpDestination, Outgoing]:
    connection = f"default: {{endpoint: '{receiver.url}/in', method: POST, providerAuth: {{{provider}}}}}"
    playbook = "version: 1.0.0\nglobal: {mappings: [{inputKey: messageId, outputKey: id}]}"
    integration = compile_kit(kit_from_texts("kit", playbook, connection), {})
    (output,) = integration.prepare({"type": "page", "messageId": "m"}).outputs
    pace = Pace(0, 1, order_per_user=False, retry_seconds=1)
    settings = HttpSettings("", 5, ReplyRule())
    tokens = BearerTokens(outbound)
    made = HttpDestination(1, integration, pace, settings, outbound, tokens, Mask(["advertiser-key"]))
    return made, Outgoing(output.batch_key, 1, output)


def data_cloud_of(receiver: Receiver, key: str) -> str:
    return f"salesforceCdp: {{clientId: app, userName: me, loginUrl: '{receiver.url}', privateKey: {json.dumps(key)}}}"


async def test_a_revoked_token_is_replaced_once(vendor: tuple[Vendor, Receiver], outbound: Outbound, key: str) -> None:
    """A 401 leads to one fresh token; when that is refused too, the request is."""
    told, receiver = vendor
    told.good = 2
    made, piece = destination(data_cloud_of(receiver, key), receiver, outbound)
    assert isinstance((await made.send([piece])).outcome, Delivered)
    assert told.calls == ["login", "exchange", "door"] * 2
    told.good = 9
    told.calls.clear()
    attempt = await made.send([piece])
    assert isinstance(attempt.outcome, Refused)
    assert told.calls == ["door", "login", "exchange", "door"]
    assert attempt.exchange is not None
    assert ["Authorization", "Bearer •••"] in attempt.exchange().request["headers"]


async def test_the_trade_desk_can_verify_what_arrives(outbound: Outbound) -> None:
    """The signatures arrive with the bytes that they sign; a dead letter shows neither."""
    receiver = Receiver(lambda *_: Answer(400))
    try:
        provider = "tradedesk: {secretKey: advertiser-key, secretKeyDataProvider: provider-key}"
        made, piece = destination(provider, receiver, outbound)
        attempt = await made.send([piece])
        (arrived,) = receiver.requests
        # Worked out with `printf '{"id":"m"}' | openssl dgst -sha1 -hmac KEY -binary | base64`.
        assert arrived.body == b'{"id":"m"}'
        assert arrived.headers["ttdsignature"] == "CKv544sAxHmx6lW7UOwWLiDa2ZM="
        assert arrived.headers["ttdsignature-dp"] == "iMYJk8j3ZmYG2BK12uRwXYNOfdA="
        assert attempt.exchange is not None
        shown = dict(attempt.exchange().request["headers"])
        assert (shown["TtdSignature"], shown["TtdSignature-dp"]) == ("•••", "•••")
    finally:
        receiver.close()
