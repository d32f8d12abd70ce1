"""Fields of a schema made ready to take values."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from headwater.profiles.identity_rules import TypeRule
from headwater.profiles.kinds import Kind
from headwater.profiles.merging import Operator
from headwater.profiles.schema import Assertions


class FieldPlan(msgspec.Struct, frozen=True):
    """A field that is no identifier, ready to take values."""

    name: str
    kind: Kind
    operator: Operator
    assertions: Assertions
    asserts: bool


class IdentifierPlan(msgspec.Struct, frozen=True):
    """An identifier field, ready to take values. `many`: it takes the values of all its mappings."""

    name: str
    rule: TypeRule
    many: bool
    block_rule: Callable[[str], str | None]
