"""Who changed what, when."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec

from headwater.pipelines.changes import QUERIES

PAGE_LIMIT = 500


class AuditEntry(msgspec.Struct, frozen=True):
    """One step of a change; `before` is None for something new, `after` is None for something deleted."""

    id: int
    at: datetime
    actor: str
    action: str
    subject: str
    before: Any
    after: Any


async def write(connection: Any, actor: str, action: str, subject: str, after: Any) -> None:
    """Write down what somebody did that changes no configuration: no process has to look for a change."""
    await connection.execute(QUERIES["insert_audit"], actor, action, subject, None, msgspec.to_builtins(after))


async def entries(
    connection: Any, *, subject: str | None = None, older_than: int | None = None, limit: int = 100
) -> list[AuditEntry]:
    """The newest entries first; `older_than` is the id where the page before ended."""
    rows = await connection.fetch(QUERIES["audit_entries"], subject, older_than, min(limit, PAGE_LIMIT))
    return [AuditEntry(**row) for row in rows]
