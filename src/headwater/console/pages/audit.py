"""The audit log: who changed what, with before and after."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, NamedTuple
from urllib.parse import urlencode

from litestar import Request, Response, get
from litestar.datastructures import State
from litestar.params import QueryParameter

from headwater.api.names import PATH_TEXT_LIMIT
from headwater.console.accounts import people
from headwater.console.ports import console_of
from headwater.console.rendering import page
from headwater.console.value_changes import ValueChange, changes
from headwater.database.transactions import transaction
from headwater.pipelines import audit_log, integration_store, pipeline_store
from headwater.pipelines.audit_log import AuditEntry

SHOWN = 50

Caller = Request[Any, Any, State]


class Shown(NamedTuple):
    """An entry with what it is about in words, and what changed."""

    entry: AuditEntry
    about: str
    changes: list[ValueChange]


@get("/settings/audit")
async def show_audit(
    request: Caller,
    subject: Annotated[str | None, QueryParameter(max_length=PATH_TEXT_LIMIT, pattern=r"^[^\x00]*$")] = None,
    older_than: Annotated[int | None, QueryParameter(ge=1, le=2**63 - 1)] = None,
) -> Response[Any]:
    """The newest changes, of one subject or all."""
    async with transaction(console_of(request).pool, read_only=True) as database:
        entries = await audit_log.entries(database, subject=subject, older_than=older_than, limit=SHOWN + 1)
        names = await _names(database)
    shown = [Shown(entry, _about(entry, names), changes(entry.before, entry.after)) for entry in entries[:SHOWN]]
    older = (
        {"older_than": entries[SHOWN - 1].id, **({"subject": subject} if subject else {})}
        if len(entries) > SHOWN
        else {}
    )
    return page(
        request,
        "settings/audit.html",
        entries=shown,
        subject=subject,
        older=f"/settings/audit?{urlencode(older)}" if older else None,
        newest="/settings/audit" if older_than else None,
    )


async def _names(database: Any) -> dict[str, str]:
    """What the subjects that are still there are called: an id tells nobody anything."""
    pipelines = {pipeline_store.subject(found): found.name for found in await pipeline_store.every(database)}
    integrations = {integration_store.subject(found): found.name for found in await integration_store.every(database)}
    everybody = {people.subject(found): found.name for found in await people.every(database)}
    return pipelines | integrations | everybody


def _about(entry: AuditEntry, names: Mapping[str, str]) -> str:
    """The subject by its name; of one that is gone, by the name in the entry."""
    kind = entry.subject.partition(" ")[0]
    held = (value.get("name") for value in (entry.after, entry.before) if isinstance(value, dict))
    name = names.get(entry.subject) or next((name for name in held if isinstance(name, str) and name), None)
    return entry.subject if name is None else f"{kind} {name}"


HANDLERS = (show_audit,)
