"""Signed, short-lived tokens that carry an anonymous id from one of an owner's domains to another.

A token is `base64url(JSON).base64url(HMAC-SHA256)`. It names the pipeline, the host that it is for, and a digest of the
browser's User-Agent, so that a link that was copied to somebody else is of no use to make two people one.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from typing import NamedTuple

import msgspec

from headwater.errors import InputError

TOKEN_SECONDS = 90


class Passage(NamedTuple):
    """From which pipeline, to which host, in which browser. A token opens only for the same three."""

    pipeline_id: str
    host: str
    user_agent: str


class _Payload(msgspec.Struct, frozen=True):
    anonymous_id: str
    expires: int
    passage: str


def sign(key: bytes, anonymous_id: str, passage: Passage, now: float) -> str:
    """A token for `anonymous_id` that is good for TOKEN_SECONDS from `now`, in seconds since 1970."""
    payload = msgspec.json.encode(_Payload(anonymous_id, int(now) + TOKEN_SECONDS, _digest(passage)))
    return f"{_encode(payload)}.{_encode(_signature(key, payload))}"


def verify(key: bytes, token: str, passage: Passage, now: float) -> str:
    """The anonymous id in a token. Raises InputError for one that is forged, too old, or meant for somebody else."""
    try:
        payload, signature = (base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)) for part in token.split("."))
    except ValueError:
        raise InputError("is not a token of this install", "token", "invalid_token") from None
    if not hmac.compare_digest(_signature(key, payload), signature):
        raise InputError("is not a token of this install", "token", "invalid_token")
    content = msgspec.json.decode(payload, type=_Payload)
    if content.expires < now:
        raise InputError("is too old; follow the link again", "token", "invalid_token")
    if content.passage != _digest(passage):
        raise InputError("belongs to another page or browser", "token", "invalid_token")
    return content.anonymous_id


def _signature(key: bytes, payload: bytes) -> bytes:
    return hmac.digest(key, payload, "sha256")


def _digest(passage: Passage) -> str:
    return hashlib.sha256(msgspec.json.encode(passage)).hexdigest()[:16]


def _encode(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")
