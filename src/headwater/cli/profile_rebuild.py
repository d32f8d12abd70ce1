"""`headwater profiles rebuild`: build profiles anew from everything that was ever received."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any

import msgspec
from cyclopts import Parameter

from headwater.cli.configuration_session import session, write_json, write_line
from headwater.cli.output import agreed, progress_bar
from headwater.errors import InputError
from headwater.profiles.rebuild.desk import Rebuild, RebuildDesk

FOLLOW_SECONDS = 0.5

Flag = Annotated[bool, Parameter(negative=())]
_QUESTION = (
    "Profiles are built anew from the archive and the log, with the schema version that waits for it or else the live one, "
    "and then replace the present ones. What neither archive nor log has any more, and events of pipelines that were detached, "
    "will not be in them. Begin?"
)


async def rebuild(
    *,
    yes: Flag = False,
    quiet: Flag = False,
    follow: Flag = False,
    status: Flag = False,
    cancel: Flag = False,
    json: Annotated[bool, Parameter(name="--json", negative=())] = False,
) -> None:
    """Build profiles anew beside the live ones, then switch over. It goes on when this command ends.

    Parameters
    ----------
    yes
        Begin without asking.
    quiet
        Announce nobody who is in other audiences afterwards.
    follow
        Show a bar until it is over; alone, of the rebuild that is under way.
    status
        Only show how far it is.
    cancel
        Give the rebuild that is under way up; the live profiles stay.
    json
        Print JSON for a script.
    """
    async with session() as made:
        desk = RebuildDesk(made.pool)
        found = await desk.status()
        if cancel:
            found = await desk.cancel(made.actor)
        elif not status and not (follow and found is not None and found.state == "building"):
            if not yes and not agreed(_QUESTION):
                return
            found = await desk.start(made.actor, quiet=quiet)
        if follow and found is not None:
            found = await _followed(desk, found)
        _show(found, json=json)


async def _followed(desk: RebuildDesk, found: Rebuild) -> Rebuild:
    """Show a bar until the rebuild is over."""
    shown = 0
    with progress_bar("rebuilding profiles", found.total) as advance:
        while found.state == "building":
            advance(found.done - shown)
            shown = found.done
            await asyncio.sleep(FOLLOW_SECONDS)
            newer = await desk.status()
            if newer is None or newer.generation != found.generation:
                raise InputError("another rebuild began meanwhile; `headwater profiles rebuild --status` shows it")
            found = newer
        advance(found.done - shown)
    return found


def _show(found: Rebuild | None, *, json: bool) -> None:
    if json:
        document: Any = None if found is None else msgspec.to_builtins(found)
        write_json(document)
    else:
        write_line("Profiles were never rebuilt." if found is None else _sentence(found))


def _sentence(found: Rebuild) -> str:
    name = f"The rebuild with schema {found.schema_version}"
    if found.state == "live":
        return f"{name} is over: its profiles are live since {found.finished_at:%Y-%m-%d %H:%M:%S} UTC."
    if found.state == "cancelled":
        return f"{name} was given up; profiles are as they were."
    words = f"{name} is at record {found.done:,} of {found.total:,}. `headwater profiles rebuild --follow` shows it."
    return f"{words} In its way: {found.fault}" if found.fault else words
