"""`headwater integration`: integrations, their parameters and overrides, and their revisions."""

from __future__ import annotations

import re
import sys
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import msgspec
from cyclopts import App, Parameter
from rich.prompt import Prompt

from headwater.cli.configuration_session import session, write_json, write_line, write_table
from headwater.database.transactions import transaction
from headwater.errors import ConfigurationError, InputError
from headwater.integrations import library
from headwater.pipelines import (
    deployment_store,
    integration_store,
    kits,
    override_edits,
    overrides,
    pipeline_store,
    secrets,
    slugs,
)
from headwater.pipelines.changes import Change, change
from headwater.pipelines.objects import DeliverySettings, Integration, Revision, shown_content
from headwater.pipelines.revision_edit import RevisionEdit, edited, same
from headwater.pipelines.revision_edit import conflicts as found_conflicts
from headwater.playbooks import Kit
from headwater.playbooks.documents import read_document

app = App(name="integration", help="Integrations: kit, parameters, overrides, delivery; each change is a new revision.")

_PARAMETER_NAME = re.compile(r"[A-Z][A-Z0-9_]+")
"""How kits name their parameters. What looks like one and is none is a typo, not a new output key."""

AsJson = Annotated[bool, Parameter(name="--json", negative=(), help="Print JSON for a script.")]
Flag = Annotated[bool, Parameter(negative=())]


class DeliveryOptions(NamedTuple):
    """How to deliver, where it differs from the kit.

    Parameters
    ----------
    base_url
        Scheme, host and port instead of the kit's own; this-install means the collector of this Headwater.
    batch_size
        Most events in one request.
    batch_wait_milliseconds
        How long a partial batch waits for more.
    concurrency
        Most requests under way at once.
    order_per_user
        Keep the order of each person's events, at the price of speed.
    timeout_seconds
        How long to wait for an answer.
    retry_hours
        How long to try again before an event becomes a dead letter.
    consent_category
        What a person must have agreed to before an event goes there; may be given several times.
    """

    base_url: str | None = None
    batch_size: int | None = None
    batch_wait_milliseconds: int | None = None
    concurrency: int | None = None
    order_per_user: bool | None = None
    timeout_seconds: float | None = None
    retry_hours: float | None = None
    consent_category: tuple[str, ...] | None = None


@app.command(name="list")
async def list_(*, library: Flag = False, json: AsJson = False) -> None:
    """List the integrations of this install, or with --library the built-in kits."""
    if library:
        _write_library(json=json)
        return
    async with session() as made, transaction(made.pool, read_only=True) as connection:
        integrations = await integration_store.every(connection)
        attachments = await deployment_store.attachments(connection)
    if json:
        write_json(integrations)
        return
    rows = [
        (i.slug, i.name, i.latest_revision, ", ".join(a.pipeline for a in attachments if a.integration_id == i.id))
        for i in integrations
    ]
    write_table("Integrations", ("integration", "name", "newest revision", "attached to"), rows)


@app.command
async def show(integration: str, *, revision: int | None = None, json: AsJson = False) -> None:
    """Show an integration with the content of a revision, the newest by default. Secrets are masked."""
    async with session() as made, transaction(made.pool, read_only=True) as connection:
        found = await integration_store.find(connection, integration)
        saved = await integration_store.revision(connection, found, revision)
    shown = shown_content(saved.content)
    if json:
        write_json({"integration": found, "revision": saved.number, "content": shown})
        return
    rows: list[tuple[str, object]] = [
        ("id", found.id),
        ("name", found.name),
        ("revision", f"{saved.number} of {found.latest_revision}, by {saved.created_by}"),
        ("kit", shown["kit"]),
        *((f"parameter {name}", value) for name, value in shown["parameters"].items()),
        *((f"delivery {name}", value) for name, value in shown["delivery"].items()),
        *((f"override {name}", msgspec.json.encode(value).decode()) for name, value in shown["overrides"].items()),
    ]
    write_table(f"Integration {found.slug}", ("", ""), rows)


@app.command
async def revisions(integration: str, *, json: AsJson = False) -> None:
    """List the revisions of an integration, newest first."""
    async with session() as made, transaction(made.pool, read_only=True) as connection:
        saved = await integration_store.revisions(connection, await integration_store.find(connection, integration))
    if json:
        write_json([{"number": r.number, "at": r.created_at, "by": r.created_by, "note": r.note} for r in saved])
        return
    rows = [(r.number, f"{r.created_at:%Y-%m-%d %H:%M}", r.created_by, r.note) for r in saved]
    write_table(f"Revisions of {integration}", ("revision", "time (UTC)", "by", "note"), rows)


