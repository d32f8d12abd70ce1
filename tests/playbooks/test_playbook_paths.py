"""Paths: reading from the event, writing into the output, and values as text and number."""

from __future__ import annotations

import json
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.errors import ConfigurationError
from headwater.playbooks import CompiledIntegration
from headwater.playbooks.paths import merge, parse_path, read, write
from headwater.playbooks.scalars import (
    at_14_digits,
    number_text,
    rounded_int,
    text_number,
    to_bool,
    truncated_float,
    truncated_int,
    value_text,
)

keys = st.text(alphabet="ab0.\\_[]$-", min_size=1, max_size=4)
values = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=3),
    max_leaves=10,
)


def written(segments: tuple[str, ...]) -> str:
    return ".".join(segment.replace("\\", "\\\\").replace(".", "\\.") for segment in segments)


@given(st.lists(keys, min_size=1, max_size=4).map(tuple))
def test_an_escaped_path_reads_back(segments: tuple[str, ...]) -> None:
    """A backslash makes a dot or a backslash literal, so that every key can be named."""
    assert parse_path(written(segments)) == segments


def test_other_characters_are_literal() -> None:
    """Brackets, dollars and dashes have no meaning in a path."""
    assert parse_path("ed[line_items][0].$set.clinch-sid") == ("ed[line_items][0]", "$set", "clinch-sid")


def test_the_empty_path_is_refused() -> None:
    """A path must name a key."""
    with pytest.raises(ConfigurationError):
        parse_path("")


EVENT = {"a": {"b": [{"c": 1}, None]}, "n": None, "e": "", "f": False, "s": "text"}


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("a.b.0.c", 1),
        ("a.b.1", None),
        ("a.b.2", None),
        ("a.b.00", None),
        ("a.b.x", None),
        ("a.b.-1", None),
        ("n", None),
        ("n.x", None),
        ("e", ""),
        ("f", False),
        ("s.t", None),
        ("a.b", [{"c": 1}, None]),
    ],
)
def test_reading(path: str, value: Any) -> None:
    """Objects by key, lists by zero-based decimal index; what does not resolve, or is null, is missing."""
    assert read(EVENT, parse_path(path)) == value


@given(values.filter(lambda value: isinstance(value, dict)), st.lists(keys, min_size=1, max_size=4).map(tuple), values)
def test_what_is_written_can_be_read(before: dict[str, Any], segments: tuple[str, ...], value: Any) -> None:
    """After writing, the path holds the value exactly, and objects beside the path are unchanged."""
    output = json.loads(json.dumps(before))
    write(output, segments, value)
    assert read(output, segments) == value
    assert {key: item for key, item in output.items() if key != segments[0]} == {
        key: item for key, item in before.items() if key != segments[0]
    }


@given(values.filter(lambda value: isinstance(value, dict)), st.lists(keys, min_size=1, max_size=3).map(tuple))
def test_the_compiled_writer_writes_like_the_plain_one(
    compiled: Callable[..., CompiledIntegration], before: dict[str, Any], segments: tuple[str, ...]
) -> None:
    """The generated code for a mapping gives the same output as `write`, and leaves the event alone."""
    playbook = f"""
global:
  mappings:
    - {{inputKey: before, outputKey: out}}
    - {{inputKey: type, outputKey: {json.dumps("out." + written(segments))}}}
"""
    event = {"type": "page", "before": json.loads(json.dumps(before))}
    (output,) = compiled(playbook).prepare(event).outputs
    expected = {"out": json.loads(json.dumps(before))}
    write(expected, ("out", *segments), "page")
    assert (output.body, event["before"]) == (expected, before)


def test_a_list_or_scalar_on_the_way_is_replaced(output: Callable[..., Any]) -> None:
    """An intermediate value that is no object, also a list, becomes an object; a number is an ordinary key."""
    playbook = """
global:
  mappings:
    - {inputKey: list, outputKey: a}
    - {inputKey: type, outputKey: a.0.x}
    - {inputKey: type, outputKey: b}
    - {inputKey: type, outputKey: b.c}
"""
    assert output(playbook, {"type": "page", "list": [1]}) == {"a": {"0": {"x": "page"}}, "b": {"c": "page"}}


