"""From records of the log to a batch of effects. Pure, and never stopped by a record: what cannot be used is counted."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple

from headwater.errors import InputError
from headwater.events import Record, decode_record
from headwater.profiles.compiled_schema import CompiledSchema
from headwater.profiles.drop_counts import DropCount, DropKey, merge_drop_counts
from headwater.profiles.effects import EXAMPLE_LENGTH
from headwater.profiles.observed_fields import ObservedFields
from headwater.profiles.store.batch import Arrival
from headwater.profiles.targets import Target

NAME_KEYS = ("event", "_e", "type")
"""Keys of a flat record that tell what happened, for the timeline; the first that has a text counts."""

NAME_LIMIT = 200


class LogRecord(NamedTuple):
    """A record as the log hands it out; `stored_at` in seconds since 1970."""

    sequence: int
    partition: int
    stored_at: float
    payload: bytes


class Preparation(NamedTuple):
    """Effects in log order, and what was dropped before there was an effect."""

    arrivals: list[Arrival]
    drops: dict[DropKey, DropCount]


class Preparer:
    """Turns records into effects under one schema and one set of attached pipelines. Not to be used by two threads at once."""

    def __init__(
        self,
        schema: CompiledSchema,
        targets: Mapping[str, tuple[Target, ...]],
        observed: ObservedFields | None = None,
    ) -> None:
        """`observed` notes which keys records have; what is read again, for a rebuild, was noted before."""
        self._schema = schema
        self._targets = targets
        self._observed = observed

    def prepare(self, records: Iterable[LogRecord]) -> Preparation:
        """Everything that these records do to profiles."""
        found = Preparation([], {})
        for record in records:
            try:
                found.arrivals.extend(self._arrivals(record, found.drops))
            except InputError as fault:
                _drop(found.drops, record, DropKey("record", "", "not a record"), fault.message)
            except Exception as fault:  # one record must never stop those behind it
                _drop(found.drops, record, DropKey("record", "", f"fault: {type(fault).__name__}"), str(fault))
        return found

    def _arrivals(self, logged: LogRecord, drops: dict[DropKey, DropCount]) -> list[Arrival]:
        record = decode_record(logged.payload)
        if record.meta.kind == "stream":
            return [self._arrival(logged, record, record.meta.source, flattened(record.data), record.meta.message_id)]
        arrivals: list[Arrival] = []
        for target in self._targets.get(record.meta.source, ()):
            if logged.stored_at < target.since.timestamp():
                continue
            shaped = target.shape(record.data)
            if shaped.dropped is not None:
                _drop(drops, logged, DropKey("event", "", shaped.dropped), record.meta.message_id)
            for number, flat in enumerate(shaped.records):
                message = f"{record.meta.message_id}#{number}" if number else record.meta.message_id
                arrivals.append(self._arrival(logged, record, shaped.stream, flat, message))
        return arrivals

    def _arrival(
        self, logged: LogRecord, record: Record, stream: str, flat: Mapping[str, Any], message_id: str
    ) -> Arrival:
        received = _received(record.meta.received_at, logged.stored_at)
        effect = self._schema.effect(flat, stream, received, message_id)
        if self._observed is not None:
            self._observed.note(stream, flat, effect.received)
        return Arrival(logged.sequence, name_of(flat), effect)


def _received(text: str, stored_at: float) -> datetime:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return datetime.fromtimestamp(stored_at, UTC)


def name_of(record: Mapping[str, Any]) -> str:
    """What a timeline calls a flat record."""
    for key in NAME_KEYS:
        value = record.get(key)
        if isinstance(value, str) and value:
            return value[:NAME_LIMIT]
    return ""


def flattened(record: Mapping[str, Any]) -> Mapping[str, Any]:
    """A record of a stream with dotted names for what is inside objects (Lytics collect API); lists stay."""
    if not any(isinstance(value, dict) for value in record.values()):
        return record
    return dict(_flat(record, ""))


def _flat(record: Mapping[str, Any], prefix: str) -> Iterator[tuple[str, Any]]:
    for key, value in record.items():
        if isinstance(value, dict) and value:
            yield from _flat(value, f"{prefix}{key}.")
        else:
            yield prefix + key, value


def _drop(drops: dict[DropKey, DropCount], record: LogRecord, key: DropKey, example: str) -> None:
    more = {key: DropCount(1, str(record.sequence), example[:EXAMPLE_LENGTH])}
    merged = merge_drop_counts(drops, more)
    drops.update(merged)
