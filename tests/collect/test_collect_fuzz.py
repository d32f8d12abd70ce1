"""Whatever arrives, the pure parts answer with a value or an InputError."""

from __future__ import annotations

import contextlib
import gzip

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.collect.documents import decode_document
from headwater.collect.inflate import PIECE_BYTES, Inflater
from headwater.collect.normalise import EventLimits
from headwater.collect.pixels import decode_data, nested
from headwater.collect.refusals import without_write_keys
from headwater.collect.request import parse_pairs
from headwater.collect.stream_records import Upload, stream_record
from headwater.collect.write_keys import basic_user
from headwater.errors import InputError

UPLOAD = Upload("s", "2026-11-23T14:34:56.000Z", "", EventLimits(32_768, 10_000, 100), timestamp_field="t")
JSONISH = st.text(st.sampled_from('{}[]",:\\u0dD83e+-.1 \n\ufeff\u00e9'), max_size=30).map(str.encode)


@given(st.binary(max_size=60) | JSONISH)
def test_any_bytes_are_a_document_or_an_error(text):
    """Decoding and the check for repeated keys raise nothing else."""
    with contextlib.suppress(InputError):
        decode_document(text)


@given(st.binary(max_size=60))
def test_any_header_is_credentials_or_an_error(header):
    """So for Basic credentials."""
    with contextlib.suppress(InputError):
        basic_user(b"Basic " + header)


@given(st.text(max_size=40))
def test_any_text_is_pixel_data_or_an_error(data):
    """So for the pixel's parameter."""
    with contextlib.suppress(InputError):
        decode_document(decode_data(data))


@given(st.binary(max_size=60))
def test_any_query_is_nested_or_an_error(query):
    """So for dotted parameters."""
    with contextlib.suppress(InputError):
        nested(parse_pairs(query), 20)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=300), inner, max_size=2),
    max_leaves=6,
)


@given(VALUES | st.dictionaries(st.sampled_from(["t", "id", "email", "a"]), VALUES), st.sampled_from(["", "k"]))
def test_any_value_is_a_record_or_an_error(value, key):
    """So for stream records, with any time and any id."""
    with contextlib.suppress(InputError):
        meta, _ = stream_record(value, UPLOAD._replace(idempotency_key=key), 0)
        assert meta.message_id
        assert meta.user_key


@given(st.lists(st.binary(max_size=200), min_size=1, max_size=4), st.integers(1, 50))
def test_gzip_is_unpacked_however_it_is_cut(members, step):
    """A chain of members, fed in pieces of any size, gives the bytes that were packed."""
    packed = b"".join(map(gzip.compress, members)) + b"\0" * 7
    inflater = Inflater()
    unpacked = [piece for start in range(0, len(packed), step) for piece in inflater.feed(packed[start : start + step])]
    inflater.finish()
    assert b"".join(unpacked) == b"".join(members)


@given(st.binary(max_size=80))
def test_any_bytes_are_gzip_or_an_error(text):
    """Broken gzip raises nothing else, in the middle or at the end."""
    with contextlib.suppress(InputError):
        inflater = Inflater()
        list(inflater.feed(gzip.compress(b"x")[: len(text)] + text))
        inflater.finish()


def test_a_bomb_is_unpacked_one_piece_at_a_time():
    """Whoever reads can stop before the rest exists."""
    pieces = Inflater().feed(gzip.compress(bytes(50 * 1024 * 1024)))
    assert len(next(pieces)) == PIECE_BYTES


@pytest.mark.parametrize(
    ("excerpt", "expected"),
    [
        (b'{"writeKey":"abc","a":1}', b'{"writeKey":"...","a":1}'),
        (b'{"a":[{"writeKey" : "abc', b'{"a":[{"writeKey" : "...'),
        (b"a=1&writeKey=abc&b=2", b"a=1&writeKey=...&b=2"),
    ],
)
def test_write_keys_are_blotted_out(excerpt, expected):
    """In JSON and in queries, whole or cut."""
    assert without_write_keys(excerpt) == expected
