"""`headwater replay`: deliver a range of the log again to one integration, from the archive where the log has forgotten it."""

from __future__ import annotations

import time
from contextlib import aclosing
from datetime import UTC, datetime
from typing import Annotated, Any

from cyclopts import Parameter

from headwater.archive import history
from headwater.archive.reading import ArchiveReader
from headwater.archive.stores import open_store
from headwater.cli.configuration_session import write_line
from headwater.cli.log_session import log_session, log_writer
from headwater.cli.moments import parse_range
from headwater.cli.output import agreed, progress_bar
from headwater.database.transactions import transaction
from headwater.log.reader import Query
from headwater.pipelines import audit_log, deployment_store, integration_store, pipeline_store
from headwater.routing.replays import replay_log


async def replay(
    pipeline: str,
    integration: str,
    *,
    since: str,
    until: str | None = None,
    type: str | None = None,  # noqa: A002  # the option's name is the field's name in events
    name: str | None = None,
    user: str | None = None,
    yes: Annotated[bool, Parameter(negative=())] = False,
) -> None:
    """Deliver events of the log again to one integration, with the revision in use now.

    Parameters
    ----------
    pipeline
        The pipeline, by slug or id.
    integration
        The integration, by slug or id. Others of the pipeline see nothing of it.
    since
        Stored at or after this moment: RFC 3339, a date, or a span before now such as 2h, 30m, 1d.
    until
        Stored before this moment; now by default.
    type
        Only events of this type, such as track.
    name
        Only events of this name, such as "Order Completed".
    user
        Only events of this userId or anonymousId.
    yes
        Do it without being asked.
    """
    now = time.time()
    first, last = parse_range(since, until, now)
    async with log_session("replay") as made:
        async with transaction(made.pool, read_only=True) as connection:
            attached = await deployment_store.attachment(
                connection,
                await pipeline_store.find(connection, pipeline),
                await integration_store.find(connection, integration),
            )
        query = Query(
            kind="event",
            source=attached.pipeline_id,
            since=first,
            until=now if last is None else last,
            type=type,
            name=name,
            user=user,
        )
        archive = ArchiveReader(made.pool, open_store(made.settings))
        covered = await history.count(made.client, archive, query)
        if covered == 0:
            write_line("There is no event of that pipeline in that range, neither in the log nor in the archive.")
            return
        amount = f"at most {covered:,} events"
        where = f"{attached.pipeline}/{attached.integration}"
        if not yes and not agreed(f"Deliver {amount} again to {where} (revision {attached.revision})?"):
            return
        async with transaction(made.pool) as connection:
            subject = f"integration {attached.integration_id}"
            what = {"at_most": covered, **_shown(query)}
            await audit_log.write(connection, made.actor, "events of the log sent again", subject, what)
        with progress_bar("queueing", covered) as advance:
            async with log_writer(made.client) as writer, aclosing(history.read(made.client, archive, query)) as found:
                queued = await replay_log(writer, attached.pipeline_id, attached.integration_id, found, advance)
    write_line(f"Queued {queued:,} events for {where}; `headwater log lag` shows how many are left.")
    if not attached.enabled:
        write_line(f"Delivery is paused: `headwater pipeline resume {attached.pipeline} {attached.integration}`.")


def _shown(query: Query) -> dict[str, Any]:
    """A query for the audit log. It is kept for good, so it does not say whose events they were, only that they were of one person."""
    moments = {"since": query.since, "until": query.until}
    return {
        "pipeline": query.source,
        **{name: None if at is None else datetime.fromtimestamp(at, UTC).isoformat() for name, at in moments.items()},
        "type": query.type,
        "name": query.name,
        "of_one_person": query.user is not None,
    }
