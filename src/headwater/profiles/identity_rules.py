"""The rules of identity: how strong an identifier type is, and what it may join. A value, with a version."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Literal

import msgspec

from headwater.profiles.identifiers import Form
from headwater.profiles.instants import DAY_MILLISECONDS

PROFILE_LIMIT = 200
"""Identifiers of one profile. What would join beyond stays outside, and the profile is quarantined."""

DEGREE_LIMIT = 1_000
"""Links of one identifier, whatever its type. Beyond it is hot: its links are stored and none of them holds."""

ALARM_WINDOW = 30 * DAY_MILLISECONDS
"""The time in which a value is watched for too many people."""

WATCHED_SHARE = 0.5
"""Share of a limit beyond which a profile is watched."""

Shared = Literal["nobody", "oldest", "newest"]
"""Who owns a value that two people were seen with: nobody, the one seen with it first, or the one seen with it last."""


class TypeRule(msgspec.Struct, frozen=True):
    """How identifiers of one type behave. A field of the schema with `is_identifier` has one.

    `rank`             1 is the strongest; the strongest identifier of an event owns what the event writes
    `form`, `region`   how values are spelled (`identifiers.identifier_text`)
    `unique`           one person has one value, ever: two values never share a profile
    `limit`            values that one profile may gain in `window_days` (by event time; 0 days: ever); 0 = no limit
    `alarm`            unique identifiers within 30 days beyond which a value stops joining; 0 = never
    `shared`           who owns a value seen with two people
    `session_minutes`  0, or: anonymous events within this time of a login follow it, if the value is shared by several
    """

    rank: int
    form: Form = "text"
    region: str = ""
    unique: bool = False
    limit: int = 0
    window_days: int = 0
    alarm: int = 0
    shared: Shared = "oldest"
    session_minutes: int = 0

    @property
    def window(self) -> int:
        """The window in milliseconds, 0 = ever."""
        return self.window_days * DAY_MILLISECONDS

    @property
    def values_limit(self) -> int:
        """Values that a profile may hold in a window; a unique type has one."""
        return 1 if self.unique else self.limit


class IdentityRules(msgspec.Struct, frozen=True, dict=True):
    """The rules of all types by name. Each decision about a link records `version`."""

    types: Mapping[str, TypeRule]
    version: str = ""
    profile_limit: int = PROFILE_LIMIT
    degree_limit: int = DEGREE_LIMIT

    @cached_property
    def watched_beyond(self) -> float:
        """As long as a profile has no more identifiers than this, none of its numbers can be near a limit."""
        limits = [rule.limit for rule in self.types.values() if rule.limit and not rule.unique]
        return min([self.profile_limit, *limits]) * WATCHED_SHARE

    def rank_of(self, name: str) -> int:
        """The rank of a type; a type without a rule, which a schema has dropped, comes after all others."""
        rule = self.types.get(name)
        return len(self.types) + 1 if rule is None else rule.rank
