"""The schema of profiles: fields, mappings from events to fields, ranks and identifier rules. A value.

Names of a field's attributes are those of the Lytics schema API (`type`, `mergeop`, `is_identifier`, `keep_days`, …), so
that a schema can be carried over. What Lytics does not have stands beside it: `identifiers`, `aliases`, `blocked`.
"""

from __future__ import annotations

import re
from typing import Any

import msgspec

from headwater.errors import ConfigurationError
from headwater.profiles.blocked_values import BlockRules
from headwater.profiles.identifiers import Form
from headwater.profiles.identity_rules import DEGREE_LIMIT, PROFILE_LIMIT, IdentityRules, Shared, TypeRule
from headwater.profiles.instants import DAY_MILLISECONDS
from headwater.profiles.merging import Bounds

EVERY_STREAM = "*"
"""As the stream of a mapping: it reads the events of every stream."""

_DURATION = re.compile(r"([0-9]{1,9})(s|m|h|d|w)")
_UNITS = {"s": 1_000, "m": 60_000, "h": 3_600_000, "d": DAY_MILLISECONDS, "w": 7 * DAY_MILLISECONDS}


class Length(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Shortest and longest text in characters; 0 = no limit."""

    min: int = 0
    max: int = 0


class Assertions(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What a text must be to be taken: an e-mail address, of a format, of a length, none of the texts in `filter`."""

    email: bool = False
    format: str = ""
    length: Length = Length()
    filter: tuple[str, ...] = ()


class Field(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A field of the profile. `mergeop` "" means the usual operator of the kind (`merging.default_operator`)."""

    id: str
    type: str = "string"
    shortdesc: str = ""
    longdesc: str = ""
    mergeop: str = ""
    is_identifier: bool = False
    is_pii: bool = False
    capacity: int = 0
    keep_days: int = 0
    keep_duration: str = ""
    disable_indexing: bool = False
    tags: tuple[str, ...] = ()
    assertions: Assertions = Assertions()

    @property
    def bounds(self) -> Bounds:
        """Capacity and life time of members. Raises ConfigurationError for a duration that cannot be read."""
        keep = self.keep_days * DAY_MILLISECONDS or duration_milliseconds(self.keep_duration)
        return Bounds(self.capacity, keep)


class Mapping(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """How a field gets a value from an event: an LQL expression, taken where the guard is absent or true.

    `id` is set by an API that changed the mapping, so that its id stays; "" means `schema_edits.mapping_id` of the content.
    """

    field: str
    expr: str
    stream: str = EVERY_STREAM
    guard_expr: str = ""
    id: str = ""


class Alias(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Where an event says that an earlier identifier of type `field` is the same person as the event's own."""

    field: str
    expr: str
    stream: str = EVERY_STREAM
    guard_expr: str = ""


class IdentifierSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """How identifiers of a field behave; the meaning of each is told at `identity_rules.TypeRule`."""

    form: Form = "text"
    region: str = ""
    unique: bool = False
    limit: int = 0
    window_days: int = 0
    alarm: int = 0
    shared: Shared = "oldest"
    session_minutes: int = 0


class Blocked(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Values and patterns that never identify, beside the built-in lists; by identifier type, "*" for all."""

    values: dict[str, tuple[str, ...]] = {}
    patterns: dict[str, tuple[str, ...]] = {}
    exempt: dict[str, tuple[str, ...]] = {}


class Schema(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """One version of a table's schema.

    `ranks` orders the identifier fields, strongest first. `event_time` and `message_id` name the event's keys that hold these,
    the first one that has a value counts.
    """

    table: str = "user"
    version: str = ""
    fields: tuple[Field, ...] = ()
    mappings: tuple[Mapping, ...] = ()
    aliases: tuple[Alias, ...] = ()
    ranks: tuple[str, ...] = ()
    identifiers: dict[str, IdentifierSettings] = {}
    blocked: Blocked = Blocked()
    event_time: tuple[str, ...] = ()
    message_id: tuple[str, ...] = ()
    profile_limit: int = PROFILE_LIMIT
    degree_limit: int = DEGREE_LIMIT

    def field(self, name: str) -> Field | None:
        """The field of that name."""
        return next((field for field in self.fields if field.id == name), None)

    @property
    def sources(self) -> tuple[Mapping | Alias, ...]:
        """Mappings and aliases, in their order."""
        return (*self.mappings, *self.aliases)

    @property
    def identity_rules(self) -> IdentityRules:
        """The rules of identity that follow from ranks and identifier settings."""
        types = {
            name: TypeRule(rank=rank, **msgspec.structs.asdict(self.identifiers.get(name, IdentifierSettings())))
            for rank, name in enumerate(self.ranks, start=1)
        }
        return IdentityRules(types, self.version, self.profile_limit, self.degree_limit)

    @property
    def block_rules(self) -> BlockRules:
        """The lists of blocked values that the schema adds."""
        return BlockRules(self.blocked.values, self.blocked.patterns, self.blocked.exempt)


def duration_milliseconds(text: str) -> int:
    """Milliseconds of a duration such as `36h` or `7d`; 0 for "". Raises ConfigurationError."""
    if not text:
        return 0
    found = _DURATION.fullmatch(text)
    if found is None:
        raise ConfigurationError(f"{text!r} is no duration; write a number and one of s, m, h, d, w, such as 36h")
    return int(found[1]) * _UNITS[found[2]]


def schema_document(schema: Schema) -> dict[str, Any]:
    """The schema as plain data, the form of a schema file. Defaults are left out."""
    document: dict[str, Any] = msgspec.to_builtins(schema)
    return document
