"""The mapping editor: the rules of an integration as tables and as a file, always beside what they make of a real event.

A draft lives in the page: every button sends it and gets the editor back with the next state. Nothing is stored before
"Save", so a restart of the process loses nothing and nobody sees half a change.
"""

from __future__ import annotations

from typing import Annotated, Any, NamedTuple

from litestar import Request, Response, get, post
from litestar.datastructures import State
from litestar.params import PathParameter, QueryParameter

from headwater.console.access import visitor_of
from headwater.console.access_rules import EDITOR
from headwater.console.accounts.roles import at_least
from headwater.console.forms import Form, form_of
from headwater.console.integrations import editing, kit_update, preview_events, recent_events, rule_form, trial_run
from headwater.console.integrations.addresses import mapping_of, page_of
from headwater.console.integrations.differences import file_differences, rule_differences
from headwater.console.integrations.draft import draft_of, judge, tables_of
from headwater.console.integrations.draft_view import parameter_rows, section_for
from headwater.console.integrations.editing import Editing
from headwater.console.integrations.event_fields import EVENT_NAMES, FIELDS, paths_of
from headwater.console.integrations.lua_check import lua_fault
from headwater.console.integrations.rule_wording import value, wording, wording_of
from headwater.console.live import examples as kept_examples
from headwater.console.live.examples import Example
from headwater.console.ports import console_of
from headwater.console.rendering import page
from headwater.console.replies import done
from headwater.database.transactions import transaction
from headwater.errors import ConfigurationError, InputError
from headwater.pipelines import deployment_store, integration_store, pipeline_store
from headwater.pipelines.changes import Change, change
from headwater.pipelines.objects import Attachment, Integration, Pipeline, Revision
from headwater.pipelines.revision_edit import RevisionEdit, edited, same

Caller = Request[Any, Any, State]
Name = Annotated[str, PathParameter(max_length=100)]
_Slug = Annotated[str, QueryParameter(max_length=100)]
_FILES = ("playbook.yaml", "connection.yaml", "metadata.yaml", "delivery.yaml")


class Place(NamedTuple):
    """Where the editor stands: the integration, the pipeline whose events are shown, and what is in use there."""

    integration: Integration
    base: Revision
    pipelines: tuple[Pipeline, ...]
    pipeline: Pipeline | None
    attachment: Attachment | None
    deployed: Revision | None
    kept: tuple[Example, ...]
    """Events of the pipeline that people kept to try mappings on."""


@get("/integrations/{integration:str}/mapping")
async def show_editor(
    request: Caller,
    integration: Name,
    pipeline: _Slug = "",
    view: _Slug = "table",
    event: _Slug = preview_events.NEWEST,
) -> Response[Any]:
    """The editor with the newest revision; `event` is an event of the preview, such as "log:17"."""
    place = await _place(request, integration, None, pipeline)
    state = Editing(judge(draft_of(place.base)), view if view in editing.VIEWS else "table")
    return await _editor(request, "integrations/mapping.html", place, state, event)


@post("/integrations/{integration:str}/mapping/draft")
async def change_draft(request: Caller, integration: Name) -> Response[Any]:
    """Take one step with the draft, and show the editor as it is then."""
    form = await form_of(request)
    place = await _place(request, integration, form.number("base"), form.text("pipeline"))
    state = editing.step(_editing(request, place, form), form.text("do"), form)
    file, note = form.text("file"), form.text("note")
    return await _editor(request, "integrations/editor.html", place, state, form.text("event"), file=file, note=note)


@post("/integrations/{integration:str}/mapping/preview")
async def show_preview(request: Caller, integration: Name) -> Response[Any]:
    """What the draft makes of the chosen event; nothing new (204) when the newest event is the one shown."""
    form = await form_of(request)
    place = await _place(request, integration, form.number("base"), form.text("pipeline"))
    if form.text("follow") and place.pipeline is not None:
        newest = await recent_events.newest_sequence(console_of(request).log, place.pipeline.id)
        if str(newest) == form.text("seen"):
            return Response(None, status_code=204)
    preview = await _preview(request, place, _editing(request, place, form), form.text("event"))
    return page(request, "integrations/preview.html", **preview, place=place, mapping=mapping_of(place.integration))


@post("/integrations/{integration:str}/mapping/save")
async def save(request: Caller, integration: Name) -> Response[Any]:
    """Save the draft as the next revision, and put it to use where that was asked for."""
    form, console = await form_of(request), console_of(request)
    place = await _place(request, integration, form.number("base"), form.text("pipeline"))
    state = _editing(request, place, form)
    try:
        async with change(console.pool, visitor_of(request).actor) as made:
            notice = await _save(made, request, place, state, form)
    except InputError as fault:
        return await _editor(
            request,
            "integrations/editor.html",
            place,
            state._replace(fault=fault),
            form.text("event"),
            file=form.text("file"),
            note=form.text("note"),
        )
    where = f"?pipeline={place.pipeline.slug}" if place.pipeline else ""
    return await done(request, mapping_of(place.integration) + where, notice)


@post("/integrations/lua-check")
async def check_lua(request: Caller) -> Response[Any]:
    """Whether a Lua body compiles, and which line is wrong if not."""
    form = await form_of(request)
    return page(request, "integrations/lua_fault.html", fault=lua_fault(form.text(form.text("checked"))))


