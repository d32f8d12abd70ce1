"""Replies, lists and bodies as the two Lytics APIs have them."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from typing import Any

import msgspec
from litestar.datastructures import MultiDict

from headwater import jsontext
from headwater.errors import InputError

TABLE = "user"
"""The one table that has profiles."""
BODY_TEXT_LIMIT = 1024 * 1024
"""Longest LQL or CSV text, in bytes."""


def first_reply(data: Any, *, message: str = "success", status: int = 200, **more: Any) -> dict[str, Any]:
    """The envelope of the first API; `more` stands beside the data (`meta`, `_next`, `total`)."""
    return {"data": data, "status": status, "message": message, **more}


def second_reply(data: Any, *, message: str = "success", status: int = 200, **more: Any) -> dict[str, Any]:
    """The envelope of the second API; `more` goes into `_meta`."""
    return {"data": data, "status": status, "message": message, "request_id": uuid.uuid4().hex, "_meta": more}


def require_table(table: str) -> None:
    """Raise InputError with the code "not_found" for a table that is not there."""
    if table != TABLE:
        raise InputError(f"there is no table {table!r}; profiles are in {TABLE!r}", "table", "not_found")


def listed(query: MultiDict[Any], name: str) -> list[str]:
    """The values of a list parameter, written `ids=1,2`, `ids=[1,2]`, `ids=1&ids=2` or `ids[]=1&ids[]=2`."""
    values: list[str] = []
    for text in (*query.getall(name, []), *query.getall(f"{name}[]", [])):
        bare = text.strip()
        bare = bare[1:-1] if bare.startswith("[") and bare.endswith("]") else bare
        values += [item.strip().strip('"') for item in bare.split(",")]
    return [value for value in values if value]


def text_of(body: bytes) -> str:
    """A body as text. Raises InputError for one that is empty, too long or not UTF-8."""
    if len(body) > BODY_TEXT_LIMIT:
        raise InputError(f"larger than {BODY_TEXT_LIMIT} bytes", "body")
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise InputError("not UTF-8 text", "body") from None
    if not text.strip() or "\0" in text:
        raise InputError("empty, or with a NUL", "body")
    return text


def object_of(body: bytes, names: Iterable[str], *, other_names: dict[str, str] | None = None) -> dict[str, Any]:
    """A JSON object with the keys that are known, in whatever case and with or without `_`: `IsIdentifier` is `is_identifier`.

    Raises InputError for a body that is no object, and for an unknown or repeated key.
    """
    document = jsontext.decode(body)
    if not isinstance(document, dict):
        raise InputError("expected a JSON object", "body")
    known = {_bare(name): name for name in names} | {_bare(name): to for name, to in (other_names or {}).items()}
    found: dict[str, Any] = {}
    for key, value in document.items():
        name = known.get(_bare(key))
        if name is None:
            raise InputError(f"unknown key; known are {', '.join(sorted(set(known.values())))}", key)
        if name in found:
            raise InputError(f"given twice, as {name} and in another spelling", key)
        found[name] = value
    return found


def _bare(name: str) -> str:
    return name.replace("_", "").lower()


def converted(document: Any, kind: Any, place: str = "") -> Any:
    """A JSON value as a value of a type. Raises InputError that names the key."""
    try:
        return msgspec.convert(document, kind)
    except msgspec.ValidationError as fault:
        reason, _, tail = str(fault).partition(" - at `$")
        path = tail.rstrip("`").strip(".")
        raise InputError(reason[:1].lower() + reason[1:], ".".join(filter(None, (place, path)))) from None
