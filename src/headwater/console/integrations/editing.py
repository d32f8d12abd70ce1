"""What the mapping editor does with a draft: one step for each button, all of them values in, values out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from headwater.console.integrations import override_edit, override_file
from headwater.console.integrations.draft import Draft, Judged, draft_of, judge
from headwater.console.integrations.kit_update import Conflict, conflicts
from headwater.console.integrations.override_edit import Document
from headwater.console.integrations.rule_form import (
    Fields,
    RuleForm,
    empty_transform,
    form_of_fields,
    form_of_row,
    row_of_form,
)
from headwater.console.integrations.rule_table import KEYED, Row, Rule, SectionTable
from headwater.errors import InputError
from headwater.pipelines import kits
from headwater.pipelines.objects import Revision
from headwater.pipelines.secrets import is_sensitive
from headwater.playbooks import Kit

ADDABLE = ("mappings", "expressions", "spreadings", "filters")
VIEWS = ("table", "file", "changes")
_DIGITS = 6


class Opened(NamedTuple):
    """The rule that is being edited: section, list, and position (None for a new one)."""

    section: int
    group: str
    position: int | None

    def __str__(self) -> str:
        return f"{self.section}:{self.group}:{'new' if self.position is None else self.position}"


class Editing(NamedTuple):
    """The editor at one moment. `form` shows the opened rule; `fault` is what is wrong with the last step."""

    judged: Judged
    view: str = "table"
    opened: Opened | None = None
    form: RuleForm = RuleForm()
    row: Mapping[str, Any] = MappingProxyType({})
    fault: InputError | None = None

    @property
    def draft(self) -> Draft:
        """What would be saved."""
        return self.judged.draft


Step = Callable[[Editing, str, Fields], Editing]


def parse_opened(text: str) -> Opened | None:
    """The inverse of `str(Opened)`; None for anything else."""
    section, _, rest = text.partition(":")
    group, _, position = rest.partition(":")
    index = whole(section)
    if index is None or group not in ("enrichments", *ADDABLE):
        return None
    if position == "new":
        return Opened(index, group, None)
    row = whole(position)
    return None if row is None else Opened(index, group, row)


def whole(text: str) -> int | None:
    """The place in a list that a button names; None for anything else."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= _DIGITS else None


def step(editing: Editing, action: str, fields: Fields) -> Editing:
    """Take one step ("edit:0:mappings:3", "apply" …). What a person can mend is in `fault` afterwards."""
    name, _, argument = action.partition(":")
    try:
        return _STEPS.get(name, _keep)(editing, argument, fields)
    except InputError as fault:
        return _refreshed(editing, fields)._replace(fault=fault)


def _keep(editing: Editing, _: str, fields: Fields) -> Editing:
    return _refreshed(editing, fields)


def _refreshed(editing: Editing, fields: Fields) -> Editing:
    """The opened rule as it was typed."""
    if editing.opened is None:
        return editing
    if editing.opened.group in KEYED:
        return editing._replace(form=form_of_fields(fields))
    return editing._replace(row=_typed_row(editing.opened.group, fields))


def _view(editing: Editing, argument: str, _: Fields) -> Editing:
    return editing._replace(view=argument if argument in VIEWS else "table", opened=None)


def _table(editing: Editing, section: int | None) -> SectionTable:
    if section is None or section >= len(editing.judged.tables):
        raise InputError("this section is not there any more; the table shows what is", "section")
    return editing.judged.tables[section]


def _rule(editing: Editing, argument: str) -> tuple[Opened, SectionTable, Rule]:
    opened = parse_opened(argument)
    if opened is None or opened.position is None:
        raise InputError("this rule is not there any more; the table shows what is", "rule")
    table = _table(editing, opened.section)
    for rule in table.rules:
        if rule.group == opened.group and rule.position == opened.position:
            return opened, table, rule
    raise InputError("this rule is not there any more; the table shows what is", "rule")


def _edit(editing: Editing, argument: str, __: Fields) -> Editing:
    found = _rule(editing, argument)
    opened, rule = found[0], found[2]
    if rule.group in KEYED:
        return editing._replace(opened=opened, form=form_of_row(rule.group, rule.row), view="table")
    return editing._replace(opened=opened, row=rule.row, view="table")


