"""`headwater schema`: fields, mappings and identity rules of profiles, as versions and as files."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import msgspec
from cyclopts import App, Parameter

from headwater.cli.configuration_session import session, write_json, write_line, write_table
from headwater.database.transactions import transaction
from headwater.errors import ConfigurationError, InputError
from headwater.pipelines.changes import change
from headwater.profiles.schema import Schema
from headwater.profiles.schema_check import Problem, check_schema
from headwater.profiles.schema_diff import SchemaDiff, compare_schemas
from headwater.profiles.schema_file import place_of, read_schema, write_schema
from headwater.profiles.versions import draft_store, version_store
from headwater.profiles.versions.objects import VersionSummary

app = App(name="schema", help="What profiles are made of: fields, mappings, identity rules; draft and versions.")

AsJson = Annotated[bool, Parameter(name="--json", negative=(), help="Print JSON for a script.")]

_EFFECTS = {
    "none": "only descriptions change",
    "new events": "new events suffice",
    "identity": "profiles may join or split, so they must be rebuilt",
    "rebuild": "old events must be read again, so profiles must be rebuilt",
}


@app.command
async def show(name: str = "live") -> None:
    """Print a schema as a file.

    Parameters
    ----------
    name
        `live`, `draft`, or the number of a version.
    """
    sys.stdout.write(_text(await _schema(name)))


@app.command
async def check(file: Path, *, json: AsJson = False) -> None:
    """Say everything that is wrong with a schema file, each fault with its line. Needs no running install."""
    text = _read(file)
    problems = check_schema(read_schema(text, file.name))
    if json:
        write_json([{**msgspec.to_builtins(each), "place": place_of(text, each.place, file.name)} for each in problems])
    else:
        for problem in problems:
            write_line(f"{problem.severity}: {place_of(text, problem.place, file.name)}: {problem.message}")
    errors = sum(problem.severity == "error" for problem in problems)
    if errors:
        raise ConfigurationError(f"{errors} fault(s)", file.name)
    if not json:
        write_line(f"{file.name} is sound.")


@app.command
async def diff(before: str = "live", after: str = "draft", *, json: AsJson = False) -> None:
    """Show what differs between two schemas, and what it takes to bring the second to profiles.

    Parameters
    ----------
    before, after
        `live`, `draft`, the number of a version, or a file.
    """
    found = compare_schemas(await _schema(before), await _schema(after))
    if json:
        write_json({"changes": found.changes, "effect": version_store.effect_of(found)})
        return
    _write_diff(found)


@app.command(name="import")
async def import_(file: Path) -> None:
    """Take a schema file as the draft. `headwater schema publish` puts it to use."""
    text = _read(file)
    schema = read_schema(text, file.name)
    _refuse_faults(check_schema(schema), text, file.name)
    async with session() as made, change(made.pool, made.actor) as changing:
        before = await version_store.live(changing.connection)
        draft = await draft_store.replace(changing, schema)
    _write_diff(compare_schemas(before.schema, draft.schema))


@app.command
async def export(file: Path, *, name: str = "live") -> None:
    """Write a schema into a file.

    Parameters
    ----------
    file
        Where to write; a file that is there is replaced.
    name
        `live`, `draft`, or the number of a version.
    """
    _write(file, _text(await _schema(name)))
    write_line(f"Wrote {name} to {file}.")


@app.command
async def publish(*, tag: str, description: str, revision: int | None = None) -> None:
    """Publish the draft: live at once, or after a rebuild of profiles.

    Parameters
    ----------
    tag
        A short name of the version.
    description
        What changes and why.
    revision
        Only if this is still the revision of the draft: nobody else edited it since.
    """
    async with session() as made, change(made.pool, made.actor) as changing:
        published = await draft_store.publish(changing, tag=tag, description=description, revision=revision)
    summary = published.summary
    write_line(f"Version {summary.number} is {summary.state}: {_EFFECTS[summary.effect]}.")
    if summary.state == "waiting":
        write_line("`headwater profiles rebuild` builds profiles anew and then puts it to use.")


@app.command
async def discard() -> None:
    """Give the draft up."""
    async with session() as made, change(made.pool, made.actor) as changing:
        await draft_store.discard(changing)
    write_line("The draft is the newest version again.")


@app.command
async def versions(*, json: AsJson = False) -> None:
    """List published versions, newest first."""
    async with session() as made, transaction(made.pool, read_only=True) as connection:
        found = await version_store.every(connection)
    if json:
        write_json(found)
        return
    write_table(
        "Schema versions",
        ("version", "state", "tag", "time (UTC)", "by", "description"),
        [_row(each) for each in found],
    )


def _row(version: VersionSummary) -> tuple[object, ...]:
    at = f"{version.published_at:%Y-%m-%d %H:%M:%S}"
    return version.number, version.state, version.tag, at, version.author, version.description


async def _schema(name: str) -> Schema:
    if name not in ("live", "draft") and not name.isdigit():
        file = Path(name)
        return read_schema(_read(file), file.name)
    async with session() as made, transaction(made.pool, read_only=True) as connection:
        if name == "draft":
            return (await draft_store.draft(connection)).schema
        if name == "live":
            return (await version_store.live(connection)).schema
        return (await version_store.version(connection, int(name))).schema


def _read(file: Path) -> str:
    try:
        return file.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as fault:
        raise InputError(f"cannot be read: {fault}", str(file)) from None


def _write(file: Path, text: str) -> None:
    try:
        file.write_text(text, "utf-8")
    except OSError as fault:
        raise InputError(f"cannot be written: {fault}", str(file)) from None


def _text(schema: Schema) -> str:
    return write_schema(msgspec.structs.replace(schema, version=""))


def _refuse_faults(problems: tuple[Problem, ...], text: str, name: str) -> None:
    errors = [each for each in problems if each.severity == "error"]
    if errors:
        lines = "\n".join(f"  {place_of(text, each.place, name)}: {each.message}" for each in errors)
        raise ConfigurationError(f"{len(errors)} fault(s):\n{lines}", name)


def _write_diff(found: SchemaDiff) -> None:
    for each in found.changes:
        place = ".".join(filter(None, (each.place, each.attribute)))
        shown = "" if each.kind != "changed" else f": {_short(each.before)} → {_short(each.after)}"
        write_line(f"{each.kind:8} {place}{shown}  ({each.effect})")
    write_line("No difference." if not found.changes else f"Together: {_EFFECTS[version_store.effect_of(found)]}.")


def _short(value: object) -> str:
    text = msgspec.json.encode(value).decode()
    return text if len(text) <= 60 else f"{text[:57]}…"
