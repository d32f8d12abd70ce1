"""LIKE patterns."""

from __future__ import annotations

import re
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headwater.expressions.patterns import matcher


@pytest.mark.parametrize(
    ("pattern", "text", "expected"),
    [
        ("abc", "abc", True), ("abc", "abcd", False), ("abc", "ABC", False), ("", "", True), ("", "a", False),
        ("a*", "abc", True), ("*c", "abc", True), ("*b*", "abc", True), ("a*c", "ac", True), ("aa*aa", "aaa", False),
        ("%b%", "abc", True), ("**", "x/y", True), ("*blog*", "https://example.com/blog/x", True), ("a?c", "a/c", True),
        ("a?c", "ac", False), ("a_c", "abc", False), ("a_c", "a_c", True), ("[a-c]x", "bx", True), ("[^a-c]x", "bx", False),
        ("[^a-c]x", "dx", True), ("[!a]", "!", True), ("[!a]", "b", False), (r"\*", "*", True), (r"\*", "a", False),
        (r"[\]]", "]", True), ("a[", "a[", False), ("[]", "", False), ("[b-a]", "a", False), ("a\\", "a", False),
        ("a.c", "abc", False), ("*\n*", "a\nb", True), ("a*b", "a\nb", True), ("[a-]", "-", True),
    ],
)  # fmt: skip
def test_patterns(pattern: str, text: str, expected: bool) -> None:
    """Runs, single characters, classes, escapes; the whole text must fit, and `/` is a character like others."""
    assert matcher(pattern)(text) is expected


@settings(max_examples=500)
@given(st.text("ab*?", max_size=8), st.text("ab\n", max_size=10))
def test_patterns_agree_with_the_plain_regular_expression(pattern: str, text: str) -> None:
    """The fast forms say what the obvious translation says."""
    plain = re.compile(pattern.replace("*", ".*").replace("?", "."), re.DOTALL)
    assert matcher(pattern)(text) is (plain.fullmatch(text) is not None)


@pytest.mark.parametrize("pattern", ["*a" * 200 + "b", "a*" * 200 + "b", "?*" * 100 + "b", "*[a-b]*" * 200 + "c"])
def test_no_pattern_explodes(pattern: str) -> None:
    """The time grows with text and pattern, not with their combinations."""
    begin = time.perf_counter()
    assert matcher(pattern)("a" * 20_000) is False
    assert time.perf_counter() - begin < 5


def test_an_endless_pattern_matches_nothing() -> None:
    """Beyond the limit a pattern is not even compiled."""
    assert matcher("*" * 5_000)("x") is False
