"""`headwater apply` and `headwater export`: the configuration as files under version control."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter
from rich.prompt import Confirm

from headwater.cli.configuration_session import session, write_json, write_line
from headwater.database.transactions import transaction
from headwater.errors import InputError
from headwater.pipelines import apply as applying
from headwater.pipelines import folder as folders
from headwater.pipelines import kits
from headwater.pipelines.apply import DeclaredState
from headwater.pipelines.changes import change
from headwater.pipelines.plan import Plan, plan

AsJson = Annotated[bool, Parameter(name="--json", negative=(), help="Print JSON for a script.")]


async def apply(
    folder: Path,
    *,
    yes: Annotated[bool, Parameter(negative=())] = False,
    prune: Annotated[bool, Parameter(negative=())] = False,
    without_secrets: Annotated[bool, Parameter(negative=())] = False,
    json: AsJson = False,
) -> None:
    """Make this install what a folder describes: show the steps, then take them all at once.

    Parameters
    ----------
    folder
        A folder as `headwater export` writes it.
    yes
        Take the steps without being asked.
    prune
        Also remove what the folder does not have: pipelines, integrations, attachments, write keys.
    without_secrets
        Do not ask whether this process can read the secrets that the files refer to; the router must.
    """
    desired = folders.read_folder(folder, kits.find_library_texts)
    async with session() as made:
        async with transaction(made.pool, read_only=True) as connection:
            state = await applying.declared_state(connection)
        found = plan(desired, state.declaration, prune=prune)
        applying.check_contents(found.steps, state, made.resolver, secrets_needed=not without_secrets)
        _show(found, json=json)
        if not found.steps or not (yes or _agreed(found)):
            return
        async with change(made.pool, made.actor) as changing:
            _require_same(await applying.declared_state(changing.connection), state)
            await applying.execute(changing, found.steps, state)
    if not json:
        write_line(f"Done: {len(found.steps)} step(s).")


async def export(folder: Path) -> None:
    """Write the configuration of this install into a folder, secrets as references only.

    Parameters
    ----------
    folder
        Where to write `pipelines/` and `integrations/`; older files of an export there are replaced.
    """
    async with session() as made, transaction(made.pool, read_only=True) as connection:
        state = await applying.declared_state(connection)
    folders.write_folder(folder, state.declaration, kits.find_library_texts)
    declared = state.declaration
    write_line(
        f"Wrote {len(declared.pipelines)} pipeline(s) and {len(declared.integrations)} integration(s) to {folder}."
    )
    references = applying.sealed_references(state)
    if references:
        write_line("Secrets stay here. Another install needs them in its environment:")
        for reference in references:
            write_line(f"  {reference.removeprefix('secret://env/')}")


def _show(found: Plan, *, json: bool) -> None:
    if json:
        write_json({"steps": [str(step) for step in found.steps], "left": [str(step) for step in found.left]})
        return
    for step in found.steps:
        write_line(f"  {step}")
    if not found.steps:
        write_line("Nothing to do: the install is what the folder describes.")
    if found.left:
        write_line("Only this install has the following; --prune would:")
        for removal in found.left:
            write_line(f"  {removal}")


def _agreed(found: Plan) -> bool:
    if not sys.stdin.isatty():
        raise InputError("nobody is there to agree to the steps; repeat with --yes to take them", "--yes")
    return Confirm.ask(f"Take these {len(found.steps)} steps?", default=False)


def _require_same(now: DeclaredState, planned: DeclaredState) -> None:
    if now != planned:
        raise InputError("the configuration changed while the plan was shown; apply again", code="conflict")
