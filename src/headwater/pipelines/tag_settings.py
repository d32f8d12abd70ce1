"""What the browser tag does on the pages of a pipeline.

Public: the tag reads the document with the write key, which anybody can take from a page.
"""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

import msgspec

from headwater.errors import InputError

Name = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9_\-]{1,60}$")]
Host = Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9]([a-z0-9.\-]{0,250}[a-z0-9])?$")]
Seconds = Annotated[int, msgspec.Meta(ge=1, le=34_128_000)]


class Capture(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Which captures run. `allow_fields` names the form fields whose values may be sent; none by default."""

    pages: bool = False
    scroll: bool = False
    attention: bool = False
    hover: bool = False
    mouse: bool = False
    clicks: bool = False
    forms: bool = False
    media: bool = False
    visibility: bool = False
    vitals: bool = False
    allow_fields: tuple[str, ...] = ()


class Consent(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Where the visitor's decision is read, and what happens without one.

    `required` names categories that must all be granted; `before` and `refused` say what happens to events before a
    decision and after a refusal; with `gpc` the browser's Global Privacy Control counts as a refusal.
    """

    source: Literal["tcf", "gpc", "google", "onetrust", "cookiebot", "callback"]
    required: tuple[str, ...] = ()
    before: Literal["hold", "drop", "cookieless"] = "hold"
    refused: Literal["drop", "cookieless"] = "drop"
    gpc: bool = False


class IdentitySource(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Where an id of another vendor is read; it goes to `context.providers.<vendor>.<id>`.

    `key` is the name of the cookie, query parameter or storage key, or the address of the fetch or match pixel.
    `path` leads into the JSON of a fetch or a storage key; `ttl_seconds` is how long the id is kept.
    """

    vendor: Name
    id: Name
    source: Literal["cookie", "query", "storage", "fetch", "pixel"] = msgspec.field(name="from")
    key: str
    path: str | None = None
    ttl_seconds: Seconds | None = None


class Cookie(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """`server`: the collector sets the cookie of the anonymous id. `domain`: of the cookies, the widest by default."""

    server: bool = False
    domain: Host | None = None


class TagSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """The document. `domains` are the owner's hosts: ids are handed over between them."""

    capture: Capture = Capture()
    consent: Consent | None = None
    identity: tuple[IdentitySource, ...] = ()
    domains: tuple[Host, ...] = ()
    cookie: Cookie = Cookie()


def check(document: dict[str, Any]) -> dict[str, Any]:
    """The document in its shortest form, defaults left out. Raises InputError that names the field."""
    try:
        settings = msgspec.convert(document, TagSettings)
    except msgspec.ValidationError as fault:
        message, _, place = str(fault).partition(" - at ")
        field = re.sub(r"^`\$\.?|`$", "", place)
        raise InputError(message[:1].lower() + message[1:], f"tag.{field}" if field else "tag") from None
    for source in settings.identity:
        if source.source in ("fetch", "pixel") and not source.key.startswith(("https://", "/")):
            raise InputError("must be an https:// address or a path of the site", "tag.identity.key")
    # By way of JSON, so that lists compare equal to those that were stored; a section without anything in it is a default.
    built: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(settings))
    return {name: section for name, section in built.items() if section != {}}
