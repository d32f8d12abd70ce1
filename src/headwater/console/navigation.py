"""The navigation: every part of the console, in one list. A part is here when its pages exist."""

from __future__ import annotations

from typing import NamedTuple

from headwater.console.access_rules import RULES
from headwater.console.accounts.roles import at_least


class Part(NamedTuple):
    """An entry of the navigation. `icon` is a symbol of `static/icons.svg`; pages below `path` belong to it."""

    path: str
    label: str
    icon: str


PARTS = (
    Part("/", "Home", "home"),
    Part("/live", "Live", "live"),
    Part("/pipelines", "Pipelines", "pipelines"),
    Part("/integrations", "Integrations", "integrations"),
    Part("/deliveries", "Deliveries", "deliveries"),
    Part("/profiles", "Profiles", "profiles"),
    Part("/audiences", "Audiences", "audiences"),
    Part("/schema", "Schema", "schema"),
    Part("/settings", "Settings", "settings"),
)


def parts_for(role: str) -> list[Part]:
    """The parts that a role may open."""
    return [part for part in PARTS if at_least(role, RULES[f"GET {part.path}"])]


def is_current(part: Part, path: str) -> bool:
    """Whether a page with this path belongs to the part."""
    return path == part.path if part.path == "/" else path == part.path or path.startswith(part.path + "/")
