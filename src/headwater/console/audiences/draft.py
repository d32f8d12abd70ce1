"""An audience that somebody writes: as rules or as text, with what it is called."""

from __future__ import annotations

from typing import Literal, NamedTuple

from headwater.audiences.catalog import META_FIELDS, Catalog
from headwater.audiences.objects import Audience
from headwater.console.audiences.operators import META_NATURES, KnownField, nature_of
from headwater.console.audiences.rule_form import Fields, edited, rules_from
from headwater.console.audiences.rules import Condition, RuleGroup, Rules, rules_of, text_of
from headwater.console.forms import Form
from headwater.errors import InputError
from headwater.profiles.schema import Schema

Mode = Literal["rules", "text"]

BEYOND_RULES = "This filter says more than rules can, so it stays text."


class AudienceDraft(NamedTuple):
    """What was typed. `remark` is said beside the filter."""

    mode: Mode
    rules: Rules
    typed: str
    name: str = ""
    slug: str = ""
    description: str = ""
    emit_trigger: bool = True
    remark: str = ""

    @property
    def text(self) -> str:
        """The filter. Raises InputError for rules that are not complete."""
        return self.typed if self.mode == "text" else text_of(self.rules)


def empty_draft() -> AudienceDraft:
    """A new audience: one condition to fill in."""
    return AudienceDraft("rules", Rules(groups=(RuleGroup("and", (Condition(),)),)), "FILTER *")


def draft_of(audience: Audience) -> AudienceDraft:
    """A saved audience to be changed."""
    rules = _rules_or_none(audience.segment_ql)
    return AudienceDraft(
        "text" if rules is None else "rules",
        rules or Rules(),
        audience.segment_ql,
        audience.name,
        audience.slug,
        audience.description,
        audience.emit_trigger,
        BEYOND_RULES if rules is None else "",
    )


def draft_from(form: Form, fields: Fields) -> AudienceDraft:
    """The draft that a form holds."""
    return AudienceDraft(
        "text" if form.text("mode") == "text" else "rules",
        rules_from(form, fields),
        form.text("text"),
        form.text("name").strip(),
        form.text("slug").strip(),
        form.text("description").strip(),
        form.checked("emit_trigger"),
    )


def after_button(draft: AudienceDraft, wish: str) -> AudienceDraft:
    """The draft after a button of the builder: the other form of the filter, or other rules."""
    if wish == "as text":
        return _as_text(draft)
    if wish == "as rules":
        return _as_rules(draft)
    return draft._replace(rules=edited(draft.rules, wish)) if draft.mode == "rules" else draft


def known_fields(schema: Schema) -> dict[str, KnownField]:
    """Fields that filters may ask about, those of the schema first."""
    fields = {each.id: KnownField(each.id, each.shortdesc, each.type, nature_of(each.type)) for each in schema.fields}
    return fields | {name: KnownField(name, "", "", META_NATURES.get(name, "text")) for name in META_FIELDS}


def audience_names(catalog: Catalog, without: str = "") -> list[tuple[str, str]]:
    """Audiences that a filter may include: slug and name."""
    return sorted((each.slug, each.name) for each in catalog.audiences if each.slug != without)


def _as_text(draft: AudienceDraft) -> AudienceDraft:
    try:
        return draft._replace(mode="text", typed=draft.text)
    except InputError as fault:
        return draft._replace(remark=fault.message)


def _as_rules(draft: AudienceDraft) -> AudienceDraft:
    try:
        rules = rules_of(draft.typed)
    except InputError as fault:
        return draft._replace(remark=fault.message)
    if rules is None:
        return draft._replace(remark=BEYOND_RULES)
    return draft._replace(mode="rules", rules=rules)


def _rules_or_none(text: str) -> Rules | None:
    try:
        return rules_of(text)
    except InputError:
        return None
