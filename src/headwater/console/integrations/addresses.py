"""Where the pages of integrations are."""

from __future__ import annotations

from headwater.pipelines.objects import Integration

LIST = "/integrations"
LIBRARY = f"{LIST}/library"
_TAKEN = frozenset({"library", "lua-check"})
"""Words that stand in the place of a slug; an integration with such a slug is reached by its id."""


def page_of(integration: Integration) -> str:
    """The page of an integration."""
    return f"{LIST}/{integration.id if integration.slug in _TAKEN else integration.slug}"


def mapping_of(integration: Integration) -> str:
    """The mapping editor of an integration."""
    return f"{page_of(integration)}/mapping"


def connection_of(integration: Integration) -> str:
    """The parameters of an integration."""
    return f"{page_of(integration)}/connection"
