"""What is in the log: a record with its metadata, and how it is written as bytes.

A *record* is one log entry. Its `data` is either an **event** (Segment's analytics.js shape, from a tracking SDK) or a
**stream record** (a flat or nested object from a Lytics door). Metadata is kept beside the data, never inside it, so
that `return input` in a playbook sends what the customer sent and nothing of ours.

On disk a record is one JSON object: `{"meta": {…}, "data": {…}}`.
"""

from __future__ import annotations

import zlib
from typing import Any, Literal

import msgspec

from headwater import jsontext
from headwater.errors import InputError

RecordKind = Literal["event", "stream"]


class RecordMeta(msgspec.Struct, frozen=True, omit_defaults=True):
    """What Headwater knows about a record apart from its content.

    `kind`        "event" from a tracking door, "stream" from a Lytics door
    `source`      id of the pipeline (kind "event") or name of the stream (kind "stream")
    `message_id`  the sender's or our id; unique in the source
    `user_key`    the text that decides the partition: userId, else anonymousId, else the message id
    `received_at` RFC 3339 UTC with milliseconds, the collector's clock
    `request_ip`  address of the peer (or of the client behind a trusted proxy), never client-claimed
    `flags`       short notes of what was corrected on arrival ("timestamp_unparsable", "future_timestamp", …)
    """

    kind: RecordKind
    source: str
    message_id: str
    user_key: str
    received_at: str
    request_ip: str = ""
    flags: tuple[str, ...] = ()


class Record(msgspec.Struct, frozen=True):
    """One entry of the log: metadata and the customer's data, exactly as it came."""

    meta: RecordMeta
    data: dict[str, Any]


_encode_meta = msgspec.json.Encoder().encode


def encode_record(meta: RecordMeta, data: bytes) -> bytes:
    """The bytes that go into the log; `data` is the JSON text of an object."""
    return b'{"meta":' + _encode_meta(meta) + b',"data":' + data + b"}"


def decode_record(payload: bytes) -> Record:
    """The inverse of `encode_record`. Numbers keep their precision. Raises InputError for bytes that are no record."""
    document = jsontext.decode(payload)
    try:
        return Record(meta=msgspec.convert(document["meta"], RecordMeta), data=document["data"])
    except (KeyError, TypeError, msgspec.ValidationError) as fault:
        raise InputError(f"these bytes are no record of the log ({fault})", "record") from None


def partition_of(user_key: str, partitions: int) -> int:
    """The partition of a user: stable for ever for a given number of partitions."""
    return zlib.crc32(user_key.encode("utf-8", "surrogatepass")) % partitions
