"""What of a record becomes which column.

The customer's data and our metadata are kept as the bytes that the log has; the other columns repeat parts of them, so that
a question about types, names or people need not read JSON.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import NamedTuple

import msgspec

from headwater.errors import InputError
from headwater.events import RecordMeta
from headwater.log.consumer import Delivered


class Row(NamedTuple):
    """One record, in the order of the columns of a file. Times are UTC; `event_time` is what the sender says."""

    sequence: int
    stored_at: datetime
    kind: str
    source: str
    message_id: str
    user_key: str
    received_at: datetime
    event_time: datetime | None
    type: str | None
    name: str | None
    user_id: str | None
    anonymous_id: str | None
    data: bytes
    meta: bytes


class _Envelope(msgspec.Struct, frozen=True, gc=False):
    meta: msgspec.Raw
    data: msgspec.Raw


class _Head(msgspec.Struct, frozen=True, gc=False, rename="camel"):
    """The fields of the tracking specification that have columns; a stream record has none of them, or others."""

    type: msgspec.Raw = msgspec.Raw()
    event: msgspec.Raw = msgspec.Raw()
    name: msgspec.Raw = msgspec.Raw()
    timestamp: msgspec.Raw = msgspec.Raw()
    user_id: msgspec.Raw = msgspec.Raw()
    anonymous_id: msgspec.Raw = msgspec.Raw()


_decode_envelope = msgspec.json.Decoder(_Envelope).decode
_decode_meta = msgspec.json.Decoder(RecordMeta).decode
_decode_head = msgspec.json.Decoder(_Head).decode
_decode_text = msgspec.json.Decoder(str).decode


def row_of(message: Delivered) -> Row:
    """The row of a message of the log. Raises InputError when its payload is no record."""
    try:
        envelope = _decode_envelope(message.payload)
        meta, head = _decode_meta(envelope.meta), _decode_head(envelope.data)
        stored_at = datetime.fromtimestamp(message.stored_at, UTC)
        event = _text(head.event)
        return Row(
            sequence=message.sequence,
            stored_at=stored_at,
            kind=meta.kind,
            source=meta.source,
            message_id=meta.message_id,
            user_key=meta.user_key,
            received_at=_moment(meta.received_at) or stored_at,
            event_time=_moment(_text(head.timestamp)),
            type=_text(head.type),
            name=_text(head.name) if event is None else event,
            user_id=_text(head.user_id),
            anonymous_id=_text(head.anonymous_id),
            data=bytes(envelope.data),
            meta=bytes(envelope.meta),
        )
    except (msgspec.DecodeError, UnicodeDecodeError) as fault:
        raise InputError(f"entry {message.sequence} of the log is no record: {fault}") from None


def payload_of(meta: bytes, data: bytes) -> bytes:
    """The bytes of the record as the log has them: what `row_of` took apart."""
    return b'{"meta":' + meta + b',"data":' + data + b"}"


def _text(value: msgspec.Raw) -> str | None:
    """A JSON text as text; anything else has no place in a column of texts, and half of a surrogate pair neither."""
    try:
        return _decode_text(value) if bytes(value).startswith(b'"') else None
    except msgspec.DecodeError:
        return None


def _moment(text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    try:
        return moment.astimezone(UTC) if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
    except OverflowError:  # the first or last hours of the calendar, in another zone
        return None
