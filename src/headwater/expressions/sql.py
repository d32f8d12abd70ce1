"""A filter as a condition in PostgreSQL, over a JSONB column that holds a profile's fields as `stored` writes them.

The condition selects every profile that the filter matches. If it is `exact` it selects no other; if not, some part
has no faithful form in SQL (a function, two fields compared) and what is selected must be asked once more with
`CompiledFilter.matches`. Names and values are bound, never written into the text. Date math is calculated when the
statement is made.

SQL's AND is not the filter's: `AND (x, false)` is not evaluable where x is not, and that shows under NOT. So each part
is translated in one of two ways: for its truth alone, where NULL may stand for false, and for its exact value.
"""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from headwater.errors import InputError
from headwater.expressions import sql_parts as sql
from headwater.expressions.compiler import compile_node
from headwater.expressions.context import Context
from headwater.expressions.includes import IncludeError, Resolver, no_includes, resolve
from headwater.expressions.sql_clauses import Clauses, Untranslatable
from headwater.expressions.sql_parts import FALSE, NULL, TRUE, Parameters
from headwater.expressions.statements import Filter
from headwater.expressions.tree import (
    Between,
    Call,
    Comparison,
    Exists,
    Field,
    Group,
    Include,
    Literal,
    Logic,
    MatchAll,
    Node,
    Not,
    walk,
)
from headwater.expressions.values import NOTHING, Value

PART_LIMIT = 50_000
"""Most parts of a filter with all its includes put in: SQL has no names for filters, so each is written out."""


class SqlFilter(NamedTuple):
    """A condition to put after WHERE, the values of its parameters in order, and whether it needs no second look."""

    text: str
    parameters: tuple[object, ...]
    exact: bool


def to_sql(
    tree: Filter | Node,
    now: datetime,
    resolver: Resolver = no_includes,
    column: str = "fields",
    first_parameter: int = 1,
) -> SqlFilter:
    """The condition for a filter at the instant `now`.

    `column` is the JSONB column as it stands in the statement, `first_parameter` the number of the first `$n` that is
    free. Raises InputError if the filter with its includes is too large.
    """
    node = tree.where if isinstance(tree, Filter) else tree
    translation = _Translation(now, resolver, column)
    translation.resolve(node)
    text, parameters = translation.parameters.number_places(translation.truth(node), first_parameter)
    return SqlFilter(text, parameters, translation.exact)


_BOOLEAN_NODES = (Comparison, Between, Group, Logic, Not, Exists, Include, MatchAll)