@app.command
async def add(
    kit: str,
    *settings: str,
    name: str | None = None,
    slug: str | None = None,
    attach: str | None = None,
    delivery: Annotated[DeliveryOptions | None, Parameter(name="*")] = None,
) -> None:
    """Add an integration from the library.

    Parameters
    ----------
    kit
        A kit of `headwater integration list --library`.
    settings
        Parameter values as NAME=VALUE. What is missing is asked for on a terminal. A secret may be a reference:
        API_KEY=secret://env/LYTICS_API_KEY or API_KEY=secret://file/run/secrets/lytics.
    name
        A name for people; the kit's by default.
    slug
        Its name in commands; made from the name by default, with the next free number.
    attach
        A pipeline that delivers to it from now on.
    """
    await _create(kit, library.texts(kit), settings, name or kit, slug, attach, delivery)


@app.command(name="import")
async def import_(
    folder: Path,
    *settings: str,
    name: str | None = None,
    slug: str | None = None,
    attach: str | None = None,
    accept_conflicts: Flag = False,
    delivery: Annotated[DeliveryOptions | None, Parameter(name="*")] = None,
) -> None:
    """Import a kit from a folder; for an integration that exists, as its next revision.

    Parameters
    ----------
    folder
        A folder with playbook.yaml and connection.yaml (or .json), and metadata if there is any.
    settings
        Parameter values as NAME=VALUE.
    name
        A name for people; the folder's by default.
    slug
        The integration; made from the name by default.
    accept_conflicts
        Keep its overrides although the kit changes what they lie over (see `headwater integration conflicts`).
    """
    kit, texts = kits.read_folder(folder)
    async with session() as made, transaction(made.pool, read_only=True) as connection:
        known = {found.slug for found in await integration_store.every(connection)}
    if slug is not None and slug in known:
        edit = RevisionEdit(kit=kit, texts=texts, parameters=dict(_pairs(settings)), accept_conflicts=accept_conflicts)
        await _save(slug, edit, f"imported from {kit}", deploy=False)
        return
    # Without a name of its own a folder that was imported before is a mistake, not a second integration.
    await _create(kit, texts, settings, name or kit, slug or slugs.slug_of(name or kit), attach, delivery)


class OverrideOptions(NamedTuple):
    """What is sent, where it differs from the kit.

    Parameters
    ----------
    event
        Put what is said about output keys into the section of this event instead of the one for all events. When the kit
        has none, a new one begins with the rules for events without a section.
    fixed
        KEY=VALUE: the output key always has this value. Numbers, true and false are sent as such, the rest as text;
        quotes ('zip="0150"') make anything text. May be given several times, like the options below.
    drop
        An output key that is not sent: the kit's rules for it are taken out.
    remove
        A parameter to unset, or an output key whose override is taken back.
    drop_event
        An event that is not sent.
    restore_event
        An event whose overrides are taken back, that it is not sent among them.
    add_parameter
        A parameter that the kit does not have, for paths such as x=properties.$$REGION$$.
    overrides_file
        A YAML or JSON file with all overrides, in place of the present ones.
    """

    event: str | None = None
    fixed: Annotated[tuple[str, ...], Parameter(negative_iterable=())] = ()
    drop: Annotated[tuple[str, ...], Parameter(negative_iterable=())] = ()
    remove: Annotated[tuple[str, ...], Parameter(negative_iterable=())] = ()
    drop_event: Annotated[tuple[str, ...], Parameter(negative_iterable=())] = ()
    restore_event: Annotated[tuple[str, ...], Parameter(negative_iterable=())] = ()
    add_parameter: Annotated[tuple[str, ...], Parameter(negative_iterable=())] = ()
    overrides_file: Path | None = None


