"""A filter as a condition over the profiles of a generation: for drafts, and for whatever is asked of all profiles at once."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple

from headwater.audiences.audience_set import HEALTH, QUARANTINED
from headwater.audiences.stored_fields import StoredFields
from headwater.expressions import CompiledFilter, Resolver, compile_filter, fields_read, to_sql
from headwater.expressions.tree import MatchAll, Node
from headwater.profiles.store.generations import namespace_of


class Selection(NamedTuple):
    """A condition over the table of profiles, named `p`. What it selects must be asked once more unless it is exact.

    `parameters` are numbered from `first_parameter` on.
    """

    condition: str
    parameters: tuple[object, ...]
    exact: bool
    filter: CompiledFilter
    now: datetime
    namespace: str

    def matches(self, stored: Mapping[str, Any]) -> bool:
        """Whether a profile that was selected is in it, from its stored fields."""
        return self.exact or self.filter.matches(StoredFields(stored), self.now)


def selection(tree: Node, resolver: Resolver, generation: int, now: datetime, first_parameter: int = 1) -> Selection:
    """The selection that a filter makes at an instant.

    Quarantined profiles are only in what asks for their health, and in what holds everybody. Raises InputError if the filter
    with its includes is too large.
    """
    sql = to_sql(tree, now, resolver, "p.fields", first_parameter)
    condition = sql.text
    if not isinstance(tree, MatchAll) and HEALTH not in fields_read(tree, resolver):
        condition = f"({condition}) AND p.health <> '{QUARANTINED}'"
    return Selection(
        condition, sql.parameters, sql.exact, compile_filter(tree, resolver), now, namespace_of(generation)
    )
