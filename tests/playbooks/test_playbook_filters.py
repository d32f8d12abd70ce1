"""Filters and conditions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.playbooks import Prepared
from headwater.playbooks.filters import compile_condition, compile_filter

EVENT = {
    "type": "page",
    "text": "Abc",
    "empty": "",
    "number": 5.0,
    "yes": True,
    "null": None,
    "object": {"a": 1},
    "list": [{"a": 1}],
}


def holds(name: str, path: str, **fields: Any) -> bool:
    return compile_condition({name: {"inputPath": path, **fields}})(EVENT)


def test_input_path_exists() -> None:
    """A path exists unless it is missing or null; the empty text exists."""
    assert [holds("inputPathExists", p) for p in ("text", "empty", "list.0.a", "null", "nowhere")] == [
        True, True, True, False, False,
    ]  # fmt: skip


def test_input_path_is_string_and_is_object() -> None:
    """Only text is a string; an object is no list."""
    assert [holds("inputPathIsString", p) for p in ("text", "empty", "number", "null")] == [True, True, False, False]
    assert [holds("inputPathIsObject", p) for p in ("object", "list.0", "list", "text")] == [True, True, False, False]


@pytest.mark.parametrize(
    ("path", "value", "fields", "equal"),
    [
        ("text", "Abc", {}, True),
        ("text", "abc", {}, False),
        ("text", "aBC", {"ignoreCase": True}, True),
        ("nowhere", "", {}, True),
        ("null", "", {}, True),
        ("number", "5", {}, True),
        ("yes", "true", {}, True),
        ("object", "", {}, False),
        ("list", '[{"a":1}]', {}, False),
    ],
)
def test_string_comparison(path: str, value: str, fields: dict[str, Any], equal: bool) -> None:
    """Missing reads as empty text, numbers and booleans as text, objects and lists equal nothing."""
    assert holds("stringEqual", path, value=value, **fields) is equal
    assert holds("stringNotEqual", path, value=value, **fields) is not equal


def test_boolean_equal() -> None:
    """Only a JSON boolean counts; missing is neither."""
    assert [holds("booleanEqual", p, value=True) for p in ("yes", "nowhere", "text", "number")] == [
        True,
        False,
        False,
        False,
    ]
    assert not holds("booleanEqual", "nowhere", value=False)


def test_all_of_none_and_any_of_none() -> None:
    """matchesAll of no conditions holds, matchesAny of none does not."""
    assert compile_condition({"matchesAll": {"conditions": []}})(EVENT)
    assert not compile_condition({"matchesAny": {"conditions": []}})(EVENT)


conditions = st.recursive(
    st.sampled_from([{"inputPathExists": {"inputPath": path}} for path in ("text", "nowhere")]),
    lambda inner: st.builds(
        lambda name, rows: {name: {"conditions": rows}},
        st.sampled_from(["matchesAll", "matchesAny"]),
        st.lists(inner, max_size=3),
    ),
    max_leaves=8,
)


def reference(condition: dict[str, Any]) -> bool:
    ((name, fields),) = condition.items()
    if name == "inputPathExists":
        return fields["inputPath"] in EVENT
    return (all if name == "matchesAll" else any)(reference(row) for row in fields["conditions"])


@given(conditions)
def test_conditions_nest(condition: dict[str, Any]) -> None:
    """matchesAll and matchesAny are logical and, or, at any depth; deny is the negation of allow."""
    assert compile_condition(condition)(EVENT) is reference(condition)
    allow, deny = (compile_filter({"byConditions": {"action": a, "when": condition}}) for a in ("allow", "deny"))
    assert allow(EVENT, "page") is not deny(EVENT, "page")


def test_names_pass_through_normalisation() -> None:
    """A list may spell names as people do."""
    passes = compile_filter({"byEventNames": {"action": "allow", "events": ["Order Completed"]}})
    assert passes({}, "order_completed")
    assert not passes({}, "page")


def test_all_filters_must_pass(prepared: Callable[..., Prepared]) -> None:
    """The drop names the first filter that failed; filters of global come before those of the section."""
    playbook = """
global: {filters: [{byEventNames: {action: allow, events: [page]}}, {byConditions: {action: deny, when: {inputPathExists: {inputPath: a}}}}]}
eventSpecific: {page: {filters: [{byConditions: {action: allow, when: {inputPathExists: {inputPath: b}}}}]}}
"""
    places = [
        result.drop.where if (result := prepared(playbook, event)).drop else None
        for event in ({"type": "screen"}, {"type": "page", "a": 1}, {"type": "page"}, {"type": "page", "b": 1})
    ]
    assert places == ["global.filters[0]", "global.filters[1]", "eventSpecific.page.filters[0]", None]
