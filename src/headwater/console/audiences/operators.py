"""The operators that a rule may have, by the kind of its field, in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, NamedTuple

from headwater.profiles.kinds import KINDS

Input = Literal["none", "one", "two", "list"]
"""What a person types beside an operator: nothing, a value, two values, or values with commas between them."""

Nature = Literal["text", "number", "date", "bool", "list", "map"]

OF_FIELDS: Mapping[str, tuple[str, Input]] = {
    "is": ("is", "one"),
    "is not": ("is not", "one"),
    "in": ("is one of", "list"),
    "not in": ("is none of", "list"),
    "contains": ("contains", "one"),
    "like": ("fits the pattern", "one"),
    "gt": ("is more than", "one"),
    "ge": ("is at least", "one"),
    "lt": ("is less than", "one"),
    "le": ("is at most", "one"),
    "between": ("is between", "two"),
    "after": ("is after", "one"),
    "before": ("is before", "one"),
    "true": ("is true", "none"),
    "false": ("is false", "none"),
    "has": ("has any of", "list"),
    "has not": ("has none of", "list"),
    "exists": ("is known", "none"),
    "missing": ("is not known", "none"),
}
"""Label and input of each operator."""

OF_AUDIENCES: Mapping[str, str] = {"include": "is in the audience", "exclude": "is not in the audience"}

BY_NATURE: Mapping[Nature, tuple[str, ...]] = {
    "text": ("is", "is not", "in", "not in", "contains", "like", "exists", "missing"),
    "number": ("is", "is not", "gt", "ge", "lt", "le", "between", "in", "exists", "missing"),
    "date": ("after", "before", "exists", "missing"),
    "bool": ("true", "false", "exists", "missing"),
    "list": ("has", "has not", "contains", "like", "exists", "missing"),
    "map": ("has", "has not", "exists", "missing"),
}

_BY_ELEMENT: Mapping[str, Nature] = {
    "string": "text",
    "bool": "bool",
    "int": "number",
    "number": "number",
    "date": "date",
    "count": "list",
}

META_NATURES: Mapping[str, Nature] = {
    "_created": "date",
    "_modified": "date",
    "_num_aliases": "number",
    "_num_events": "number",
    "_num_streams": "number",
    "_num_days": "number",
    "_num_conflicts": "number",
    "_streamnames": "list",
    "_conflicts": "list",
}


class KnownField(NamedTuple):
    """A field that a rule may ask about, with its kind's name ("" for what profiles note themselves)."""

    name: str
    label: str
    kind: str
    nature: Nature


def nature_of(kind: str) -> Nature:
    """How values of a kind are asked about."""
    known = KINDS.get(kind)
    if known is None:
        return "text"
    if known.shape == "map":
        return "map"
    return "list" if known.shape in ("set", "days") else _BY_ELEMENT.get(known.element, "text")


def nature_of_key(kind: str) -> Nature:
    """How one value of a map is asked about."""
    known = KINDS.get(kind)
    return "text" if known is None else _BY_ELEMENT.get(known.element, "text")