@app.command(name="set")
async def set_(
    integration: str,
    *settings: str,
    overriding: Annotated[OverrideOptions | None, Parameter(name="*")] = None,
    update_kit: Flag = False,
    accept_conflicts: Flag = False,
    note: str = "",
    deploy: Flag = False,
    delivery: Annotated[DeliveryOptions | None, Parameter(name="*")] = None,
) -> None:
    """Change an integration and save the next revision.

    Parameters
    ----------
    settings
        STREAM_ID=web sets a parameter of the kit; id=context.my_id lets the output key `id` take its value from that
        path of the event.
    update_kit
        Take the library's present files of the kit.
    accept_conflicts
        Keep overrides although the newer kit changes what they lie over.
    note
        Why, for the list of revisions.
    deploy
        Put the new revision to use on every pipeline that delivers to the integration.
    """
    async with session() as made, transaction(made.pool, read_only=True) as connection:
        found = await integration_store.find(connection, integration)
        before = (await integration_store.revision(connection, found)).content
    texts = library.texts(before.kit) if update_kit else before.texts
    options = OverrideOptions() if overriding is None else overriding
    document = before.overrides if options.overrides_file is None else _read_overrides(options.overrides_file)
    for name in options.add_parameter:
        document = override_edits.with_parameter(document, name)
    kit = kits.kit_from(before.kit, texts)
    parameters, inputs = _split(settings, kit, texts, document)
    removed = {name: None for name in options.remove if name in before.parameters}
    edit = RevisionEdit(
        texts=texts,
        parameters=parameters | removed,
        overrides=_overridden(document, kit, options, inputs, removed),
        delivery=_delivery(before.delivery, delivery),
        accept_conflicts=accept_conflicts,
    )
    await _save(integration, edit, note, deploy=deploy)


def _overridden(
    document: dict[str, Any], kit: Kit, options: OverrideOptions, inputs: Mapping[str, str], unset: Collection[str]
) -> dict[str, Any]:
    """The overrides after the options: what is taken back goes first."""
    for event in options.restore_event:
        document = override_edits.without_event(document, event)
    for key in options.remove:
        if key not in unset:
            document = override_edits.without_key(document, key, options.event)
    for key in options.drop:
        document = override_edits.with_dropped(document, key, options.event)
    for event in options.drop_event:
        document = override_edits.with_event_dropped(document, event)
    for key, value in _pairs(options.fixed):
        document = override_edits.with_fixed(document, kit, key, value, options.event)
    for key, path in inputs.items():
        document = override_edits.with_input(document, key, path, options.event)
    return document


@app.command
async def conflicts(integration: str, *, folder: Path | None = None, json: AsJson = False) -> None:
    """Show which overrides a newer kit would conflict with. Saves nothing; conflicts end with exit code 1.

    Parameters
    ----------
    folder
        The newer kit; the library's present one by default.
    """
    async with session() as made, transaction(made.pool, read_only=True) as connection:
        found = await integration_store.find(connection, integration)
        before = (await integration_store.revision(connection, found)).content
        kit, texts = (before.kit, library.texts(before.kit)) if folder is None else kits.read_folder(folder)
        problems = found_conflicts(before, RevisionEdit(kit=kit, texts=texts), made.resolver.box, found.id)
    if json:
        write_json([{"path": one.path, "message": one.message, "remedy": one.remedy} for one in problems])
    else:
        rows = [(one.path, one.message, one.remedy) for one in problems]
        write_table(f"Conflicts of {found.slug}", ("override", "what changed", "what to do"), rows)
    if problems:
        raise SystemExit(1)


@app.command
async def delete(integration: str, *, yes: Flag = False) -> None:
    """Delete an integration that no pipeline uses, with its revisions."""
    if not yes:
        raise InputError(f"{integration!r} and its revisions would be gone; repeat with --yes to do it", "--yes")
    async with session() as made, change(made.pool, made.actor) as changing:
        await integration_store.delete(changing, await integration_store.find(changing.connection, integration))
    write_line(f"Deleted {integration}.")


def _write_library(*, json: bool) -> None:
    found = library.list_all()
    if json:
        write_json([{"kit": one.name, "name": one.friendly_name, "description": one.description} for one in found])
    else:
        write_table(
            "Library", ("kit", "name", "what it does"), [(i.name, i.friendly_name, i.description) for i in found]
        )


async def _create(
    kit: str,
    texts: Mapping[str, str],
    settings: Sequence[str],
    name: str,
    slug: str | None,
    pipeline: str | None,
    delivery: DeliveryOptions | None,
) -> None:
    values = _ask_for_missing(texts, kit, dict(_pairs(settings)))
    edit = RevisionEdit(
        kit=kit, texts=dict(texts), parameters=dict(values), delivery=_delivery(DeliverySettings(), delivery)
    )
    async with session() as made, change(made.pool, made.actor) as changing:
        created = await integration_store.create(changing, name=name, slug=slug)
        content = edited(None, edit, made.resolver.box, created.id)
        await integration_store.save(changing, created, content, "added")
        if pipeline is not None:
            await deployment_store.attach(changing, await pipeline_store.find(changing.connection, pipeline), created)
    write_line(f"Added {created.slug} with revision 1.")
    if pipeline is None:
        write_line(f"Nothing is delivered yet: headwater pipeline attach PIPELINE {created.slug}")
    else:
        write_line(f"{pipeline} delivers to {created.slug}.")


