"""All audiences at one moment with what is needed to read, check and ask: for one request, in one transaction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from headwater.audiences import store
from headwater.audiences.definition import Definition, define
from headwater.audiences.objects import Audience
from headwater.audiences.selection import Selection, selection
from headwater.audiences.trees import ancestors, trees_of
from headwater.errors import InputError
from headwater.expressions import ExpressionError, canonical, inline, parse_filter, problems
from headwater.expressions.tree import Node
from headwater.profiles.store import generations

META_FIELDS = (
    "_id",
    "_created",
    "_modified",
    "_num_aliases",
    "_num_events",
    "_num_streams",
    "_num_days",
    "_num_conflicts",
    "_conflicts",
    "_streamnames",
    "_health",
)
"""Fields that every profile may have beside those of the schema."""


class Catalog(NamedTuple):
    """The audiences, their trees by slug and id, the fields of profiles, and the generation that people read."""

    audiences: Sequence[Audience]
    trees: Mapping[str, Node]
    known_fields: frozenset[str]
    generation: int

    def find(self, name: str) -> Audience:
        """The audience with this slug or id. Raises InputError with the code "not_found"."""
        for by in ("slug", "id"):
            found = next((each for each in self.audiences if getattr(each, by) == name), None)
            if found is not None:
                return found
        raise InputError(f"there is no audience {name[:100]!r}", "id", code="not_found")

    def invalid_reason(self, audience: Audience) -> str:
        """Why some part of an audience can never be evaluated; "" if all can."""
        try:
            tree = parse_filter(audience.segment_ql).where
        except ExpressionError as fault:
            return fault.message
        found = problems(tree, self.trees.get, self.known_fields, self._slugs)
        return found[0].message if found else ""

    def define(self, text: str, *, check_fields: bool = True) -> Definition:
        """Read and check a text that is not saved. Raises as `definition.define`."""
        return define(text, self.trees.get, self.known_fields if check_fields else None, self._slugs)

    def select(self, tree: Node, now: datetime, first_parameter: int = 1) -> Selection:
        """The profiles that a filter selects now."""
        return selection(tree, self.trees.get, self.generation, now, first_parameter)

    def ancestors(self, audience: Audience) -> list[Audience]:
        """Every audience that this one includes, directly or not."""
        tree = self.trees.get(audience.id)
        names = set() if tree is None else set(ancestors(tree, self.trees))
        return [each for each in self.audiences if not names.isdisjoint((each.slug, each.id))]

    def inlined(self, audience: Audience) -> str:
        """The filter with every INCLUDE replaced. Raises InputError where that cannot be done."""
        tree = self.trees.get(audience.id)
        return audience.segment_ql if tree is None else canonical(inline(tree, self.trees.get))

    @property
    def _slugs(self) -> list[str]:
        return [each.slug for each in self.audiences]


async def load_catalog(connection: Any) -> Catalog:
    """Read it. Raises ConfigurationError while there are no profiles yet."""
    generation = await generations.live(connection)
    audiences = await store.every(connection)
    fields = frozenset(field.id for field in generation.schema.fields) | frozenset(META_FIELDS)
    return Catalog(audiences, trees_of(audiences), fields, generation.number)
