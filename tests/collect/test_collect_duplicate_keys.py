"""Repeated keys are found wherever they are, and nothing else is taken for one."""

from __future__ import annotations

import json

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater import jsontext
from headwater.collect.documents import decode_document
from headwater.collect.duplicate_keys import find_duplicate_keys, may_repeat_keys, path_text

TEXT = st.text(st.sampled_from('ab":,{}[]\\ \t\n\u00e9\u2028'), max_size=6)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=12,
)
STYLES = st.sampled_from(
    [{}, {"separators": (",", ":")}, {"separators": (" , ", " : ")}, {"indent": 1}, {"ensure_ascii": False}]
)


def oracle(text: bytes) -> int:
    """Repeated keys, counted by the standard library."""
    found = 0

    def pairs(items: list[tuple[str, object]]) -> dict[str, object]:
        nonlocal found
        found += len(items) - len(dict(items))
        return dict(items)

    json.loads(text, object_pairs_hook=pairs)
    return found


@given(VALUES, STYLES)
def test_a_document_without_repetition_passes(value, style):
    """Whatever stands in its strings and however it is spaced, a document of unique keys is never refused."""
    assert decode_document(json.dumps(value, **style).encode()).repeated == []


@given(st.lists(st.tuples(TEXT, VALUES), max_size=6), STYLES, st.booleans())
def test_every_repetition_is_found(pairs, style, escape):
    """The keys that are found are as many as the standard library finds, with escapes and blanks anywhere."""
    parts = []
    for key, value in pairs:
        shown = "".join(f"\\u{ord(each):04x}" for each in key) if escape else json.dumps(key)[1:-1]
        parts.append(f'"{shown}" {style.get("separators", ("", ":"))[1]}{json.dumps(value, **style)}')
    text = ("{" + ",".join(parts) + "}").encode()
    assert len(decode_document(text).repeated) == oracle(text)


@pytest.mark.parametrize(
    "text",
    [
        b'{"a" :1,"b":1,"b":2}',
        b'{"x":"\\u0022:","b":1,"b":2}',
        b'{"x":"\\"\\u003a","b":1,"b":2}',
        b'{"x":"\\"\\u0020:","b":1,"b":2}',
        b'{"b":1,"\\u0062":2}',
    ],
)
def test_no_spelling_hides_a_repetition(text):
    """Spellings that add a mark in one text and not in the other cannot make up for a lost key."""
    assert may_repeat_keys(text, orjson.dumps(orjson.loads(text)))
    assert [repeated.key for repeated in find_duplicate_keys(text)] == ["b"]


def test_the_path_says_where():
    """The path counts list items and names keys, also behind strings that look like structure."""
    text = b'{"batch":[{"a":"}],{"},{"properties":{"x":[1,[2,3]],"price":1,"price":2}}]}'
    (found,) = find_duplicate_keys(text)
    assert path_text(found.path) == "batch[1].properties.price"


def test_a_document_that_is_too_deep_to_write_is_still_checked():
    """Depth beyond what can be encoded does not hide a repetition beside it."""
    deep = b'{"a":' * 400 + b"1" + b"}" * 400
    text = b'{"x":1,"x":2,"deep":' + deep + b"}"
    assert jsontext.depth_exceeds(jsontext.decode(text), 300)
    assert [repeated.key for repeated in decode_document(text).repeated] == ["x"]
