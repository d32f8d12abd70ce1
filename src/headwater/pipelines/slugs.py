"""Names and keys of objects."""

from __future__ import annotations

import re
import secrets

from headwater.errors import InputError

SLUG_LIMIT = 64
_SLUG = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
_WRITE_KEY = re.compile(r"[A-Za-z0-9_-]{4,128}")
_NAME_LIMIT = 200


def check_slug(slug: str, field: str = "slug") -> str:
    """Return the slug. Raises InputError unless it is lower-case words joined by '-', at most 64 characters."""
    if len(slug) > SLUG_LIMIT or not _SLUG.fullmatch(slug):
        raise InputError(
            f"{slug!r} is no slug; use lower-case letters and digits joined by '-', at most {SLUG_LIMIT} characters",
            field,
        )
    return slug


def slug_of(name: str) -> str:
    """A slug made from a name: "Web shop (EU)" becomes "web-shop-eu". Raises InputError when nothing is left."""
    words = re.findall(r"[a-z0-9]+", name.lower())
    return check_slug("-".join(words)[:SLUG_LIMIT].strip("-"), "name")


def numbered(slug: str, number: int) -> str:
    """The slug with a number at its end, within the limit: ("lytics", 2) becomes "lytics-2"."""
    ending = f"-{number}"
    return slug[: SLUG_LIMIT - len(ending)].rstrip("-") + ending


def check_name(name: str, field: str = "name") -> str:
    """Return the name for people. Raises InputError when it is empty, too long or holds control characters."""
    if not name.strip() or len(name) > _NAME_LIMIT or not name.isprintable():
        raise InputError(f"a name has 1 to {_NAME_LIMIT} printable characters", field)
    return name


def check_write_key(key: str, field: str = "write_key") -> str:
    """Return the write key. Raises InputError unless SDKs can carry it everywhere: letters, digits, `_` and `-`."""
    if not _WRITE_KEY.fullmatch(key):
        raise InputError("a write key has 4 to 128 letters, digits, '_' or '-'", field)
    return key


def new_id() -> str:
    """A new object id: 64 random bits, hexadecimal, safe in a subject, a path and a file name."""
    return secrets.token_hex(8)


def new_write_key() -> str:
    """A new write key. It is public by nature: pages carry it."""
    return "wk_" + secrets.token_hex(12)


_ORIGIN = re.compile(r"https?://[a-z0-9.-]+(:[0-9]{1,5})?|https?://\[[0-9a-f:.]+\](:[0-9]{1,5})?|\*")


def check_origin(origin: str, field: str = "allowed_origins") -> str:
    """Return a browser origin. Raises InputError unless it is `scheme://host[:port]` in lower case, or `*`."""
    if not _ORIGIN.fullmatch(origin):
        raise InputError(f"{origin!r} is no origin; write https://shop.example, without a path", field)
    return origin
