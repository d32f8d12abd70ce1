"""The query parameters of an upload (Lytics collect API)."""

from __future__ import annotations

from typing import Any, NamedTuple

from headwater.collect.documents import as_object, decode_document
from headwater.collect.request import Request
from headwater.errors import InputError

IDEMPOTENCY_KEY_LIMIT = 255

_TRUE = frozenset({"", "true", "t", "1", "yes"})
_FALSE = frozenset({"false", "f", "0", "no"})
_TAB = frozenset({"t", "\t", "\\t", "tab"})


class UploadOptions(NamedTuple):
    """What the sender of an upload asked for.

    `dryrun` parses and counts only. `headers`, `delimiter` and `appended` are for CSV. `droperrors` skips bad rows of a
    bulk upload instead of stopping at the first one. `idempotency_key` names the upload, so that sending it again
    counts once.
    """

    dryrun: bool
    timestamp_field: str
    filename: str
    headers: tuple[str, ...]
    delimiter: str
    appended: dict[str, Any]
    droperrors: bool
    idempotency_key: str


def upload_options(request: Request) -> UploadOptions:
    """Read the parameters. Raises InputError that names the one that is not understood."""
    named = dict(reversed(request.query_pairs()))
    headers = named.get("headers", "")
    return UploadOptions(
        dryrun=_flag(named, "dryrun"),
        timestamp_field=named.get("timestamp_field", ""),
        filename=named.get("filename", ""),
        headers=tuple(headers.split(",")) if headers else (),
        delimiter=_delimiter(named.get("delimiter", ",")),
        appended=_appended(named.get("append", "")),
        droperrors=_flag(named, "droperrors"),
        idempotency_key=_idempotency_key(request.header(b"idempotency-key")),
    )


def _flag(named: dict[str, str], name: str) -> bool:
    value = named.get(name, "false").lower()
    if value in _TRUE or value in _FALSE:
        return value in _TRUE
    raise InputError("must be true or false", name, "invalid_parameter")


def _delimiter(text: str) -> str:
    if text in _TAB:
        return "\t"
    if len(text) != 1 or text in '"\r\n':
        raise InputError("must be one character, or t for a tab", "delimiter", "invalid_parameter")
    return text


def _appended(text: str) -> dict[str, Any]:
    if not text:
        return {}
    try:
        return as_object(decode_document(text.encode("utf-8", "surrogatepass")).value)
    except InputError:
        raise InputError("must be a JSON object", "append", "invalid_parameter") from None


def _idempotency_key(key: str) -> str:
    if len(key) > IDEMPOTENCY_KEY_LIMIT:
        raise InputError(f"is longer than {IDEMPOTENCY_KEY_LIMIT} characters", "Idempotency-Key", "invalid_parameter")
    return key