class _Translation:
    def __init__(self, now: datetime, resolver: Resolver, column: str) -> None:
        self.parameters = Parameters()
        self.exact = True
        self._now = now
        self._resolver = resolver
        self._column = column
        self._clauses = Clauses(self.parameters, now)
        self._targets: dict[str, Node | IncludeError] = {}
        self._parts = 0

    def resolve(self, node: Node) -> None:
        self._targets = resolve(node, self._resolver)

    # --- truth: NULL and false are the same, and more may be selected

    def truth(self, node: Node) -> str:
        match node:
            case Group(op="and", negated=False):
                return _all(list(map(self.truth, node.items)))
            case Group(op="or", negated=False):
                return _any(list(map(self.truth, node.items)))
            case Include(negated=False):
                target = self._target(node)
                return FALSE if target is None else self.truth(target)
        try:
            return self.value(node)
        except Untranslatable:
            self.exact = False
            return TRUE

    # --- value: true, false or NULL, exactly

    def value(self, node: Node) -> str:
        self._parts += 1
        if self._parts > PART_LIMIT:
            raise InputError(f"the filter has more than {PART_LIMIT:,} parts with all its includes put in")
        constant = self._constant(node)
        if constant is not _VARIABLE:
            return sql.boolean(constant if type(constant) is bool else None)
        match node:
            case Group():
                return self._group(node)
            case Logic():
                return self._logic(node)
            case Not():
                return f"(NOT {self.value(node.operand)})"
            case Include():
                return self._include(node)
            case Exists():
                return self._exists(node)
            case Comparison() | Between():
                return f"({self._clause(node)})"
            case Field():
                return self._boolean_field(node)
        raise Untranslatable

    def _certain(self, node: Node) -> str:
        """True or false, never NULL: whether the value is true."""
        return f"COALESCE({self.value(node)}, FALSE)"

    def _group(self, node: Group) -> str:
        if node.op == "or":
            text = _any(list(map(self._certain, node.items)))
        else:
            text = _first_not_true(list(map(self.value, node.items)))
        return f"(NOT {text})" if node.negated else text

    def _logic(self, node: Logic) -> str:
        if not all(isinstance(operand, _BOOLEAN_NODES) for operand in node.operands):
            raise Untranslatable
        texts = list(map(self._certain, node.operands))
        return _all(texts) if node.op == "and" else _any(texts)

    def _target(self, node: Include) -> Node | None:
        target = self._targets[node.name]
        return None if isinstance(target, IncludeError) else target

    def _include(self, node: Include) -> str:
        target = self._target(node)
        if target is None:
            return NULL
        text = self.value(target)
        return f"COALESCE(NOT {text}, TRUE)" if node.negated else text

    def _exists(self, node: Exists) -> str:
        if not isinstance(node.operand, Field):
            raise Untranslatable
        return f"COALESCE(jsonb_typeof({self._field(node.operand)}) <> 'null', FALSE)"

    def _boolean_field(self, node: Field) -> str:
        value = self._field(node)
        return f"(CASE WHEN jsonb_typeof({value}) = 'boolean' THEN ({value})::boolean END)"

    def _clause(self, node: Comparison | Between) -> str:
        if isinstance(node, Between):
            return self._between(node)
        left, right = self._constant(node.left), self._constant(node.right)
        if isinstance(node.left, Field) and right is not _VARIABLE:
            field = self._field(node.left)
            return (
                self._with_nothing(node.op, field)
                if right is NOTHING
                else self._clauses.field_left(node.op, field, right)
            )
        if isinstance(node.right, Field) and left is not _VARIABLE and left is not NOTHING:
            return self._clauses.field_right(node.op, left, self._field(node.right))
        raise Untranslatable

    def _with_nothing(self, op: str, field: str) -> str:
        """`field op NOTHING`: an unknown function on the right."""
        if op == "!=":
            return f"{field} IS NOT NULL"
        if op == "contains":
            return NULL
        return f"CASE WHEN {field} IS NOT NULL THEN FALSE END" if op in ("in", "intersects") else FALSE

    def _between(self, node: Between) -> str:
        low, high = self._constant(node.low), self._constant(node.high)
        if not isinstance(node.subject, Field) or low is _VARIABLE or high is _VARIABLE:
            raise Untranslatable
        text = self._clauses.between(self._field(node.subject), low, high)
        return f"NOT ({text})" if node.negated else text

    def _constant(self, node: Node) -> Value:
        """The value of a part that reads no field; `_VARIABLE` for any other."""
        if isinstance(node, Literal):
            return node.value
        for part in walk(node):
            if isinstance(part, Field | Include) or (isinstance(part, Call) and part.name.lower() in ("match", "uuid")):
                return _VARIABLE
        return compile_node(node)(Context({}, self._now))

    def _field(self, node: Field) -> str:
        """The JSONB value of a field; NULL if it is missing."""
        name = self.parameters.text(node.name)
        if node.map_name is None:
            return f"({self._column}->{name})"
        owner = f"({self._column}->{self.parameters.text(node.map_name)})"
        of_map = f"CASE WHEN jsonb_typeof({owner}) = 'object' AND NOT {sql.is_time(owner)} THEN {owner}->{self.parameters.text(node.key)} END"
        return f"(CASE WHEN {self._column} ? {name} THEN {self._column}->{name} ELSE {of_map} END)"


_VARIABLE = object()


def _all(texts: list[str]) -> str:
    return f"({' AND '.join(texts)})" if texts else TRUE


def _any(texts: list[str]) -> str:
    return f"({' OR '.join(texts)})" if texts else FALSE


def _first_not_true(texts: list[str]) -> str:
    """The first value that is not true, else true: a group of AND. Halved at each step, so that it nests little."""
    if not texts:
        return TRUE
    if len(texts) == 1:
        return texts[0]
    middle = len(texts) // 2
    first, second = _first_not_true(texts[:middle]), _first_not_true(texts[middle:])
    return f"(CASE {first} WHEN TRUE THEN {second} WHEN FALSE THEN FALSE END)"