async def _save(name: str, edit: RevisionEdit, note: str, *, deploy: bool) -> None:
    async with session() as made, change(made.pool, made.actor) as changing:
        found = await integration_store.find(changing.connection, name)
        before = await integration_store.revision(changing.connection, found)
        content = edited(before.content, edit, made.resolver.box, found.id)
        if same(content, before.content, made.resolver.box, found.id):
            write_line(f"Nothing changed; revision {before.number} stays the newest.")
            return
        saved = await integration_store.save(changing, found, content, note)
        users = await _deploy_everywhere(changing, found, saved) if deploy else ()
    write_line(f"Saved revision {saved.number} of {found.slug}.")
    if users:
        write_line(f"In use on {', '.join(users)}.")
    elif not deploy:
        write_line(f"Pipelines keep what they use until: headwater pipeline deploy PIPELINE {found.slug}")


async def _deploy_everywhere(changing: Change, found: Integration, saved: Revision) -> list[str]:
    users: list[str] = []
    for pipeline in await pipeline_store.every(changing.connection):
        attached = await deployment_store.attachments(changing.connection, pipeline)
        if any(attachment.integration_id == found.id for attachment in attached):
            await deployment_store.deploy(changing, pipeline, found, revision=saved.number)
            users.append(pipeline.slug)
    return users


def _pairs(settings: Sequence[str]) -> list[tuple[str, str]]:
    pairs: list[tuple[str, str]] = []
    for setting in settings:
        name, sign, value = setting.partition("=")
        if not sign or not name:
            raise InputError(f"{setting!r} is no setting; write NAME=VALUE", "settings")
        pairs.append((name, value))
    return pairs


def _split(
    settings: Sequence[str], kit: Kit, texts: Mapping[str, str], document: dict[str, Any]
) -> tuple[dict[str, str], dict[str, str]]:
    """Settings of parameters, the kit's and added ones, and inputs of output keys."""
    declared = {parameter.name for parameter in kits.declared_parameters(texts)}
    declared |= {row["name"] for row in overrides.read(document).parameters if isinstance(row.get("name"), str)}
    pairs = _pairs(settings)
    for name, _ in pairs:
        known = name in declared or overrides.writes(kit, name) or override_edits.mentions(document, name)
        if _PARAMETER_NAME.fullmatch(name) and not known:
            raise InputError(
                f"the kit has no parameter {name}; it has {', '.join(sorted(declared)) or 'none'}. "
                f"--add-parameter {name} makes one; an output key of that name goes into --overrides-file",
                name,
            )
    return {n: v for n, v in pairs if n in declared}, {n: v for n, v in pairs if n not in declared}


def _ask_for_missing(texts: Mapping[str, str], kit: str, values: dict[str, str]) -> dict[str, str]:
    """Ask for required parameters by name on a terminal; elsewhere the check names what is missing."""
    if not sys.stdin.isatty():
        return values
    asked = dict(values)
    for parameter in kits.declared_parameters(texts, kit):
        if parameter.name in values or parameter.default is not None or parameter.is_optional:
            continue
        secret = secrets.is_sensitive(parameter.name, parameter.is_sensitive)
        if parameter.description:
            write_line(parameter.description)
        asked[parameter.name] = Prompt.ask(parameter.name, password=secret)
    return asked


def _delivery(before: DeliverySettings, options: DeliveryOptions | None) -> DeliverySettings:
    given = {} if options is None else {n: v for n, v in options._asdict().items() if v is not None}
    if "consent_category" in given:
        given["consent_categories"] = given.pop("consent_category")
    try:
        return msgspec.convert(msgspec.structs.asdict(before) | given, DeliverySettings)
    except msgspec.ValidationError as fault:
        raise _delivery_error(str(fault)) from None


def _delivery_error(text: str) -> InputError:
    what, _, place = text.lower().partition(" - at `$.")
    option = "--" + place.rstrip("`").replace("_", "-")
    if option == "--base-url":
        what = "is no address; write scheme, host and port as in https://crm.example:8443, or this-install"
    return InputError(what, option)


def _read_overrides(path: Path) -> dict[str, Any]:
    try:
        document = read_document(path.read_text("utf-8"), path.name).value
    except (OSError, UnicodeDecodeError) as fault:
        raise ConfigurationError(
            f"cannot be read ({type(fault).__name__}); name a YAML or JSON file", str(path)
        ) from None
    if not isinstance(document, dict):
        raise ConfigurationError("overrides are an object; see the playbook guide", str(path))
    return document