def _new(editing: Editing, argument: str, _: Fields) -> Editing:
    opened = parse_opened(f"{argument}:new")
    if opened is None:
        raise InputError("there is no such kind of rule", "rule")
    _table(editing, opened.section)
    return editing._replace(opened=opened, form=RuleForm(), row={}, view="table")


def _cancel(editing: Editing, _: str, __: Fields) -> Editing:
    return editing._replace(opened=None)


def _add_transform(editing: Editing, _: str, fields: Fields) -> Editing:
    form = form_of_fields(fields)
    added = empty_transform(fields.text("rule.new_transform"))
    return editing._replace(form=form._replace(transforms=(*form.transforms, added)))


def _drop_transform(editing: Editing, argument: str, fields: Fields) -> Editing:
    form = form_of_fields(fields)
    kept = tuple(one for index, one in enumerate(form.transforms) if str(index) != argument)
    return editing._replace(form=form._replace(transforms=kept))


def _apply(editing: Editing, _: str, fields: Fields) -> Editing:
    opened = editing.opened
    if opened is None:
        return editing
    table, kit = _table(editing, opened.section), _kit(editing)
    document = editing.judged.document
    if opened.group in KEYED:
        if opened.position is not None:
            rule = _rule(editing, str(opened))[2]
            if rule.key != fields.text("rule.key").strip():
                document = override_edit.without_rule(document, kit, table.name, rule.key)
        group, row = row_of_form(form_of_fields(fields))
        document = override_edit.with_keyed_rule(document, kit, table.name, group, row)
    else:
        row = _typed_row(opened.group, fields)
        document = override_edit.with_added_rule(document, table.name, opened.group, row, _index(table, opened))
    return _with_document(editing, document)._replace(opened=None)


def _index(table: SectionTable, opened: Opened) -> int | None:
    """The place of a rule among the added ones; None for a new one."""
    if opened.position is None:
        return None
    of_kit = sum(1 for rule in table.rules if rule.group == opened.group and rule.origin == "kit")
    if opened.position < of_kit:
        raise InputError("this rule belongs to the kit; change it in the kit's file", "rule")
    return opened.position - of_kit


def _typed_row(group: str, fields: Fields) -> Row:
    if group == "expressions":
        named = {"name": name} if (name := fields.text("rule.name").strip()) else {}
        return {"lang": "lua", **named, "body": fields.text("rule.lua")}
    if group == "spreadings":
        flatten: Row = {"separator": fields.text("rule.separator"), "prefix": fields.text("rule.prefix")}
        if depth := fields.text("rule.depth").strip():
            flatten["depth"] = depth if (levels := whole(depth)) is None else levels
        return {"inputKey": fields.text("rule.path").strip(), "flatten": flatten}
    events = [name for line in fields.text("rule.events").splitlines() if (name := line.strip())]
    return {"byEventNames": {"action": fields.text("rule.action") or "allow", "events": events}}


def _remove(editing: Editing, argument: str, _: Fields) -> Editing:
    opened, table, rule = _rule(editing, argument)
    if rule.group in KEYED:
        document = override_edit.without_rule(editing.judged.document, _kit(editing), table.name, rule.key)
    else:
        index = _index(table, opened)
        assert index is not None  # noqa: S101  # a rule that was found has a position
        document = override_edit.without_added_rule(editing.judged.document, table.name, rule.group, index)
    return _with_document(editing, document)


def _reset(editing: Editing, argument: str, __: Fields) -> Editing:
    _, table, rule = _rule(editing, argument)
    return _with_document(editing, override_edit.as_in_kit(editing.judged.document, table.name, rule.key))


def _restore(editing: Editing, argument: str, __: Fields) -> Editing:
    section, _, index = argument.partition(":")
    table = _table(editing, whole(section))
    row = whole(index)
    if row is None or row >= len(table.removed):
        raise InputError("this rule is not there any more; the table shows what is", "rule")
    key = str(table.removed[row].get("outputKey"))
    return _with_document(editing, override_edit.as_in_kit(editing.judged.document, table.name, key))


def _add_event(editing: Editing, _: str, fields: Fields) -> Editing:
    return _with_document(
        editing, override_edit.with_event(editing.judged.document, _kit(editing), fields.text("event.name"))
    )


