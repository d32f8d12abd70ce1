"""One change of the configuration: a transaction with an author, an audit entry and a new version."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import msgspec

from headwater.database.queries import load
from headwater.database.transactions import transaction

QUERIES = load("headwater.pipelines")


class Change:
    """What the writing functions of this room work in: a connection in a transaction, and who is responsible."""

    def __init__(self, connection: Any, actor: str) -> None:
        self.connection = connection
        self.actor = actor
        self.entries = 0

    async def record(self, action: str, subject: str, before: Any, after: Any) -> None:
        """Write the audit entry of one step. Callers pass values that people may see: secrets are masked before."""
        self.entries += 1
        await self.connection.execute(
            QUERIES["insert_audit"],
            self.actor,
            action,
            subject,
            msgspec.to_builtins(before),
            msgspec.to_builtins(after),
        )


@asynccontextmanager
async def change(pool: Any, actor: str) -> AsyncIterator[Change]:
    """Make one change; all of it or nothing. Changes happen one after another, whichever process makes them.

    `actor` is who does it, as the audit log shows it ("cli root", "token 3f…"). When something was recorded, the
    configuration version rises with the commit and every process is told. Raises as `transaction` does.
    """
    async with transaction(pool) as connection:
        await connection.fetchval(QUERIES["lock_configuration"])
        made = Change(connection, actor)
        yield made
        if made.entries:
            await connection.fetchrow(QUERIES["raise_version"])
