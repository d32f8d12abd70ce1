"""Identifiers: which values of an event may say who a person is, and in which spelling.

A value that cannot be an identifier stays in the event; it only never joins anything. The refusal is a value with its
reason, and whoever applies events counts it.
"""

from __future__ import annotations

import re
from typing import Any, Literal, NamedTuple

import phonenumbers

IDENTIFIER_LIMIT_BYTES = 256
"""Longest identifier value, the limit of Lytics as well. A longer one is refused, never cut."""

_SHORT = IDENTIFIER_LIMIT_BYTES // 4
"""Characters that fit into the limit whatever they are."""

IDENTIFIERS_PER_EVENT = 20
"""Most identifiers that one event may carry; the strongest stay."""

Form = Literal["text", "email", "phone", "md5", "sha1", "sha256", "sha512"]
"""How values of an identifier type are spelled."""

HASH_LENGTHS: dict[str, int] = {"md5": 32, "sha1": 40, "sha256": 64, "sha512": 128}

FORMS: tuple[Form, ...] = ("text", "email", "phone", "md5", "sha1", "sha256", "sha512")

# RFC 5322 dot-atoms with the letters of RFC 6531. Quoted local parts are legal and never real: they are refused.
_LOCAL_PART = re.compile(r"[\w!#$%&'*+/=?^`{|}~-]+(?:\.[\w!#$%&'*+/=?^`{|}~-]+)*")
_DOMAIN = re.compile(r"[^\W_](?:[\w-]*[^\W_])?(?:\.[^\W_](?:[\w-]*[^\W_])?)*")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")

_ROLE_MAILBOXES = frozenset(
    [
        "admin",
        "billing",
        "contact",
        "hello",
        "help",
        "info",
        "mail",
        "marketing",
        "no-reply",
        "noreply",
        "office",
        "sales",
        "service",
        "support",
        "team",
        "webmaster",
    ]
)
_PLACEHOLDER_DOMAINS = frozenset({"example.com", "example.net", "example.org", "test.com", "domain.com", "email.com"})
_DISPOSABLE_DOMAINS = frozenset(
    [
        "10minutemail.com",
        "guerrillamail.com",
        "mailinator.com",
        "sharklasers.com",
        "temp-mail.org",
        "trashmail.com",
        "yopmail.com",
    ]
)
_SHORT_NUMBER_DIGITS = 4


class Identifier(NamedTuple):
    """A value that says who somebody is: the field that holds it, and its text."""

    type: str
    value: str


class InvalidIdentifierError(ValueError):
    """A value that cannot be an identifier of its type. The message is the reason, short enough to count by."""


def identifier_text(value: Any, form: Form = "text", region: str = "") -> str:
    """The spelling under which a value identifies.

    `region` is the country (ISO 3166, "GB") in which phone numbers without a country code are read; "" refuses them.
    Raises InvalidIdentifierError.
    """
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise InvalidIdentifierError("not a string")
    text = str(value).strip()
    if not (text.isascii() and text.isprintable()) and _CONTROL.search(text):
        raise InvalidIdentifierError("a control character")
    if len(text) > _SHORT and len(text.encode("utf-8", "surrogatepass")) > IDENTIFIER_LIMIT_BYTES:
        raise InvalidIdentifierError(f"longer than {IDENTIFIER_LIMIT_BYTES} bytes")
    if form == "text":
        return text
    if form == "email":
        return _email(text)
    return _phone(text, region) if form == "phone" else _hash(text, form)


def _email(text: str) -> str:
    local, _, domain = text.lower().rpartition("@")
    if not (_LOCAL_PART.fullmatch(local) and _DOMAIN.fullmatch(domain)):
        raise InvalidIdentifierError("not an e-mail address")
    return f"{local}@{domain}"


def _phone(text: str, region: str) -> str:
    try:
        number = phonenumbers.parse(text, region or None)
    except phonenumbers.NumberParseException:
        raise InvalidIdentifierError("not a phone number with its country code") from None
    if not phonenumbers.is_valid_number(number):
        raise InvalidIdentifierError("not a phone number that exists")
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def _hash(text: str, form: str) -> str:
    digest = text.lower()
    if len(digest) != HASH_LENGTHS[form] or not all(sign in "0123456789abcdef" for sign in digest):
        raise InvalidIdentifierError(f"not a {form} digest in hexadecimal")
    return digest


def doubts(identifier: Identifier, form: Form) -> tuple[str, ...]:
    """What makes an identifier that is accepted worth a look: it may be real, and it may tie strangers together."""
    if form == "email":
        local, _, domain = identifier.value.partition("@")
        found = (
            ("a mailbox of a role, not of a person", local.partition("+")[0] in _ROLE_MAILBOXES),
            (
                "a placeholder domain",
                domain in _PLACEHOLDER_DOMAINS or domain.endswith((".test", ".invalid", ".example")),
            ),
            ("a disposable mailbox", domain in _DISPOSABLE_DOMAINS),
        )
        return tuple(reason for reason, applies in found if applies)
    short = identifier.value.isdigit() and len(identifier.value) <= _SHORT_NUMBER_DIGITS
    return ("a short number",) if short and form == "text" else ()
