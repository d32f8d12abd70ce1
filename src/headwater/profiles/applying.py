"""Apply one batch, whoever built it: what the database refuses is cut until the faulty message is alone."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import asyncpg
import structlog

from headwater.database import faults
from headwater.errors import HeadwaterError
from headwater.profiles.drop_counts import DropCount, DropKey, merge_drop_counts
from headwater.profiles.store.batch import Batch
from headwater.profiles.store.builder import Applied, Builder, OutdatedError, ReplacedError

logger = structlog.get_logger(__name__)


async def apply_batch(connection: Any, builder: Builder, batch: Batch) -> Applied:
    """Apply a batch; one that the database refuses for its content is cut until the faulty message is alone, and that one is dropped."""
    now = datetime.now(UTC)
    try:
        with faults.translated():
            return await builder.apply(connection, batch, now)
    except (HeadwaterError, ReplacedError, OutdatedError, asyncpg.InterfaceError):
        raise
    except Exception as fault:  # whatever is wrong with one message must not stop the others
        if connection.is_closed() or not batch.arrivals:
            raise
        logger.error("a batch was refused; looking for the message at fault", reason=type(fault).__name__)
        applied, drops = await _apply_in_pieces(connection, builder, batch, now, fault)
        rest = await builder.apply(connection, Batch((), batch.moves, merge_drop_counts(batch.drops, drops)), now)
        return Applied(
            applied.applied, applied.repeated, applied.profiles, merge_drop_counts(applied.drops, rest.drops)
        )


async def _apply_in_pieces(
    connection: Any, builder: Builder, batch: Batch, now: datetime, fault: Exception
) -> tuple[Applied, dict[DropKey, DropCount]]:
    """Apply what can be applied, without moving positions; what is dropped is returned, to be counted with the positions."""
    if len(batch.arrivals) == 1:
        effect = batch.arrivals[0].effect
        reason = DropKey("record", "", f"fault: {type(fault).__name__}")
        return Applied(0, 0, 0, {}), {reason: DropCount(1, effect.message_id, str(fault)[:100])}
    total, dropped = Applied(0, 0, 0, {}), dict[DropKey, DropCount]()
    middle = len(batch.arrivals) // 2
    for piece in (Batch(batch.arrivals[:middle]), Batch(batch.arrivals[middle:])):
        try:
            with faults.translated():
                done, lost = await builder.apply(connection, piece, now), dict[DropKey, DropCount]()
        except (HeadwaterError, ReplacedError, OutdatedError, asyncpg.InterfaceError):
            raise
        except Exception as inner:
            done, lost = await _apply_in_pieces(connection, builder, piece, now, inner)
        total = Applied(
            total.applied + done.applied,
            total.repeated + done.repeated,
            total.profiles + done.profiles,
            merge_drop_counts(total.drops, done.drops),
        )
        dropped = merge_drop_counts(dropped, lost)
    return total, dropped


async def set_up(connection: Any) -> None:
    """How this connection works.

    The log keeps what a crash of the server may take from the end of its own journal, and positions go with the profiles, so
    a commit need not wait for the disk. Plans are made for the tables as they are now, which grow from nothing to millions of rows.
    """
    await connection.execute("SET synchronous_commit = off")
    await connection.execute("SET plan_cache_mode = force_custom_plan")
    await connection.execute("SET enable_seqscan = off")
