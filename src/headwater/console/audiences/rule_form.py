"""Rules in a form and out of it, and what its buttons do to them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import msgspec

from headwater.console.audiences.operators import (
    BY_NATURE,
    OF_AUDIENCES,
    OF_FIELDS,
    Input,
    KnownField,
    Nature,
    nature_of_key,
)
from headwater.console.audiences.rules import Condition, Match, RuleGroup, Rules
from headwater.console.forms import Form

GROUPS_LIMIT = 20
CONDITIONS_LIMIT = 50
_PLACE = re.compile(r"([0-9]{1,2})\.([0-9]{1,2})")

Fields = Mapping[str, KnownField]


class Row(NamedTuple):
    """A condition as the form shows it. `options` are operators with their words."""

    place: str
    condition: Condition
    label: str
    options: Sequence[tuple[str, str]]
    input: Input
    nature: Nature
    values: tuple[str, str]


class GroupView(NamedTuple):
    """A group as the form shows it."""

    number: int
    match: Match
    rows: list[Row]


def rules_from(form: Form, fields: Fields) -> Rules:
    """The rules as they were typed, complete or not."""
    groups = [_group(form, number, fields) for number in range(_count(form, "groups", GROUPS_LIMIT))]
    return Rules(_match(form, "match"), tuple(groups))


def edited(rules: Rules, wish: str) -> Rules:
    """The rules after one of the form's buttons: "add 1", "audience 1", "remove 1.2", "group", "drop 1"."""
    what, _, place = wish.partition(" ")
    if what == "group":
        return _replace(rules, (*rules.groups, RuleGroup("and", (Condition(),)))[:GROUPS_LIMIT])
    if what == "remove" and (found := _PLACE.fullmatch(place)):
        return _without(rules, int(found[1]), int(found[2]))
    if not place.isascii() or not place.isdigit() or int(place) >= len(rules.groups):
        return rules
    number = int(place)
    if what == "drop":
        return _replace(rules, rules.groups[:number] + rules.groups[number + 1 :])
    if what in ("add", "audience"):
        added = Condition() if what == "add" else Condition(operator="include")
        return _with_conditions(rules, number, (*rules.groups[number].conditions, added)[:CONDITIONS_LIMIT])
    return rules


def views_of(rules: Rules, fields: Fields) -> list[GroupView]:
    """The groups as the form shows them; at least one, with at least one condition to fill in."""
    groups = rules.groups or (RuleGroup("and", (Condition(),)),)
    return [
        GroupView(
            number, group.match, [_row(f"{number}.{at}", each, fields) for at, each in enumerate(group.conditions)]
        )
        for number, group in enumerate(groups)
    ]


def nature_of_field(name: str, fields: Fields) -> Nature:
    """How a field, or a key of a map, is asked about; text for what is not known."""
    if name in fields:
        return fields[name].nature
    owner = fields.get(name.partition(".")[0])
    return "text" if owner is None else nature_of_key(owner.kind)


def _group(form: Form, number: int, fields: Fields) -> RuleGroup:
    count = _count(form, f"{number}.count", CONDITIONS_LIMIT)
    return RuleGroup(
        _match(form, f"{number}.match"), tuple(_condition(form, f"{number}.{at}", fields) for at in range(count))
    )


def _condition(form: Form, place: str, fields: Fields) -> Condition:
    operator = form.text(f"{place}.operator")
    field = form.text(f"{place}.field").strip()
    if operator in OF_AUDIENCES:
        return Condition(field, operator)
    nature = nature_of_field(field, fields)
    fitting = operator if operator in BY_NATURE[nature] else BY_NATURE[nature][0]
    typed = form.text(f"{place}.value")
    values: tuple[str, ...] = (typed, form.text(f"{place}.value2"))
    if OF_FIELDS[fitting][1] == "list":
        values = tuple(each.strip() for each in typed.split(",") if each.strip())
    elif OF_FIELDS[fitting][1] == "one":
        values = values[:1]
    elif OF_FIELDS[fitting][1] == "none":
        values = ()
    return Condition(field, fitting, values, numeric=nature == "number")


def _row(place: str, condition: Condition, fields: Fields) -> Row:
    if condition.is_about_audience:
        return Row(place, condition, "", list(OF_AUDIENCES.items()), "none", "text", ("", ""))
    nature = nature_of_field(condition.field, fields)
    names = BY_NATURE[nature]
    if condition.operator not in names and condition.field:
        names = (condition.operator, *names)
    wanted = OF_FIELDS[condition.operator][1]
    shown = ", ".join(condition.values) if wanted == "list" else "".join(condition.values[:1])
    label = fields[condition.field].label if condition.field in fields else ""
    options = [(name, OF_FIELDS[name][0]) for name in names]
    return Row(place, condition, label, options, wanted, nature, (shown, "".join(condition.values[1:2])))


def _without(rules: Rules, number: int, at: int) -> Rules:
    if number >= len(rules.groups):
        return rules
    conditions = rules.groups[number].conditions
    kept = conditions[:at] + conditions[at + 1 :]
    if not kept:
        return _replace(rules, rules.groups[:number] + rules.groups[number + 1 :])
    return _with_conditions(rules, number, kept)


def _with_conditions(rules: Rules, number: int, conditions: tuple[Condition, ...]) -> Rules:
    group = msgspec.structs.replace(rules.groups[number], conditions=conditions)
    return _replace(rules, (*rules.groups[:number], group, *rules.groups[number + 1 :]))


def _replace(rules: Rules, groups: tuple[RuleGroup, ...]) -> Rules:
    return msgspec.structs.replace(rules, groups=groups)


def _match(form: Form, name: str) -> Match:
    return "or" if form.text(name) == "or" else "and"


def _count(form: Form, name: str, limit: int) -> int:
    text = form.text(name)
    return min(int(text), limit) if text.isascii() and text.isdigit() and len(text) < 4 else 0
