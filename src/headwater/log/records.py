"""How a record is addressed in the log.

Subjects: `hw.event.<pipeline id>.<partition>` and `hw.stream.<stream name>.<partition>`. Both live in one JetStream
stream, so that one group commit covers whatever is in flight, and the log has one order.
"""

from __future__ import annotations

import base64
import hashlib
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import quote

from headwater.events import RecordKind, RecordMeta, encode_record, partition_of

SUBJECT_ROOT = "hw"


class EncodedRecord(NamedTuple):
    """A record ready for the log: where it goes, what makes it a duplicate, and its bytes."""

    subject: str
    dedup_id: str
    payload: bytes


def encode_event(pipeline_id: str, meta: RecordMeta, data: bytes, partitions: int) -> EncodedRecord:
    """Address an event of a pipeline; `data` is the event's JSON text."""
    return _encode("event", pipeline_id, meta, data, partitions)


def encode_stream_record(stream: str, meta: RecordMeta, data: bytes, partitions: int) -> EncodedRecord:
    """Address a record of a Lytics stream; `data` is the record's JSON text."""
    return _encode("stream", stream, meta, data, partitions)


def _encode(kind: RecordKind, source: str, meta: RecordMeta, data: bytes, partitions: int) -> EncodedRecord:
    partition = partition_of(meta.user_key, partitions)
    return EncodedRecord(
        subject=f"{SUBJECT_ROOT}.{kind}.{subject_token(source)}.{partition}",
        dedup_id=dedup_id(kind, source, meta.message_id),
        payload=encode_record(meta, data),
    )


def pipeline_of(record: EncodedRecord) -> str:
    """The id of the pipeline that an event came in by; "" for a record of a stream."""
    _, kind, source, _ = record.subject.split(".")
    return source if kind == "event" else ""


@lru_cache(maxsize=4096)
def subject_token(name: str) -> str:
    """`name` as one token of a NATS subject: dots, blanks, wildcards and control characters percent-encoded."""
    return quote(name, safe="").replace(".", "%2E")


def subject_filter(kind: RecordKind, source: str, partition: int | None = None) -> str:
    """The subject filter for one source, of one partition or of all."""
    return f"{SUBJECT_ROOT}.{kind}.{subject_token(source)}.{'*' if partition is None else partition}"


def dedup_id(kind: RecordKind, source: str, message_id: str) -> str:
    """A short stand-in for (kind, source, message id): the server keeps one for every record of the window in memory."""
    digest = hashlib.blake2b(
        f"{kind}\0{source}\0{message_id}".encode("utf-8", "surrogatepass"), digest_size=16
    ).digest()
    return base64.urlsafe_b64encode(digest)[:22].decode("ascii")
