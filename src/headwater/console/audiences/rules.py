"""Filters as rules: groups of conditions under one "all" or "any". Rules become text, and text becomes rules where they can say it.

Whatever rules cannot say stays text: nothing is lost on the way, because what was read is written and compared.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Literal

import msgspec

from headwater.console.audiences.operators import OF_FIELDS
from headwater.errors import InputError
from headwater.expressions import Filter, parse_filter
from headwater.expressions.printer import field_text, text_literal
from headwater.expressions.tree import (
    Between,
    Comparison,
    Exists,
    Field,
    Group,
    Include,
    ListLiteral,
    Logic,
    MatchAll,
    Minus,
    Node,
    Not,
)
from headwater.expressions.tree import Literal as Value

Match = Literal["and", "or"]

CONDITIONS_LIMIT = 200
_NUMBER = re.compile(r"-?[0-9]{1,15}(?:\.[0-9]{1,15})?")
_COMPARISONS = {"==": "is", "!=": "is not", ">": "gt", ">=": "ge", "<": "lt", "<=": "le"}
_SIGNS = {"is": "=", "is not": "!=", "gt": ">", "ge": ">=", "lt": "<", "le": "<=", "after": ">", "before": "<"}
_LISTS = frozenset({"in", "not in", "has", "has not"})
"""Operators whose values are typed with commas between them: a value that has one itself stays text."""

_WORDS = {
    "in": "IN",
    "not in": "IN",
    "has": "INTERSECTS",
    "has not": "INTERSECTS",
    "contains": "CONTAINS",
    "like": "LIKE",
}


class Condition(msgspec.Struct, frozen=True):
    """One rule. `values` are as typed; `numeric`: they are numbers. For "include" and "exclude" `field` is the audience."""

    field: str = ""
    operator: str = "is"
    values: tuple[str, ...] = ()
    numeric: bool = False

    @property
    def is_about_audience(self) -> bool:
        """Whether it asks for another audience instead of a field."""
        return self.operator in ("include", "exclude")


class RuleGroup(msgspec.Struct, frozen=True):
    """Conditions of which all or any must hold."""

    match: Match = "and"
    conditions: tuple[Condition, ...] = ()


class Rules(msgspec.Struct, frozen=True):
    """Groups of which all or any must hold. Without any condition they mean everybody."""

    match: Match = "and"
    groups: tuple[RuleGroup, ...] = ()


def text_of(rules: Rules) -> str:
    """The filter that rules say. Raises InputError for a condition that is not complete."""
    groups = [_group_lines(group) for group in rules.groups if group.conditions]
    if not groups:
        return "FILTER *"
    lines = groups[0] if len(groups) == 1 else _enclosed(rules.match, groups)
    text = "FILTER " + "\n".join(lines)
    written = normal(parse_filter(text).where)
    if _read(written) is None or _texts(written) != _wanted(rules):
        raise InputError("a value cannot be written as a filter; change it, or write the filter as text", "rules")
    return text


def rules_of(text: str) -> Rules | None:
    """The rules that say the same as a filter; None where rules cannot. Raises ExpressionError for a text that cannot be read."""
    found = parse_filter(text)
    if not _is_plain(found):
        return None
    tree = normal(found.where)
    rules = _read(tree)
    if rules is None:
        return None
    try:
        same = normal(parse_filter(text_of(rules)).where) == tree
    except InputError:
        return None
    return rules if same else None


def normal(node: Node) -> Node:
    """A tree without what makes no difference: places, letter case, parentheses, groups of one."""
    plain: dict[str, Any] = {"at": 0}
    for name in node.__struct_fields__:
        value = getattr(node, name)
        if isinstance(value, Node):
            plain[name] = normal(value)
        elif isinstance(value, tuple):
            plain[name] = tuple(normal(each) for each in value)
    if isinstance(node, Logic):
        return Group(op=node.op, items=plain["operands"])
    if isinstance(node, Group) and len(node.items) == 1 and not node.negated:
        only: Node = plain["items"][0]
        return only
    if isinstance(node, Value):
        return Value(value=node.value, text=type(node.value).__name__)
    if isinstance(node, Minus) and isinstance(node.operand, Value) and isinstance(node.operand.value, int | float):
        return Value(value=-node.operand.value, text=type(node.operand.value).__name__)
    for name in ("paren", "quoted", "bracket"):
        if name in node.__struct_fields__:
            plain[name] = False
    if "typed" in node.__struct_fields__:
        plain["typed"] = ""
    return msgspec.structs.replace(node, **plain)


# Rules to text


def _enclosed(match: Match, items: list[list[str]]) -> list[str]:
    lines = [f"{match.upper()} ("]
    for place, item in enumerate(items):
        comma = "," if place < len(items) - 1 else ""
        lines += [f"    {line}" for line in item[:-1]]
        lines.append(f"    {item[-1]}{comma}")
    return [*lines, ")"]


def _group_lines(group: RuleGroup) -> list[str]:
    items = [[condition_text(each)] for each in group.conditions]
    return items[0] if len(items) == 1 else _enclosed(group.match, items)


def condition_text(condition: Condition) -> str:
    """One condition as text. Raises InputError when something is missing."""
    if condition.is_about_audience:
        if not condition.field:
            raise InputError("choose the audience", "rules")
        return f"{'NOT ' if condition.operator == 'exclude' else ''}INCLUDE {_name(condition.field)}"
    if not condition.field.strip():
        raise InputError("choose a field", "rules")
    name = field_text(_field(condition.field.strip()))
    if condition.operator not in OF_FIELDS:
        raise InputError(f"{condition.field}: choose an operator", "rules")
    values = [_value(condition, each) for each in _needed(condition)]
    return _comparison(name, condition.operator, values)


def _comparison(name: str, operator: str, values: list[str]) -> str:
    match operator:
        case "exists" | "missing":
            return f"{'NOT ' if operator == 'missing' else ''}EXISTS {name}"
        case "true" | "false":
            return f"{name} = {operator}"
        case "between":
            return f"{name} BETWEEN {values[0]} AND {values[1]}"
        case "in" | "not in" | "has" | "has not":
            negated = "NOT " if operator.endswith(("not in", "not")) else ""
            return f"{name} {negated}{_WORDS[operator]} ({', '.join(values)})"
        case "contains" | "like":
            return f"{name} {_WORDS[operator]} {values[0]}"
        case _:
            return f"{name} {_SIGNS[operator]} {values[0]}"


def _needed(condition: Condition) -> tuple[str, ...]:
    """The values that the operator takes. Raises InputError when there are too few."""
    wanted = OF_FIELDS[condition.operator][1]
    least = {"none": 0, "one": 1, "two": 2, "list": 1}[wanted]
    if len(condition.values) < least or any(not each for each in condition.values[:least]):
        raise InputError(f"{condition.field}: type {'two values' if least == 2 else 'a value'}", "rules")
    return condition.values if wanted == "list" else condition.values[:least]


def _value(condition: Condition, text: str) -> str:
    if not condition.numeric or condition.operator in ("contains", "like"):
        return text_literal(text)
    if _NUMBER.fullmatch(text.strip()) is None:
        raise InputError(f"{condition.field}: {text!r} is no number", "rules")
    return text.strip()


def _field(name: str) -> Field:
    owner, dot, key = name.partition(".")
    return Field(name=name, map_name=owner if dot and owner and key else None, key=key if dot and owner and key else "")


def _name(name: str) -> str:
    return name if re.fullmatch(r"[A-Za-z][A-Za-z0-9_]*", name) else f"`{name}`"


def _wanted(rules: Rules) -> list[str]:
    """Every text value that the rules hold, to compare with what was written."""
    return [
        value
        for group in rules.groups
        for each in group.conditions
        if not each.is_about_audience and (not each.numeric or each.operator in ("contains", "like"))
        for value in _needed(each)
    ]


def _texts(tree: Node) -> list[str]:
    return [
        value
        for group in (_read(tree) or Rules()).groups
        for each in group.conditions
        if not each.numeric
        for value in each.values
    ]


# Text to rules


def _is_plain(found: Filter) -> bool:
    return found.limit is None and not found.attributes


def _read(tree: Node) -> Rules | None:
    if isinstance(tree, MatchAll):
        return Rules()
    if not isinstance(tree, Group) or tree.negated:
        condition = _condition(tree)
        return None if condition is None else Rules(groups=(RuleGroup("and", (condition,)),))
    match = _match(tree)
    conditions = [_condition(item) for item in tree.items]
    if all(each is not None for each in conditions):
        return Rules(groups=(RuleGroup(match, tuple(each for each in conditions if each is not None)),))
    groups = [_group(item) for item in tree.items]
    found = tuple(group for group in groups if group is not None)
    return Rules(match, found) if len(found) == len(groups) else None


def _match(group: Group) -> Match:
    return "or" if group.op == "or" else "and"


def _group(node: Node) -> RuleGroup | None:
    if not isinstance(node, Group) or node.negated:
        condition = _condition(node)
        return None if condition is None else RuleGroup("and", (condition,))
    conditions = [_condition(item) for item in node.items]
    found = tuple(each for each in conditions if each is not None)
    return RuleGroup(_match(node), found) if len(found) == len(conditions) else None


def _condition(node: Node) -> Condition | None:
    match node:
        case Include():
            return Condition(node.name, "exclude" if node.negated else "include")
        case Exists(operand=Field(name=name)):
            return Condition(name, "exists")
        case Not(operand=Exists(operand=Field(name=name))):
            return Condition(name, "missing")
        case Between(subject=Field(name=name), negated=False):
            return _with_values(name, "between", [node.low, node.high])
        case Not(
            operand=Comparison(op="in" | "intersects", left=Field(name=name), right=ListLiteral(items=items)) as inner
        ):
            return _with_values(name, "not in" if inner.op == "in" else "has not", items)
        case Comparison(op="in" | "intersects", left=Field(name=name), right=ListLiteral(items=items)):
            return _with_values(name, "in" if node.op == "in" else "has", items)
        case Comparison(left=Field(name=name), right=Value(value=bool() as value)) if node.op == "==":
            return Condition(name, "true" if value else "false")
        case Comparison(op="contains" | "like", left=Field(name=name), right=Value()):
            return _with_values(name, node.op, [node.right])
        case Comparison(left=Field(name=name), right=Value()) if node.op in _COMPARISONS:
            return _with_values(name, _COMPARISONS[node.op], [node.right])
    return None


def _with_values(name: str, operator: str, nodes: Any) -> Condition | None:
    values = list(_values(nodes))
    kinds = {type(each) for each in values}
    if kinds == {str} and not (operator in _LISTS and any("," in each or each != each.strip() for each in values)):
        dated = {"gt": "after", "lt": "before"}.get(operator, operator)
        return Condition(name, dated, tuple(values))
    if kinds and kinds <= {int, float}:
        return Condition(name, operator, tuple(str(each) for each in values), numeric=True)
    return None


def _values(nodes: Any) -> Iterator[Any]:
    for node in nodes:
        value = node.value if isinstance(node, Value) else None
        yield None if isinstance(value, bool) else value
