"""Where events name an earlier identifier of a person, in a form and out of it."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import NamedTuple

from headwater.console.forms import Form
from headwater.profiles.schema import EVERY_STREAM, Alias, Schema

ROWS_LIMIT = 100


class AliasRow(NamedTuple):
    """An alias as the form has it; `id` "" is a new one."""

    id: str
    field: str
    expr: str
    stream: str
    guard: str


def rows_of(schema: Schema) -> tuple[AliasRow, ...]:
    """The aliases of a schema."""
    return tuple(
        AliasRow(_alias_id(each), each.field, each.expr, each.stream, each.guard_expr) for each in schema.aliases
    )


def new_row(schema: Schema) -> AliasRow:
    """One to fill in, for the strongest identifier."""
    return AliasRow("", schema.ranks[0] if schema.ranks else "", "", EVERY_STREAM, "")


def rows_from(form: Form) -> tuple[AliasRow, ...]:
    """What was typed."""
    count = form.number("aliases") or 0  # an absent or unreadable count is no row
    return tuple(
        AliasRow(
            form.text(f"alias-{at}-id"),
            form.text(f"alias-{at}-field"),
            form.text(f"alias-{at}-expr").strip(),
            form.text(f"alias-{at}-stream").strip() or EVERY_STREAM,
            form.text(f"alias-{at}-guard").strip(),
        )
        for at in range(min(count, ROWS_LIMIT))
    )


def aliases_from(rows: Sequence[AliasRow], schema: Schema) -> tuple[Alias, ...]:
    """The aliases that a form asks for: one without an expression goes, and what somebody else added meanwhile stays."""
    typed = {row.id: row for row in rows if row.id}
    kept = [_alias(typed[_alias_id(each)]) if _alias_id(each) in typed else each for each in schema.aliases]
    added = [_alias(row) for row in rows if not row.id]
    return tuple(each for each in (*kept, *added) if each.expr)


def _alias(row: AliasRow) -> Alias:
    return Alias(row.field, row.expr, row.stream, row.guard)


def _alias_id(alias: Alias) -> str:
    text = "\0".join((alias.field, alias.expr, alias.stream, alias.guard_expr))
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()
