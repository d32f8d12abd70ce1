"""Which values may say who a person is, and which never do."""

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.profiles.blocked_values import (
    WORDS,
    BlockRules,
    built_in_rule,
    comparison_form,
    compile_block_rules,
)
from headwater.profiles.identifiers import (
    IDENTIFIER_LIMIT_BYTES,
    Identifier,
    InvalidIdentifierError,
    doubts,
    identifier_text,
)

block = compile_block_rules(BlockRules(), "user_id")


@pytest.mark.parametrize(
    ("value", "form", "expected"),
    [
        (7, "text", "7"),
        (" u-1 ", "text", "u-1"),
        ("Jane.Doe+shop@Example.COM", "email", "jane.doe+shop@example.com"),
        ("a@b", "email", "a@b"),
        ("jörg@bücher.example", "email", "jörg@bücher.example"),
        ("+1 (202) 555-0147", "phone", "+12025550147"),
        ("A" * 64, "sha256", "a" * 64),
    ],
)
def test_a_value_gets_the_spelling_of_its_type(value, form, expected):
    """One person's value has one spelling, so that it joins."""
    assert identifier_text(value, form) == expected


def test_a_local_phone_number_needs_a_country():
    """Numbers without a country code are read where the schema says people are, or not at all."""
    assert identifier_text("020 7946 0018", "phone", "GB") == "+442079460018"
    with pytest.raises(InvalidIdentifierError, match="country code"):
        identifier_text("020 7946 0018", "phone")


@pytest.mark.parametrize(
    ("value", "form", "reason"),
    [
        (True, "text", "not a string"),
        (1.5, "text", "not a string"),
        ({"id": 1}, "text", "not a string"),
        ("a\0b", "text", "a control character"),
        ("é" * 129, "text", f"longer than {IDENTIFIER_LIMIT_BYTES} bytes"),
        ("jane", "email", "not an e-mail address"),
        ("a@b.example, c@d.example", "email", "not an e-mail address"),
        ("a..b@shop.example", "email", "not an e-mail address"),
        ("+10000000000", "phone", "not a phone number that exists"),
        ("abc", "sha256", "not a sha256 digest in hexadecimal"),
    ],
)
def test_what_is_no_identifier_is_refused_never_cut(value, form, reason):
    """A refusal says why; a shortened or guessed identifier would join strangers."""
    with pytest.raises(InvalidIdentifierError) as refusal:
        identifier_text(value, form)
    assert str(refusal.value) == reason


def test_people_use_dots_and_tags_for_different_mailboxes():
    """Addresses that differ in a dot or a tag stay two."""
    spellings = {identifier_text(text, "email") for text in ("jane.doe@x.io", "janedoe@x.io", "jane.doe+a@x.io")}
    assert len(spellings) == 3


@pytest.mark.parametrize(
    ("value", "rule"),
    [
        ("null", "word"),
        (' "NULL" ', "word"),
        ("'\"undefined\"'", "word"),
        ("nAn", "word"),
        ("\u200banonymous\ufeff", "word"),
        ("ｎｕｌｌ", "word"),
        ("(Not Set)", "word"),
        ("  ", "empty"),
        ("''", "empty"),
        ("0", "number"),
        ("-1", "number"),
        ("00000000-0000-0000-0000-000000000000", "only zeros"),
        ("----", "only zeros"),
        ("FFFFFFFF-FFFF-FFFF-FFFF-FFFFFFFFFFFF", "known constant"),
        ("9774d56d682e549c", "known constant"),
        ("[object Object]", "serialised object"),
        ("function(){return id}", "serialised object"),
        ("{{ user.id }}", "unexpanded template"),
        ("${userId}", "unexpanded template"),
        ("%%EMAIL%%", "unexpanded template"),
        ("*|EMAIL|*", "unexpanded template"),
        (hashlib.sha256(b"").hexdigest(), "digest of a blocked value"),
        (hashlib.sha1(b"null", usedforsecurity=False).hexdigest().upper(), "digest of a blocked value"),
    ],
)
def test_junk_never_identifies(value, rule):
    """What SDKs and developers send in place of an id is blocked in every spelling, by default."""
    assert block(value) == rule


@pytest.mark.parametrize("value", ["nulla", "test1", "1", "10", "guest-5", "id-0", "functional", "u$1", "{x}"])
def test_real_values_that_look_like_junk_pass(value):
    """Blocking compares whole values."""
    assert block(value) is None


@given(st.sampled_from(sorted(WORDS)), st.sampled_from(["", " ", "'", '"', "`", "\u200b"]), st.booleans())
def test_dress_does_not_save_a_blocked_word(word, around, upper):
    """Quotes, blanks, invisible characters and case make no difference."""
    dressed = f"{around}{word.upper() if upper else word}{around}"
    assert block(dressed) is not None


@given(st.text())
def test_the_comparison_form_is_stable(text):
    """Comparing twice gives the same answer as comparing once, so a rule written in any spelling works."""
    form = comparison_form(text)
    assert built_in_rule(comparison_form(form)) == built_in_rule(form) or comparison_form(form) != form


def test_a_company_adds_values_and_patterns_and_exempts_others():
    """A shop's own junk is blocked for the types it names; its first customer may be number 0."""
    rules = BlockRules(
        values={"email": ("Nobody@shop.example",), "*": ("walk-in",)},
        patterns={"user_id": ("demo-*",)},
        exempt={"user_id": ("0",)},
    )
    user, email = (compile_block_rules(rules, name) for name in ("user_id", "email"))
    assert user("0") is None
    assert email("0") == "number"
    assert user("DEMO-17") == "own pattern demo-*"
    assert email("demo-17") is None
    assert email("nobody@SHOP.example") == "own list"
    assert user("Walk-In") == "own list"


@pytest.mark.parametrize(
    ("identifier", "form", "reason"),
    [
        (Identifier("email", "info@firm.io"), "email", "a mailbox of a role, not of a person"),
        (Identifier("email", "jane@example.com"), "email", "a placeholder domain"),
        (Identifier("email", "jane@mailinator.com"), "email", "a disposable mailbox"),
        (Identifier("user_id", "17"), "text", "a short number"),
    ],
)
def test_doubtful_identifiers_are_flagged_not_blocked(identifier, form, reason):
    """They are real in some companies: a person sees them, and they join."""
    assert doubts(identifier, form) == (reason,)
    assert block(identifier.value) is None


def test_an_ordinary_identifier_raises_no_doubt():
    """The flag means something only if most identifiers do not have it."""
    assert doubts(Identifier("email", "jane@firm.io"), "email") == ()
    assert doubts(Identifier("user_id", "u-17"), "text") == ()
