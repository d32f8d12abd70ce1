"""Audiences and their parts as values."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

import msgspec

Kind = Literal["segment", "aspect", "goal", "list", "conversion", "metric", "managed", "candidate"]
KINDS: tuple[Kind, ...] = ("segment", "aspect", "goal", "list", "conversion", "metric", "managed", "candidate")
TABLE = "user"
"""The only table that audiences are drawn from."""


class Audience(msgspec.Struct, frozen=True, kw_only=True):
    """An audience: a filter with a name.

    `number` is the short form of `id` inside membership tables. `slug` is the ALIAS, the name that INCLUDE uses. `segment_ql` is the
    text as a person wrote it. `version` counts from 1 and rises with each change of the text. `event_fields` are fields whose
    values go along in entered and exited events, which are made if `emit_trigger` says so.
    """

    id: str
    number: int
    slug: str
    name: str
    segment_ql: str
    version: int
    table: str = TABLE
    kind: Kind = "segment"
    description: str = ""
    tags: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    is_public: bool = False
    save_hist: bool = True
    emit_trigger: bool = True
    event_fields: tuple[str, ...] = ()
    author: str = ""
    created: datetime
    updated: datetime


class AudienceVersion(msgspec.Struct, frozen=True):
    """The text of an audience at a time. Versions never change."""

    number: int
    segment_ql: str
    changed_at: datetime
    changed_by: str


class Reason(msgspec.Struct, frozen=True, omit_defaults=True):
    """Why a profile entered or left.

    `cause`   "profile" its data changed, "time" nothing but the clock, "audience" the filter was made or changed, "identity" profiles
              were joined or taken apart
    `clause`  the clause whose answer changed, in canonical form; "" where no single one did
    `value`   what the clause saw there, as JSON
    """

    cause: Literal["profile", "time", "audience", "identity"]
    clause: str = ""
    value: object = None


class Transition(msgspec.Struct, frozen=True):
    """A profile entered an audience or left it."""

    profile_id: bytes
    audience: int
    entered: bool
    at: datetime
    reason: Reason
    announced: bool = True
