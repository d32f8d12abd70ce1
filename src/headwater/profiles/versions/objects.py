"""Versions, the draft and patches as values."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

import msgspec

from headwater.profiles.schema import Schema
from headwater.profiles.schema_diff import Effect
from headwater.profiles.schema_edits import SchemaEdit

VersionState = Literal["live", "waiting", "former"]
"""In use; published, but profiles must be built anew before it is used; in use before, or never and passed over."""


class VersionSummary(msgspec.Struct, frozen=True):
    """A published version without its content. `effect` is what bringing it to profiles takes (`schema_diff.Effect`)."""

    number: int
    tag: str
    description: str
    author: str
    published_at: datetime
    effect: Effect
    state: VersionState


class SchemaVersion(msgspec.Struct, frozen=True):
    """A published version with its schema, whose `version` is the number as text."""

    summary: VersionSummary
    schema: Schema

    @property
    def number(self) -> int:
        """The number, from 1."""
        return self.summary.number


class Draft(msgspec.Struct, frozen=True):
    """The shared draft. `revision` names its state, 0 while it is the newest version; `authors` are all who edited it."""

    schema: Schema
    revision: int
    authors: tuple[str, ...]


class Patch(msgspec.Struct, frozen=True):
    """A named change set that has not been applied yet."""

    id: str
    description: str
    edit: SchemaEdit
    author: str
    created_at: datetime
    updated_at: datetime