async def _save(made: Change, request: Caller, place: Place, state: Editing, form: Form) -> str:
    box, draft = console_of(request).services.box, state.draft
    if state.judged.content is None or state.judged.faults:
        raise InputError("the draft has faults; correct them first", "save")
    current = await integration_store.find(made.connection, place.integration.id)
    newest = await integration_store.revision(made.connection, current)
    if newest.number != draft.base.number and not form.checked("over"):
        raise InputError(
            f"{newest.created_by} saved revision {newest.number} while you were at work on {draft.base.number}; "
            "look at it first, or save on top of it all the same",
            "over",
        )
    # The editor showed the conflicts with a newer kit; saving is the answer to them.
    edit = RevisionEdit(texts=draft.texts, overrides=state.judged.document, accept_conflicts=True)
    try:
        content = edited(newest.content, edit, box, current.id)
    except ConfigurationError as fault:
        raise InputError(str(fault), "save") from None
    if same(content, newest.content, box, current.id):
        number, notice = newest.number, "Nothing changed."
    else:
        saved = await integration_store.save(made, current, content, form.text("note").strip())
        number, notice = saved.number, f"Revision {saved.number} was saved."
    if form.text("do") == "deploy" and place.pipeline is not None:
        await _deploy(made, place.pipeline, current, number)
        return f"{notice} {place.pipeline.name} uses revision {number} from now on."
    return notice


async def _deploy(made: Change, pipeline: Pipeline, integration: Integration, number: int) -> None:
    attached = await deployment_store.attachments(made.connection, pipeline)
    if any(one.integration_id == integration.id for one in attached):
        await deployment_store.deploy(made, pipeline, integration, revision=number)
    else:
        await deployment_store.attach(made, pipeline, integration, revision=number)


async def _place(request: Caller, name: str, number: int | None, pipeline: str) -> Place:
    async with transaction(console_of(request).pool, read_only=True) as database:
        found = await integration_store.find(database, name)
        base = await integration_store.revision(database, found, number)
        attachments = [one for one in await deployment_store.attachments(database) if one.integration_id == found.id]
        used = {one.pipeline_id: one for one in attachments}
        pipelines = sorted(await pipeline_store.every(database), key=lambda one: one.id not in used)
        chosen = next((one for one in pipelines if one.slug == pipeline), pipelines[0] if pipelines else None)
        attachment = used.get(chosen.id) if chosen else None
        deployed = await integration_store.revision(database, found, attachment.revision) if attachment else None
        kept = await kept_examples.every(database, chosen) if chosen else []
    return Place(found, base, tuple(pipelines), chosen, attachment, deployed, tuple(kept))


def _editing(request: Caller, place: Place, form: Form) -> Editing:
    """The draft as the page sent it. Who may not save may not have Lua of their own run here either."""
    if not at_least(visitor_of(request).role, EDITOR):
        return Editing(judge(draft_of(place.base)), form.text("view"))
    return editing.editing_of(place.base, form, _FILES)


async def _editor(
    request: Caller, template: str, place: Place, state: Editing, event: str, *, file: str = "overrides", note: str = ""
) -> Response[Any]:
    preview = await _preview(request, place, state, event)
    compared = place.base if place.deployed is None else place.deployed
    sample = preview["events"].event
    shown_file = file if file in state.draft.texts else "overrides"
    return page(
        request,
        template,
        place=place,
        state=state,
        draft=state.draft,
        faults=state.judged.faults,
        tables=state.judged.tables,
        wording=wording,
        wording_of=wording_of,
        saved_text=draft_of(place.base).text,
        shown_file=shown_file,
        note=note,
        used_section=section_for(state.judged, sample),
        event_names=sorted(EVENT_NAMES),
        compared=compared,
        differences=rule_differences(tables_of(compared.content), state.judged.tables) if state.judged.tables else (),
        files=file_differences(compared.content.texts, state.draft.texts),
        parameters=parameter_rows(state.judged),
        newer=kit_update.newer_kit(place.base.content) if not state.draft.changed_texts else None,
        conflicts=editing.open_conflicts(state),
        file_names=[name for name in _FILES if name in state.draft.texts],
        paths=sorted({*FIELDS, *paths_of(sample)}),
        rule_form=rule_form,
        address=page_of(place.integration),
        mapping=mapping_of(place.integration),
        **preview,
    )


async def _preview(request: Caller, place: Place, state: Editing, event: str) -> dict[str, Any]:
    """What the template of the preview shows."""
    console = console_of(request)
    events = await preview_events.choices(console.log, place.pipeline, place.kept, place.base.content.kit, event)
    found: dict[str, Any] = {"events": events, "trial": None, "written": (), "trial_fault": "", "anchors": {}}
    found |= {"json": value, "label": preview_events.label(events.event)}
    if state.judged.content is None or state.judged.faults:
        return found | {"trial_fault": "The draft has faults; correct them, and the preview comes back."}
    try:
        content = state.judged.content
        if place.deployed is None:
            trial = trial_run.try_out(content, events.event, console.collector_url)
            written = trial.written
        else:
            trial, written = trial_run.compare(content, place.deployed.content, events.event, console.collector_url)
    except ConfigurationError as fault:
        return found | {"trial_fault": str(fault)}
    anchors = {
        rule.place: f"rule-{index}-{rule.group}-{rule.position}"
        for index, table in enumerate(state.judged.tables)
        for rule in table.rules
    }
    return found | {"trial": trial, "written": written, "anchors": anchors}


HANDLERS = (show_editor, change_draft, show_preview, save, check_lua)