def test_the_whole_event_can_be_mapped(output: Callable[..., Any]) -> None:
    """`input` alone is the event."""
    assert output("global: {mappings: [{inputKey: input, outputKey: e}]}", {"type": "page"}) == {"e": {"type": "page"}}


@given(values.filter(lambda v: isinstance(v, dict)), values.filter(lambda v: isinstance(v, dict)))
def test_merging_is_deep_and_shares_nothing_it_changes(old: dict[str, Any], addition: dict[str, Any]) -> None:
    """Objects merge into objects, anything else replaces; neither argument's inner objects are changed."""
    inner = json.loads(json.dumps(old))
    output = dict(inner)
    merge(output, addition)
    assert inner == old
    for key, value in addition.items():
        assert set(value) <= set(output[key]) if isinstance(value, dict) else output[key] == value


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (1, "1"),
        (1.0, "1"),
        (-0.0, "0"),
        (0.1 + 0.2, "0.3"),
        (19.9, "19.9"),
        (1e20, "100000000000000000000"),
        (10**20 + 1, "100000000000000000001"),
        (1e21, "1e+21"),
        (10**21, "1e+21"),
        (1 / 3, "0.33333333333333"),
        (1700000000000000, "1700000000000000"),
        (Decimal("19.90"), "19.9"),
        (1e-7, "1e-07"),
    ],
)
def test_numbers_as_text(number: Any, text: str) -> None:
    """Integral below 1e21 in plain digits, else at most 14 significant digits."""
    assert number_text(number) == text


@given(st.floats(-1e15, 1e15, allow_nan=False))
def test_number_text_is_close_to_the_number(number: float) -> None:
    """The text, read back, is the number at 14 digits, or the whole number itself."""
    read_back = float(number_text(number))
    assert read_back == number if number == int(number) else read_back == at_14_digits(number)


def test_values_as_text() -> None:
    """Booleans as words; objects and lists as compact JSON, keys sorted by code point, nothing escaped to ASCII."""
    assert [value_text(v) for v in (True, False, "é", 2.0)] == ["true", "false", "é", "2"]
    assert value_text({"b": [1, None], "Z": "é", "a": {}}) == '{"Z":"é","a":{},"b":[1,null]}'
    assert value_text({"a": [1.0, 1e16, 0.5, -0.0], "b": "1.0"}) == '{"a":[1,10000000000000000,0.5,0],"b":"1.0"}'
    assert value_text({"b": Decimal("0.1234567890123456789"), "a": 2**70}) == (
        '{"a":1180591620717411303424,"b":0.1234567890123456789}'
    )


@pytest.mark.parametrize(
    ("text", "number"),
    [("5", 5), (" -5.50\n", -5.5), ("1e3", 1000.0), ("+.5", 0.5), ("5.", 5.0)]
    + [(text, None) for text in ("", " ", "0x10", "1,000", "5 5", "inf", "nan", "1e", "1_0", "٣", "1e999")],
)
def test_text_as_numbers(text: str, number: Any) -> None:
    """Sign, decimal digits, fraction, exponent, white space around; nothing else."""
    assert text_number(text) == number


@pytest.mark.parametrize(
    ("value", "truncated", "rounded", "two_places"),
    [
        (19.99 * 100, 1999, 1999, 1999.0),
        ("2.5", 2, 3, 2.5),
        (-2.5, -2, -3, -2.5),
        (1.999, 1, 2, 1.99),
        (19.99, 19, 20, 19.99),
        (2**70, 2**70, 2**70, 2**70),
        ("x", None, None, None),
        (True, None, None, None),
        ([1], None, None, None),
    ],
)
def test_cutting_and_rounding(value: Any, truncated: Any, rounded: Any, two_places: Any) -> None:
    """At 14 significant digits first; cut toward zero, or rounded half away from zero."""
    assert (truncated_int(value), rounded_int(value), truncated_float(value, 2)) == (truncated, rounded, two_places)


def test_booleans() -> None:
    """The usual words, numbers other than 0, booleans; anything else is nothing."""
    assert [to_bool(v) for v in (True, 0, 0.5, "t", "FALSE", "yes", None, [])] == [
        True, False, True, True, False, None, None, None,
    ]  # fmt: skip
