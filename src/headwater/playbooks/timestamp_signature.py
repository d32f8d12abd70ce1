"""A signature that a receiver can check without asking anybody: HMAC of the time and the body with a shared secret.

    Headwater-Signature: t=1790000000,v1=5257a869…

`v1` is HMAC-SHA256 (RFC 2104), hexadecimal, of the time in seconds since 1970, a dot, and the body byte for byte. A receiver
refuses a time that is too old: so a request that somebody recorded is of no use later.
"""

from __future__ import annotations

import hashlib
import hmac

import msgspec

from headwater.playbooks.outputs import HttpRequest

HEADER = "Headwater-Signature"


class TimestampSignature(msgspec.Struct, frozen=True, tag=True):
    """The secret that sender and receiver share."""

    secret: str


def timestamp_signed(request: HttpRequest, keys: TimestampSignature, second: int) -> HttpRequest:
    """The request with its signature, in place of an earlier one."""
    body = b"" if request.body is None else request.body
    return request.with_header(HEADER, f"t={second},v1={signature(body, keys.secret, second)}")


def signature(body: bytes, secret: str, second: int) -> str:
    """HMAC-SHA256 of time and body, hexadecimal."""
    return hmac.digest(secret.encode(), f"{second}.".encode() + body, hashlib.sha256).hex()
