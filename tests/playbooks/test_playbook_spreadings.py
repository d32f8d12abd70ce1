"""Spreadings: objects over many keys, fast and in order."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.playbooks.flatten import NAME_LIMIT, Spreading, spread_in_order

keys = st.sampled_from(["a", "b", "a_b", "0", "a_0", "b_1", "", "_"])
values = st.recursive(
    st.none() | st.booleans() | st.integers(0, 9) | st.just(1.5) | st.text(max_size=2),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=4),
    max_leaves=16,
)
objects = st.dictionaries(keys, values, max_size=5)


def spread(value: Any, **options: Any) -> dict[str, Any]:
    output: dict[str, Any] = {}
    Spreading(**options).spread(value, output)
    return output


def reference(value: Any, separator: str, prefix: str, depth: int) -> dict[str, Any]:
    """The rule in its own words: walk in sorted order, join, stop at the depth, leave nothing out but nothing."""
    output: dict[str, Any] = {}

    def walk(inner: Any, path: tuple[str, ...]) -> None:
        empty = inner is None or inner in ({}, [])
        if path and not empty and (not isinstance(inner, dict | list) or len(path) == depth):
            output[separator.join(([prefix] if prefix else []) + list(path))] = inner
        elif isinstance(inner, dict):
            for key in sorted(inner):
                walk(inner[key], (*path, key))
        elif isinstance(inner, list):
            for index, item in enumerate(inner):
                walk(item, (*path, str(index)))

    walk(value, ())
    return output


@given(
    st.lists(objects, min_size=1, max_size=6),
    st.integers(0, 4),
    st.sampled_from(["", "p"]),
    st.sampled_from(["_", ".", ""]),
)
def test_spreading_follows_its_rule(events: list[dict[str, Any]], depth: int, prefix: str, separator: str) -> None:
    """Whatever was remembered from earlier events, each event gets exactly the keys and values of the rule."""
    spreading = Spreading(separator, prefix, depth)
    for event in events:
        output: dict[str, Any] = {}
        spreading.spread(event, output)
        assert output == reference(event, separator, prefix, depth)


@given(objects, st.integers(0, 4))
def test_the_plain_way_follows_the_rule(event: dict[str, Any], depth: int) -> None:
    """The slow way alone is the rule too."""
    output: dict[str, Any] = {}
    spread_in_order(event, output, "_", "p", depth)
    assert output == reference(event, "_", "p", depth)


def test_prefix_and_separator() -> None:
    """The key is prefix and path joined; without prefix just the path; segments are kept as they are."""
    assert spread({"Page Name": {"u-r.l": 1}}, prefix="c") == {"c_Page Name_u-r.l": 1}
    assert spread({"a": {"b": 1}}, separator="-") == {"a-b": 1}


def test_lists_use_their_zero_based_index() -> None:
    """Elements are spread under their position; null elements leave a gap."""
    assert spread({"t": ["x", None, {"s": "y"}]}, depth=3) == {"t_0": "x", "t_2_s": "y"}


def test_depth_is_the_greatest_number_of_segments() -> None:
    """At the depth an object or list is put out whole."""
    assert spread({"a": {"b": {"c": 1}}, "l": [[1]]}, depth=2) == {"a_b": {"c": 1}, "l_0": [1]}


def test_nothing_gives_no_key() -> None:
    """Null, empty objects and empty lists leave no key, false, 0 and the empty text do."""
    assert spread({"n": None, "o": {}, "l": [], "f": False, "z": 0, "e": ""}) == {"f": False, "z": 0, "e": ""}


def test_of_two_paths_to_one_key_the_later_in_order_wins() -> None:
    """Keys are taken in sorted order, so a_b comes after a."""
    for event in ({"a": {"b": 1}, "a_b": 2}, {"a_b": 2, "a": {"b": 1}}):
        assert spread(event, depth=5) == {"a_b": 2}


def test_made_up_names_are_not_remembered_without_end() -> None:
    """Past the limit of remembered names an event is spread all the same."""
    spreading = Spreading("_", "p", 2)
    spreading.spread({f"k{n}": n for n in range(NAME_LIMIT + 5)}, {})
    output: dict[str, Any] = {}
    spreading.spread({"new": 1}, output)
    assert output == {"p_new": 1}
    assert len(spreading._owners) <= NAME_LIMIT


@pytest.mark.parametrize("value", [None, "text", 5])
def test_a_missing_or_scalar_input_gives_nothing(output: Callable[..., Any], value: Any) -> None:
    """Only objects and lists are spread."""
    assert output("global: {spreadings: [{inputKey: v, flatten: {prefix: p}}]}", {"type": "page", "v": value}) == {}


def test_spread_keys_are_literal_and_overwrite(output: Callable[..., Any]) -> None:
    """A dot in a spread key builds no object; a later spreading wins."""
    playbook = "global: {spreadings: [{inputKey: a, flatten: {separator: .}}, {inputKey: b, flatten: {separator: .}}]}"
    assert output(playbook, {"type": "page", "a": {"x": {"y": 1}}, "b": {"x": {"y": 2}}}) == {"x.y": 2}
