"""Enrichments, mappings, their transforms and defaults."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from headwater.playbooks import Prepared

Mapped = Callable[..., Any]


def test_enrichments_are_set_unconditionally(output: Callable[..., Any]) -> None:
    """Each kind of fixed value, the standing clock and the given identifier; the empty text is a value."""
    playbook = """
global:
  enrichments:
    - {outputKey: s, staticString: ""}
    - {outputKey: i, staticInt: "1"}
    - {outputKey: j, staticInt: -2}
    - {outputKey: f, staticFloat: 1.5}
    - {outputKey: b, staticBool: false}
    - {outputKey: t.s, timestamp: seconds}
    - {outputKey: t.ms, timestamp: milliseconds}
    - {outputKey: u, uuid: v4}
"""
    assert output(playbook, {"type": "page"}) == {
        "s": "",
        "i": 1,
        "j": -2,
        "f": 1.5,
        "b": False,
        "t": {"s": 1763630236, "ms": 1763630236036},
        "u": "11111111-2222-4333-8444-555555555555",
    }


@pytest.mark.parametrize("value", [False, 0, "", [], {}, 1.5, Decimal("0.1234567890123456789"), 2**70, {"a": [None]}])
def test_values_are_written_as_they_are(mapped: Mapped, value: Any) -> None:
    """false, 0, empty text and empty containers are values; numbers keep their precision."""
    assert mapped("[]", value) == value


def test_a_missing_input_writes_nothing_and_runs_no_transform(mapped: Mapped) -> None:
    """No transform runs on nothing, not even an expression that would give a value."""
    assert mapped("[{expression: {lang: lua, body: return 1}}]", None) is None


def test_transforms_run_in_order(mapped: Mapped) -> None:
    """Each transform gets the result of the one before."""
    items = [{"k": " A "}, {"x": 1}, {"k": "b"}]
    assert (
        mapped("[{pluckValues: {extractKey: k}}, {joinValues: {separator: '-'}}, {modifyString: lowercase}]", items)
        == " a -b"
    )


@pytest.mark.parametrize(
    ("default", "value"),
    [("defaultString: ''", ""), ("defaultInt: '7'", 7), ("defaultFloat: 0", 0), ("defaultBool: false", False)],
)
def test_a_default_stands_as_it_is(mapped: Mapped, default: str, value: Any) -> None:
    """Missing input, and a value that a transform cannot handle, give the default untransformed."""
    assert mapped("[{modifyString: uppercase}]", None, f", {default}") == value
    assert mapped("[{pluckValues: {extractKey: k}}]", "no list", f", {default}") == value


@pytest.mark.parametrize(
    ("transforms", "value", "result"),
    [
        ("[{modifyString: uppercase}]", "straße é", "STRASSE É"),
        ("[{modifyString: lowercase}]", "É", "é"),
        ("[{modifyString: trim}]", "\u00a0 a\u3000\n", "a"),
        ("[{modifyString: uppercase}]", True, "TRUE"),
        ("[{modifyString: uppercase}]", {"a": 1}, None),
        ("[{substring: {start: 1, end: 3}}]", "a😀cd", "😀c"),
        ("[{substring: {start: 5, end: 9}}]", "abc", ""),
        ("[{substring: {start: 0, end: 2}}]", 12.5, "12"),
        ("[{substring: {start: 2, end: 1}}]", "abc", ""),
        ("[{substring: {start: 0, end: 2}}]", [], None),
        ("[{toHash: sha256}]", " É ", hashlib.sha256(" É ".encode()).hexdigest()),
        ("[{toHash: md5}]", 5, hashlib.md5(b"5").hexdigest()),  # noqa: S324  # the vendors' choice
        ("[{toHash: sha256}]", ["a"], None),
        ("[{toScalar: string}]", {"b": 1, "a": [True]}, '{"a":[true],"b":1}'),
        ("[{toScalar: string}]", 10.0, "10"),
        ("[{toScalar: float}]", " 1.50 ", 1.5),
        ("[{toScalar: float}]", "x", None),
        ("[{toScalar: truncated_int}]", "-1.9", -1),
        ("[{toScalar: rounded_int}]", 2.5, 3),
        ("[{toScalar: truncated_float}]", 1.239, 1.23),
        ("[{toScalar: bool}]", "T", True),
        ("[{toScalar: bool}]", "maybe", None),
        ("[{toTimestamp: inSeconds}]", "1969-12-31T23:59:59.5Z", -1),
        ("[{toTimestamp: inMillis}]", "2025-11-20T10:17:16.0369+01:00", 1763630236036),
        ("[{toTimestamp: inMillis}]", "2025-11-20", None),
        ("[{toTimestamp: inMillis}]", 5, None),
        ("[{pluckValues: {extractKey: k}}]", [{"k": 0}, {}, {"k": None}, 5, {"k": ""}], [0, ""]),
        ("[{joinValues: {separator: ','}}]", ["a", None, 1.0, True, {"x": 1}], 'a,1,true,{"x":1}'),
        ("[{joinValues: {separator: ','}}]", 5, "5"),
        ("[{joinValues: {separator: ','}}]", {"a": 1}, None),
        ("[{replaceString: {find: '.', replace: '-'}}]", "a.b.c", "a-b-c"),
        ("[{replaceString: {find: '', replace: '-'}}]", "ab", "ab"),
        ("[{splitString: {separator: ','}}]", "a,,b", ["a", "", "b"]),
        ("[{splitString: {separator: ',', limit: 2}}]", "a,b,c", ["a", "b"]),
        (
            "[{toDateTime: {inputFormat: '2006-01-02T15:04:05Z07:00', outputFormat: '2006-01-02 15:04:05'}}]",
            "2025-11-20T10:17:16.9+01:00",
            "2025-11-20 09:17:16",
        ),
    ],
)
def test_transforms(mapped: Mapped, transforms: str, value: Any, result: Any) -> None:
    """What each transform makes of a value; None where it cannot handle it."""
    assert mapped(transforms, value) == result


def test_an_expression_sees_the_whole_event(prepared: Callable[..., Prepared]) -> None:
    """`input` is the event whatever inputKey is, and the previous result is not visible."""
    playbook = """
global:
  mappings:
    - inputKey: a
      outputKey: o
      transforms: [{modifyString: uppercase}, {expression: {lang: lua, body: "return input.a .. input.b"}}, {modifyString: uppercase}]
"""
    (output,) = prepared(playbook, {"type": "page", "a": "x", "b": "y"}).outputs
    assert output.body == {"o": "XY"}


def test_a_failed_expression_gives_the_default_and_a_flag(prepared: Callable[..., Prepared]) -> None:
    """The mapping's result is missing, the event is flagged with place and message, everything else goes on."""
    playbook = """
global:
  mappings:
    - {inputKey: input, outputKey: a, transforms: [{expression: {lang: lua, body: "return input.x + 1"}}], defaultInt: 9}
    - {inputKey: type, outputKey: b}
"""
    result = prepared(playbook, {"type": "page"})
    assert result.outputs[0].body == {"a": 9, "b": "page"}
    (flag,) = result.flags
    assert flag.where == "global.mappings[0].transforms[0]"
    assert flag.message == "line:1: attempt to perform arithmetic on field 'x' (a nil value)"