def _drop_event(editing: Editing, argument: str, _: Fields) -> Editing:
    table = _table(editing, whole(argument))
    return _with_document(editing, override_edit.without_event(editing.judged.document, table.name.event))


def _add_parameter(editing: Editing, _: str, fields: Fields) -> Editing:
    name = fields.text("parameter.name").strip().upper()
    if not name:
        raise InputError("name the parameter", "parameter.name")
    row: Row = {"name": name}
    if description := fields.text("parameter.description").strip():
        row["description"] = description
    secret = bool(fields.text("parameter.secret"))
    if is_sensitive(name) and not secret:
        raise InputError(f"{name} is a secret by its name; tick that it is one, or use another name", "parameter.name")
    if secret:
        row |= {"isSensitive": True, "isOptional": True}
    else:
        row["defaultValue"] = fields.text("parameter.value")
    return _with_document(editing, override_edit.with_parameter(editing.judged.document, row))


def _drop_parameter(editing: Editing, argument: str, _: Fields) -> Editing:
    return _with_document(editing, override_edit.without_parameter(editing.judged.document, argument))


def _update_kit(editing: Editing, _: str, __: Fields) -> Editing:
    draft = editing.draft
    texts = kits.find_library_texts(draft.base.content.kit)
    if texts is None:
        raise InputError("the library has no kit of this name", "kit")
    return editing._replace(judged=judge(draft._replace(changed_texts=texts)), opened=None)


def open_conflicts(editing: Editing) -> tuple[Conflict, ...]:
    """Overrides whose ground the draft's kit changed, against the revision that the draft began with."""
    if not editing.draft.changed_texts or editing.judged.content is None:
        return ()
    return conflicts(editing.draft.base.content, editing.judged.content)


def _take_kit(editing: Editing, argument: str, _: Fields) -> Editing:
    found = open_conflicts(editing)
    index = whole(argument)
    if index is None or index >= len(found):
        raise InputError("this override is not there any more", "conflict")
    conflict = found[index]
    if conflict.section is None:
        raise InputError("there is no rule of the kit to take here; change the override", "conflict")
    return _with_document(editing, override_edit.as_in_kit(editing.judged.document, conflict.section, conflict.key))


def _discard(editing: Editing, _: str, __: Fields) -> Editing:
    return Editing(judge(draft_of(editing.draft.base)), editing.view)


def _kit(editing: Editing) -> Kit:
    if editing.judged.kit is None:
        raise InputError("the kit's files have faults; correct them in the file view first", "kit")
    return editing.judged.kit


def _with_document(editing: Editing, document: Document) -> Editing:
    """The editor with other overrides. Raises InputError when they bring a fault that was not there before."""
    kit = _kit(editing)
    draft = editing.draft._replace(text=override_file.write(override_edit.tidied(document, kit)))
    judged = judge(draft)
    known = {fault.message for fault in editing.judged.faults}
    fresh = [fault.message for fault in judged.faults if fault.message not in known]
    if fresh:
        raise InputError("\n".join(fresh), "rule")
    return editing._replace(judged=judged)


_STEPS: dict[str, Step] = {
    "view": _view,
    "edit": _edit,
    "new": _new,
    "cancel": _cancel,
    "add-transform": _add_transform,
    "drop-transform": _drop_transform,
    "apply": _apply,
    "remove": _remove,
    "reset": _reset,
    "restore": _restore,
    "add-event": _add_event,
    "drop-event": _drop_event,
    "add-parameter": _add_parameter,
    "drop-parameter": _drop_parameter,
    "update-kit": _update_kit,
    "take-kit": _take_kit,
    "discard": _discard,
}


def editing_of(base: Revision, fields: Fields, file_names: tuple[str, ...]) -> Editing:
    """The editor as a form describes it, on top of the revision that it began with."""
    changed = {
        name: text
        for name in file_names
        if (text := fields.text(f"file.{name}")) and text != base.content.texts.get(name)
    }
    judged = judge(Draft(base, fields.text("overrides"), changed))
    view = fields.text("view")
    return Editing(judged, view if view in VIEWS else "table", parse_opened(fields.text("opened")))
