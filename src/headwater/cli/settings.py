"""`headwater settings`: every setting with its value and where it comes from."""

from __future__ import annotations

from headwater import settings as settings_module
from headwater.cli.configuration_session import write_table


def settings() -> None:
    """List every setting with its value, its source, and the environment variable that sets it."""
    _, sources = settings_module.load_with_sources()
    rows = [(found.name, found.value, found.source, _variable(found.name)) for found in sources]
    write_table("Settings", ("setting", "value", "source", "environment variable"), rows)


def _variable(name: str) -> str:
    return "HEADWATER_" + name.replace(".", "_").upper()
