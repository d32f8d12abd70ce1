"""One expression language for audiences (FilterQL) and mappings (LQL).

A text becomes a tree (`statements`, `parser`, `tree`), and from the tree come the answer for one profile (`filters`),
the instant at which time alone changes it (`flips`), the condition for all profiles (`sql`) and the values that an
event writes (`mappings`). The language is described in docs/filterql.md.
"""

from headwater.expressions.check import Problem, check, problems
from headwater.expressions.errors import ExpressionError
from headwater.expressions.filters import CompiledExpression, CompiledFilter, compile_expression, compile_filter
from headwater.expressions.flips import Flips, next_flip
from headwater.expressions.includes import IncludeError, Resolver, check_includes, fields_read, includes, inline
from headwater.expressions.json_tree import from_json, to_json
from headwater.expressions.mappings import CompiledMapping, Row
from headwater.expressions.printer import canonical, fingerprint
from headwater.expressions.sql import SqlFilter, to_sql
from headwater.expressions.statements import (
    Column,
    Filter,
    Select,
    parse_expression,
    parse_filter,
    parse_statement,
    parse_statements,
)
from headwater.expressions.stored import from_stored, to_stored
from headwater.expressions.values import NOTHING

__all__ = [
    "NOTHING",
    "Column",
    "CompiledExpression",
    "CompiledFilter",
    "CompiledMapping",
    "ExpressionError",
    "Filter",
    "Flips",
    "IncludeError",
    "Problem",
    "Resolver",
    "Row",
    "Select",
    "SqlFilter",
    "canonical",
    "check",
    "check_includes",
    "compile_expression",
    "compile_filter",
    "fields_read",
    "fingerprint",
    "from_json",
    "from_stored",
    "includes",
    "inline",
    "next_flip",
    "parse_expression",
    "parse_filter",
    "parse_statement",
    "parse_statements",
    "problems",
    "to_json",
    "to_sql",
    "to_stored",
]
