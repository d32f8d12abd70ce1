"""From a text to an audience that can be saved: everything that must not be saved is refused here, with its place."""

from __future__ import annotations

import re
from collections.abc import Collection

import msgspec

from headwater.audiences.objects import TABLE
from headwater.errors import InputError
from headwater.expressions import ExpressionError, Filter, Resolver, check, parse_filter
from headwater.expressions.date_math import looks_like_date_math, parse_date_math
from headwater.expressions.includes import DEPTH_LIMIT, depth, no_includes, resolve
from headwater.expressions.tree import Call, Comparison, Exists, Include, Literal, Node, walk

TEXT_LIMIT = 100_000
"""Longest text of an audience, in characters."""
CONDITION_LIMIT = 1_000
"""Most conditions of one audience, as in Lytics."""
WHOLE_LIMIT = 10_000
"""Most conditions of an audience with everything it includes: they are evaluated for every profile."""
NAME_LIMIT = 64
RESERVED_SLUGS = frozenset({"validate", "size", "sizes", "scan", "attribution", "fieldinfo", "reevaluate", "overlap"})
"""Names of the API's own paths."""
_SLUG = re.compile(r"[a-z0-9_][a-z0-9_.-]*")


class Definition(msgspec.Struct, frozen=True):
    """A text that was read and found fit."""

    text: str
    filter: Filter

    @property
    def tree(self) -> Node:
        """The condition."""
        return self.filter.where


def define(
    text: str,
    resolver: Resolver = no_includes,
    known_fields: Collection[str] | None = None,
    known_audiences: Collection[str] = (),
    own_names: Collection[str] = (),
) -> Definition:
    """Read and check the text of an audience, which others may include by `own_names`.

    Raises ExpressionError with line and column for what cannot be read or never be evaluated, InputError for what is too large.
    `known_fields` None takes any field.
    """
    if len(text) > TEXT_LIMIT:
        raise InputError(f"the filter is longer than {TEXT_LIMIT:,} characters; split it with INCLUDE", "segment_ql")
    found = parse_filter(text)
    if found.source not in (None, TABLE):
        raise InputError(f"there is no table {found.source!r}; audiences are drawn from {TABLE}", "segment_ql")

    def with_itself(name: str) -> Node | None:
        return found.where if name in own_names else resolver(name)

    check(found.where, text, with_itself, known_fields, known_audiences)
    _check_size(found.where, with_itself, text)
    return Definition(text, found)


def _check_size(tree: Node, resolver: Resolver, text: str) -> None:
    own = conditions(tree)
    if own > CONDITION_LIMIT:
        raise ExpressionError(
            f"{own:,} conditions, more than {CONDITION_LIMIT:,}; split the filter with INCLUDE", text, 0
        )
    below = [found for found in resolve(tree, resolver).values() if isinstance(found, Node)]
    whole = own + sum(map(conditions, below))
    if whole > WHOLE_LIMIT:
        raise ExpressionError(f"{whole:,} conditions with all includes, more than {WHOLE_LIMIT:,}", text, 0)
    if depth(tree, _depths(tree, resolver)) > DEPTH_LIMIT:
        raise ExpressionError(f"nested more than {DEPTH_LIMIT} levels deep with all includes", text, 0)


def _depths(tree: Node, resolver: Resolver) -> dict[str, int]:
    """The nesting of everything included, each with what it includes itself, leaves first."""
    trees = {name: found for name, found in resolve(tree, resolver).items() if isinstance(found, Node)}
    depths: dict[str, int] = {}

    def visit(name: str) -> None:
        if name in depths or name not in trees:
            return
        depths[name] = 0
        for part in walk(trees[name]):
            if isinstance(part, Include):
                visit(part.name)
        depths[name] = depth(trees[name], depths)

    for name in trees:
        visit(name)
    return depths


def conditions(tree: Node) -> int:
    """How many conditions a tree has: comparisons, EXISTS, INCLUDE and calls."""
    return sum(isinstance(part, Comparison | Exists | Include | Call) for part in walk(tree))


def has_date_math(tree: Node) -> bool:
    """Whether any text of the filter is date math; a property of the text alone."""
    return any(_is_date_math(part) for part in walk(tree))


def looks_forward(tree: Node) -> bool:
    """Whether any date math of the filter points to the future."""
    for part in walk(tree):
        math = parse_date_math(part.value) if isinstance(part, Literal) and isinstance(part.value, str) else None
        if math is not None and (math.seconds > 0 or math.months > 0):
            return True
    return False


def _is_date_math(part: Node) -> bool:
    return isinstance(part, Literal) and isinstance(part.value, str) and looks_like_date_math(part.value)


def check_slug(slug: str) -> str:
    """The slug, if it can be one. Raises InputError."""
    if slug in RESERVED_SLUGS:
        raise InputError(f"{slug!r} is a path of the API; choose another slug", "slug_name")
    if len(slug) > NAME_LIMIT or _SLUG.fullmatch(slug) is None or slug.isdigit():
        raise InputError(
            f"{slug[:NAME_LIMIT]!r} is no slug; use up to {NAME_LIMIT} small letters, digits and _ . -, not digits alone",
            "slug_name",
        )
    return slug


def slug_of(name: str) -> str:
    """The slug that is made from a name."""
    return check_slug(re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")[:NAME_LIMIT])


def check_name(name: str) -> str:
    """The name, if it can be one. Raises InputError."""
    if not name.strip() or len(name) > NAME_LIMIT or not name.isprintable():
        raise InputError(f"a name has 1 to {NAME_LIMIT} printable characters", "name")
    return name.strip()
