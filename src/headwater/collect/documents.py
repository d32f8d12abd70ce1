"""Read a request body as one JSON document, exactly: nothing in it is lost without a word."""

from __future__ import annotations

from typing import Any, NamedTuple

from headwater import jsontext
from headwater.collect.body import read_body
from headwater.collect.duplicate_keys import DuplicateKey, find_duplicate_keys, may_repeat_keys, path_text
from headwater.collect.request import Request
from headwater.errors import InputError


class Document(NamedTuple):
    """A decoded body, with the keys that its text holds twice (of which only the last value was decoded)."""

    value: Any
    repeated: list[DuplicateKey]


def decode_document(text: bytes) -> Document:
    """Decode a body. Raises InputError for what is empty or no JSON."""
    if not text or text.isspace():
        raise InputError("the body is empty; send JSON", code="empty_body")
    value = jsontext.decode(text)
    return Document(value, _repeated_keys(text, value))


def _repeated_keys(text: bytes, value: Any) -> list[DuplicateKey]:
    try:
        encoded = jsontext.encode(value)
    except InputError:  # nested too deeply to be written, which is for the event's own check to say
        return find_duplicate_keys(text)
    return find_duplicate_keys(text) if may_repeat_keys(text, encoded) else []


def repeated_key_error(repeated: DuplicateKey) -> InputError:
    """The error that names the key and where it is."""
    message = f"the key {repeated.key!r} stands twice in the same object; send it once"
    return InputError(message, path_text(repeated.path), "duplicate_key")


async def read_document(request: Request, limit: int) -> Document:
    """Read and decode a body of at most `limit` unpacked bytes."""
    return decode_document(await read_body(request, limit))


async def read_object(request: Request, limit: int) -> dict[str, Any]:
    """Read a body that must be one JSON object without repeated keys. Raises InputError."""
    document = await read_document(request, limit)
    if document.repeated:
        raise repeated_key_error(document.repeated[0])
    return as_object(document.value)


def as_object(value: Any) -> dict[str, Any]:
    """`value`, which must be a JSON object. Raises InputError."""
    if not isinstance(value, dict):
        raise InputError("the body must be a JSON object", code="invalid_body")
    return value
