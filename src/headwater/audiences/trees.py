"""The trees of audiences by name, as INCLUDE finds them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache

from headwater.audiences.objects import Audience
from headwater.expressions import ExpressionError, parse_filter
from headwater.expressions.includes import resolve
from headwater.expressions.tree import MatchAll, Node


def trees_of(audiences: Sequence[Audience]) -> dict[str, Node]:
    """Trees by slug and by id. A text that no longer reads (a newer version wrote it) is left out: nobody is in it."""
    trees: dict[str, Node] = {}
    for audience in audiences:
        try:
            tree = parse_filter(audience.segment_ql).where
        except ExpressionError:
            continue
        trees[audience.slug] = trees[audience.id] = tree
    return trees


def ancestors(tree: Node, trees: Mapping[str, Node]) -> tuple[str, ...]:
    """The names of all filters that a tree includes, directly or not, in the order in which they are met."""
    return tuple(resolve(tree, trees.get))


def dependents(audience: Audience, others: Sequence[Audience]) -> list[Audience]:
    """The audiences that include this one, directly or not."""
    trees = trees_of([*others, audience])
    names = {audience.slug, audience.id}
    return [each for each in others if each.id in trees and not names.isdisjoint(ancestors(trees[each.id], trees))]


@lru_cache(maxsize=4096)
def holds_everybody(text: str) -> bool:
    """Whether a filter is `FILTER *`: nobody enters or leaves, and nothing is written down about it."""
    try:
        return isinstance(parse_filter(text).where, MatchAll)
    except ExpressionError:
        return False
