"""Tokens that hand an anonymous id from one domain to another."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.collect import link_tokens
from headwater.collect.link_tokens import TOKEN_SECONDS, Passage
from headwater.errors import InputError

KEY = b"key of one install"
HERE = Passage("p1", "shop.example", "Browser/1.0")
NOW = 1_700_000_000.0

texts = st.text(min_size=1, max_size=40)


@given(texts, st.builds(Passage, texts, texts, texts), st.floats(0, TOKEN_SECONDS - 1))
def test_a_token_opens_where_it_was_meant_to(anonymous_id, passage, age):
    """The same pipeline, host and browser get the id back for as long as the token lives."""
    token = link_tokens.sign(KEY, anonymous_id, passage, NOW)
    assert link_tokens.verify(KEY, token, passage, NOW + age) == anonymous_id


@pytest.mark.parametrize(
    ("key", "passage", "age"),
    [
        (b"another install", HERE, 0),
        (KEY, HERE._replace(pipeline_id="p2"), 0),
        (KEY, HERE._replace(host="other.example"), 0),
        (KEY, HERE._replace(user_agent="Browser/2.0"), 0),
        (KEY, HERE, TOKEN_SECONDS + 1),
    ],
)
def test_a_token_opens_nowhere_else(key, passage, age):
    """Another install, pipeline, host or browser, or too late: refused."""
    token = link_tokens.sign(KEY, "anon-1", HERE, NOW)
    with pytest.raises(InputError):
        link_tokens.verify(key, token, passage, NOW + age)


@given(st.integers(0, 400), st.sampled_from("ABCxyz019-_."))
def test_a_changed_token_never_yields_another_id(position, letter):
    """Whatever letter is replaced, the token is refused or still gives the id that was signed."""
    token = link_tokens.sign(KEY, "anon-1", HERE, NOW)
    position %= len(token)
    changed = token[:position] + letter + token[position + 1 :]
    with contextlib.suppress(InputError):
        assert link_tokens.verify(KEY, changed, HERE, NOW) == "anon-1"


@given(st.text(max_size=60))
def test_any_text_is_refused_politely(text):
    """What is no token raises the error that names the field, never another."""
    with pytest.raises(InputError):
        link_tokens.verify(KEY, text, HERE, NOW)
