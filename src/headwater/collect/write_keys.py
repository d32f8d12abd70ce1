"""Which source a request means.

Keys can stand in four places. The first place that holds one decides; the others are only compared, and a different
key there is counted as a conflict. An unknown key is never replaced by one from another place.
"""

from __future__ import annotations

import base64
import binascii
from functools import lru_cache
from typing import Any, NamedTuple

from headwater.errors import InputError


class KeyChoice(NamedTuple):
    """The key that decides, None without any; `conflict` when another place names a different one."""

    key: str | None
    conflict: bool


def choose(*places: str | None) -> KeyChoice:
    """Choose among the keys of the places, the strongest place first."""
    named = [key for key in places if key]
    if not named:
        return KeyChoice(None, conflict=False)
    return KeyChoice(named[0], conflict=any(key != named[0] for key in named))


@lru_cache(maxsize=1024)  # a client sends the same header with every request
def basic_user(authorization: bytes) -> str | None:
    """The user name of an Authorization header of scheme Basic (RFC 7617), None for none or another scheme.

    A missing colon is accepted. Raises InputError when the credentials are not base64.
    """
    scheme, _, credentials = authorization.strip().partition(b" ")
    if scheme.lower() != b"basic":
        return None
    try:
        padded = credentials.strip() + b"=" * (-len(credentials.strip()) % 4)
        text = base64.b64decode(padded, validate=True).decode("utf-8")
    except (binascii.Error, UnicodeDecodeError):
        message = "the Basic credentials are not base64 text; send base64 of the write key and a colon"
        raise InputError(message, "Authorization", "invalid_authorization") from None
    return text.partition(":")[0] or None


def key_in(document: dict[str, Any], field: str = "writeKey") -> str | None:
    """The write key inside a body or an event, None when absent. Raises InputError when it is no text."""
    key = document.get(field)
    if key is None or key == "":
        return None
    if not isinstance(key, str):
        raise InputError("must be text", field, "invalid_write_key")
    return key
