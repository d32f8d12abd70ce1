"""The transforms of mappings with examples: the reference page is made from them, and tests run them."""

from __future__ import annotations

from typing import Any

import msgspec


class TransformExample(msgspec.Struct, frozen=True):
    """An argument as it is written in a playbook, a value of the event, and what the transform makes of it.

    `output` None means that there is no value, so the mapping's default applies.
    """

    argument: Any
    input: Any
    output: Any


class TransformEntry(msgspec.Struct, frozen=True):
    """A transform: what it gives, and examples."""

    name: str
    description: str
    examples: tuple[TransformExample, ...]


def _entry(name: str, description: str, *examples: tuple[Any, Any, Any]) -> TransformEntry:
    return TransformEntry(name, description, tuple(TransformExample(*example) for example in examples))


RFC3339 = "2006-01-02T15:04:05Z07:00"

TRANSFORMS: tuple[TransformEntry, ...] = (
    _entry(
        "expression",
        "The value that a Lua body returns. `input` is the whole event, whatever `inputKey` is.",
        ({"lang": "lua", "body": "return input.v * 2"}, 21, 42),
        ({"lang": "lua", "body": "return nil"}, 21, None),
    ),
    _entry(
        "modifyString",
        "Text in upper or lower case, or without white space at both ends. Numbers and booleans count as text.",
        ("uppercase", "usd", "USD"),
        ("lowercase", "ÅSE", "åse"),
        ("trim", "  a b ", "a b"),
        ("uppercase", ["usd"], None),
    ),
    _entry(
        "substring",
        "Characters from `start`, counted from 0, up to the one before `end`.",
        ({"start": 0, "end": 10}, "2025-11-20T09:17:16Z", "2025-11-20"),
        ({"start": 2, "end": 9}, "abc", "c"),
    ),
    _entry(
        "toHash",
        "Lower-case hexadecimal hash of the text. Nothing is trimmed or lower-cased first: put `modifyString` before it.",
        ("sha256", "abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
        ("md5", 5, "e4da3b7fbbce2345d7772b0674a318d5"),
    ),
    _entry(
        "toScalar",
        "The value as text, number or boolean.",
        ("string", {"b": 1, "a": [True]}, '{"a":[true],"b":1}'),
        ("string", 10.0, "10"),
        ("float", " 2.50 ", 2.5),
        ("truncated_int", "-1.9", -1),
        ("rounded_int", 2.5, 3),
        ("truncated_float", 1.239, 1.23),
        ("bool", "T", True),
        ("float", "free", None),
    ),
    _entry(
        "toDateTime",
        "A time in another layout, in UTC. Layouts are written as the time Mon Jan 2 15:04:05 2006 -0700.",
        (
            {"inputFormat": RFC3339, "outputFormat": "2006-01-02 15:04:05"},
            "2025-11-20T10:17:16.9+01:00",
            "2025-11-20 09:17:16",
        ),
        ({"inputFormat": RFC3339, "outputFormat": "2006"}, "yesterday", None),
    ),
    _entry(
        "toTimestamp",
        "A whole number since 1970 of an RFC 3339 time, rounded down.",
        ("inSeconds", "2025-11-20T09:17:16.036Z", 1763630236),
        ("inMillis", "2025-11-20T09:17:16.036Z", 1763630236036),
    ),
    _entry(
        "pluckValues",
        "That key of each object in a list; objects without it are left out.",
        ({"extractKey": "sku"}, [{"sku": "a"}, {"name": "x"}, {"sku": "b"}], ["a", "b"]),
        ({"extractKey": "sku"}, {"sku": "a"}, None),
    ),
    _entry(
        "joinValues",
        "The texts of a list's values joined; of a scalar, its text.",
        ({"separator": ","}, ["a", 1, None, True], "a,1,true"),
        ({"separator": ","}, 5, "5"),
    ),
    _entry(
        "replaceString",
        "Every occurrence of a text replaced; no pattern.",
        ({"find": ".", "replace": "-"}, "a.b.c", "a-b-c"),
    ),
    _entry(
        "splitString",
        "A list of the pieces between separators; with `limit` only the first ones.",
        ({"separator": ","}, "a,,b", ["a", "", "b"]),
        ({"separator": ",", "limit": 1}, "a,b", ["a"]),
    ),
)
"""Every transform, in the order of the reference."""
