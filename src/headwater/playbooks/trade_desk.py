"""The Trade Desk's signature: the body's HMAC with the advertiser's key, and again with the data provider's."""

from __future__ import annotations

import base64
import hashlib
import hmac

import msgspec

from headwater.playbooks.outputs import HttpRequest

ADVERTISER_HEADER = "TtdSignature"
DATA_PROVIDER_HEADER = "TtdSignature-dp"


class TradeDesk(msgspec.Struct, frozen=True, tag=True):
    """Secrets of the advertiser and of the data provider who sends for it."""

    secret_key: str
    data_provider_secret_key: str


def trade_desk_signed(request: HttpRequest, keys: TradeDesk) -> HttpRequest:
    """The request with both signatures, in place of earlier ones. What is signed is the body, byte for byte as sent."""
    body = b"" if request.body is None else request.body
    signed = request.with_header(ADVERTISER_HEADER, body_signature(body, keys.secret_key))
    return signed.with_header(DATA_PROVIDER_HEADER, body_signature(body, keys.data_provider_secret_key))


def body_signature(body: bytes, key: str) -> str:
    """HMAC-SHA1 (RFC 2104) of a body under the UTF-8 of a key, in Base64."""
    return base64.b64encode(hmac.digest(key.encode(), body, hashlib.sha1)).decode()
