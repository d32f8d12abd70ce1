"""Blocked values: texts that SDKs and developers send in place of an identifier.

`null`, `undefined`, an all-zero UUID or an unexpanded template would tie thousands of strangers together. A blocked value
never becomes an identifier. Values are compared in a *comparison form*, which is never stored.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

from headwater.expressions.patterns import matcher

WORDS = frozenset(
    [
        "null",
        "none",
        "nil",
        "undefined",
        "nan",
        "anonymous",
        "guest",
        "unknown",
        "invalid",
        "true",
        "false",
        "void",
        "id",
        "email",
        "distinctid",
        "distinct_id",
        "not_authenticated",
        "(null)",
        "n/a",
        "na",
        "user_id",
        "userid",
        "anonymous_id",
        "anonymousid",
        "test",
        "tbd",
        "default",
        "system",
        "abc123",
    ]
) | {"(not set)", "not set"}
"""Words that mean "nobody" (gathered from the public lists of several products), in comparison form."""

SERIALISED = frozenset({"[object object]", "{}", "[]"})
"""What JavaScript writes for an object that was meant to be a text."""

CONSTANTS = frozenset({"ffffffff-ffff-ffff-ffff-ffffffffffff", "f" * 32, "9774d56d682e549c"})
"""The all-ones UUID, and the Android id that a whole line of devices and emulators shared."""

NUMBERS = frozenset({"0", "-1"})

_ZEROS = re.compile(r"[0-]+")
_TEMPLATE = re.compile(r"\{\{.*\}\}|\$\{.*\}|%%.*%%|\$\$.*\$\$|<%.*%>|\*\|.*\|\*", re.DOTALL)
_TEMPLATE_BEGINS = "{$%<*"
_ZERO_WIDTH = dict.fromkeys(map(ord, "\u200b\u200c\u200d\u2060\ufeff\u00ad\u180e\u200e\u200f"))
_QUOTES = "'\"`"


class BlockRules(NamedTuple):
    """What a schema adds to the built-in lists. Patterns are those of LIKE (`*` any run, `?` one character).

    Keys are identifier types; "*" holds for all types. `exempt` values pass although a list or pattern names them.
    """

    values: Mapping[str, tuple[str, ...]] = {}
    patterns: Mapping[str, tuple[str, ...]] = {}
    exempt: Mapping[str, tuple[str, ...]] = {}


def comparison_form(value: str) -> str:
    """The form in which two spellings of one junk value are equal: ` "NULL" ` and `null`."""
    # ASCII, which almost all values are, has neither other forms nor signs without width.
    text = value.strip() if value.isascii() else unicodedata.normalize("NFKC", value).translate(_ZERO_WIDTH).strip()
    while len(text) >= 2 and text[0] == text[-1] and text[0] in _QUOTES:
        text = text[1:-1].strip()
    return text.casefold()


def _digests(values: Iterable[str]) -> frozenset[str]:
    # Not for security: these are the digests that senders make of junk.
    makers: tuple[Callable[..., hashlib._Hash], ...] = (hashlib.md5, hashlib.sha1, hashlib.sha256)
    return frozenset(make(value.encode(), usedforsecurity=False).hexdigest() for value in values for make in makers)


_LISTS: tuple[tuple[str, frozenset[str]], ...] = (
    ("word", WORDS),
    ("number", NUMBERS),
    ("serialised object", SERIALISED),
    ("known constant", CONSTANTS),
    ("digest of a blocked value", _digests(WORDS | NUMBERS | SERIALISED | CONSTANTS | {""})),
)
_BY_VALUE = {value: rule for rule, values in _LISTS for value in values}


def built_in_rule(form: str) -> str | None:
    """The built-in rule that blocks a value, given in comparison form; None if none does."""
    if not form:
        return "empty"
    rule = _BY_VALUE.get(form)
    if rule is not None:
        return rule
    if form[0] in "0-" and _ZEROS.fullmatch(form):
        return "only zeros"
    if form.startswith("function") and "(" in form:
        return "serialised object"
    return "unexpanded template" if form[0] in _TEMPLATE_BEGINS and _TEMPLATE.fullmatch(form) else None


def compile_block_rules(rules: BlockRules, identifier_type: str) -> Callable[[str], str | None]:
    """A function from a value to the rule that blocks it, or None, for one identifier type."""
    own = _of_type(rules.values, identifier_type)
    exempt = _of_type(rules.exempt, identifier_type)
    patterns = [
        (pattern, matcher(pattern.casefold()))
        for key in ("*", identifier_type)
        for pattern in rules.patterns.get(key, ())
    ]

    def rule_for(value: str) -> str | None:
        form = comparison_form(value)
        if form in exempt:
            return None
        rule = "own list" if form in own else built_in_rule(form)
        if rule is not None or not patterns:
            return rule
        return next((f"own pattern {pattern}" for pattern, matches in patterns if matches(form)), None)

    return rule_for


def _of_type(values: Mapping[str, tuple[str, ...]], identifier_type: str) -> frozenset[str]:
    return frozenset(comparison_form(value) for key in ("*", identifier_type) for value in values.get(key, ()))
