"""Where the write key stands, and which one decides."""

from __future__ import annotations

import base64

import pytest

from headwater.collect.write_keys import KeyChoice, basic_user, choose, key_in
from headwater.errors import InputError


@pytest.mark.parametrize(
    ("places", "expected"),
    [
        ((), KeyChoice(None, conflict=False)),
        ((None, ""), KeyChoice(None, conflict=False)),
        (("a", None, "a"), KeyChoice("a", conflict=False)),
        ((None, "b", "c"), KeyChoice("b", conflict=True)),
    ],
)
def test_the_strongest_place_decides(places, expected):
    """The first key counts; another one elsewhere is a conflict, never a replacement."""
    assert choose(*places) == expected


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (b"Basic " + base64.b64encode(b"k1:"), "k1"),
        (b"basic " + base64.b64encode(b"k1"), "k1"),
        (b"Basic " + base64.b64encode(b"k1:secret"), "k1"),
        (b"Basic " + base64.b64encode(b"k12:").rstrip(b"="), "k12"),
        (b"Basic " + base64.b64encode(b":"), None),
        (b"Bearer token", None),
        (b"", None),
    ],
)
def test_reads_the_basic_user(header, expected):
    """The user name of Basic credentials is the key; other schemes hold none."""
    assert basic_user(header) == expected


@pytest.mark.parametrize("header", [b"Basic !!", b"Basic \xff\xfe", b"Basic " + base64.b64encode(b"\xff")])
def test_refuses_credentials_that_are_no_text(header):
    """Garbage after Basic is an error of its own, not a missing key."""
    with pytest.raises(InputError, match="base64"):
        basic_user(header)


def test_a_key_must_be_text():
    """A number is no key."""
    with pytest.raises(InputError, match="writeKey"):
        key_in({"writeKey": 7})
