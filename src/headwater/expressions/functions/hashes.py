"""Functions that hash, encode and make identifiers, and the query into JSON texts."""

from __future__ import annotations

import base64
import binascii
import hashlib
import uuid
from collections.abc import Callable

import jmespath
import jmespath.exceptions
from siphash24 import siphash24

from headwater import jsontext
from headwater.errors import InputError
from headwater.expressions.context import Context
from headwater.expressions.functions.registry import Example, Function, function, literal_text
from headwater.expressions.tree import Node
from headwater.expressions.values import NOTHING, Value, from_field, is_empty, one_text, to_text

_SIP_KEY = (0).to_bytes(8, "little") + (1).to_bytes(8, "little")
_INT64_SIGN = 2**63


@function("hash.sip", "int", Example('hash.sip("hello")', -8380129865243219425), Example("hash.sip(5)", NOTHING),
          aliases=("hash",))  # fmt: skip
def sip(_context: Context, x: Value) -> Value:
    """SipHash-2-4 of a text with the fixed key (0, 1), as a signed 64-bit integer. Numbers have none."""
    text = one_text(x) if isinstance(x, str | list | tuple) else None
    if not text:
        return NOTHING
    unsigned = int.from_bytes(siphash24(text.encode(), key=_SIP_KEY).digest(), "little")
    return unsigned - 2 * _INT64_SIGN if unsigned >= _INT64_SIGN else unsigned


def _hexdigest(x: Value, make: Callable[[bytes], hashlib._Hash]) -> Value:
    return NOTHING if is_empty(x) or isinstance(x, dict) else make(to_text(x).encode()).hexdigest()


@function("hash.md5", "string", Example('hash.md5("hello")', "5d41402abc4b2a76b9719d911017c592"))
def md5(_context: Context, x: Value) -> Value:
    """MD5 of the value's text in lower-case hexadecimal."""
    return _hexdigest(x, lambda content: hashlib.md5(content, usedforsecurity=False))


@function("hash.sha1", "string", Example('hash.sha1("hello")', "aaf4c61ddcc5e8a2dabede0f3b482cd9aea9434d"))
def sha1(_context: Context, x: Value) -> Value:
    """SHA-1 of the value's text in lower-case hexadecimal."""
    return _hexdigest(x, lambda content: hashlib.sha1(content, usedforsecurity=False))


@function("hash.sha256", "string",
          Example('hash.sha256("hello")', "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"))  # fmt: skip
def sha256(_context: Context, x: Value) -> Value:
    """SHA-256 of the value's text in lower-case hexadecimal."""
    return _hexdigest(x, hashlib.sha256)


@function("hash.sha512", "string", Example('len(hash.sha512("hello"))', 128))
def sha512(_context: Context, x: Value) -> Value:
    """SHA-512 of the value's text in lower-case hexadecimal."""
    return _hexdigest(x, hashlib.sha512)


@function("encoding.b64encode", "string", Example('encoding.b64encode("hello world")', "aGVsbG8gd29ybGQ="))
def b64encode(_context: Context, x: Value) -> Value:
    """The value's text in Base64, standard alphabet, padded."""
    return NOTHING if is_empty(x) or isinstance(x, dict) else base64.b64encode(to_text(x).encode()).decode()


@function("encoding.b64decode", "string", Example('encoding.b64decode("aGVsbG8=")', "hello"),
          Example('encoding.b64decode("xx")', NOTHING))  # fmt: skip
def b64decode(_context: Context, x: Value) -> Value:
    """The text behind Base64, standard alphabet, padding required."""
    if is_empty(x) or isinstance(x, dict):
        return NOTHING
    try:
        return base64.b64decode(to_text(x), validate=True).decode(errors="replace")
    except (binascii.Error, ValueError):
        return NOTHING


@function("uuid", "string", Example("len(uuid())", 36))
def uuid_(_context: Context) -> Value:
    """A random identifier (UUID version 4)."""
    return str(uuid.uuid4())


def _check_query(args: tuple[Node, ...]) -> str | None:
    query = literal_text(args[1])
    if not query:
        return 'the query must be written as a text, like "items[0].name"'
    try:
        jmespath.compile(query)
    except (jmespath.exceptions.JMESPathError, RecursionError) as fault:
        return f"the query is not JMESPath: {fault}"
    return None


@function("json.jmespath", "any", Example('json.jmespath(order, "items[0].id")', 7, {"order": '{"items":[{"id":7}]}'}),
          Example('json.jmespath(order, "nope")', None, {"order": "{}"}), check=_check_query)  # fmt: skip
def jmespath_(_context: Context, x: Value, query: Value) -> Value:
    """What a JMESPath query finds in a JSON text. The query is checked when the expression is read; no hit gives nil."""
    text = one_text(x)
    if not text:
        return NOTHING
    try:
        found = jmespath.search(query, jsontext.decode(text.encode()))
    except (InputError, jmespath.exceptions.JMESPathError, RecursionError):
        return NOTHING
    return from_field(found)


FUNCTIONS: tuple[Function, ...] = (sip, md5, sha1, sha256, sha512, b64encode, b64decode, uuid_, jmespath_)
