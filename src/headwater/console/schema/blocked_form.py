"""Values that never identify anybody, in a form and out of it: one a line, by identifier."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from headwater.console.forms import Form
from headwater.profiles.schema import Blocked, Schema

EVERY_TYPE = "*"


class BlockedRow(NamedTuple):
    """The lists of one identifier type, or of all for EVERY_TYPE, as texts with a line for each entry."""

    type: str
    values: str
    patterns: str
    exempt: str

    @property
    def empty(self) -> bool:
        """Whether nothing is listed."""
        return not (self.values or self.patterns or self.exempt)


def rows_of(schema: Schema) -> tuple[BlockedRow, ...]:
    """What a schema lists: for all identifiers, then for each, strongest first."""
    blocked = schema.blocked
    return tuple(
        BlockedRow(
            name, *("\n".join(each.get(name, ())) for each in (blocked.values, blocked.patterns, blocked.exempt))
        )
        for name in (EVERY_TYPE, *schema.ranks)
    )


def rows_from(form: Form, schema: Schema) -> tuple[BlockedRow, ...]:
    """What was typed."""
    return tuple(
        BlockedRow(name, *(form.text(f"{what}.{name}") for what in ("values", "patterns", "exempt")))
        for name in (EVERY_TYPE, *schema.ranks)
    )


def blocked_from(rows: tuple[BlockedRow, ...], held: Blocked) -> Blocked:
    """The lists that a form asks for, without empty and repeated lines; one that nobody touched stays as it is held."""
    return Blocked(
        values=_lists({row.type: row.values for row in rows}, held.values),
        patterns=_lists({row.type: row.patterns for row in rows}, held.patterns),
        exempt=_lists({row.type: row.exempt for row in rows}, held.exempt),
    )


def _lists(typed: Mapping[str, str], held: Mapping[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
    lists = {name: _entries(text, held.get(name, ())) for name, text in typed.items()}
    return {name: entries for name, entries in lists.items() if entries}


def _entries(text: str, held: tuple[str, ...]) -> tuple[str, ...]:
    if text == "\n".join(held):
        return held
    return tuple(dict.fromkeys(filter(None, map(str.strip, text.split("\n")))))
