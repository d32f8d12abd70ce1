"""By what a record, or a copy of one, is known to be of a person who is being deleted. Pure.

Profiles know their records by number. Some records no profile knows: events of pipelines that are attached to no profiles, repeated
deliveries, our own events about the person. An event is the person's if the strongest of what it says about its sender is an
identifier of the person; a record of a stream, if the schema gives it to one. That somebody else's record mentions the person
is not enough: nobody loses records by the deletion of another.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any, Literal, NamedTuple
from urllib.parse import unquote
from uuid import UUID

from headwater.events import Record, encode_record
from headwater.jsontext import encode
from headwater.profiles.blocked_values import built_in_rule, comparison_form
from headwater.profiles.compiled_schema import CompiledSchema
from headwater.profiles.identifiers import Identifier, InvalidIdentifierError, identifier_text
from headwater.profiles.preparation import LogRecord, Preparer, flattened

TraceKind = Literal["identifier", "profile", "message"]

PLACES = (
    ("userId",),
    ("traits", "email"),
    ("context", "traits", "email"),
    ("properties", "email"),
    ("traits", "phone"),
    ("context", "traits", "phone"),
    ("context", "device", "id"),
    ("context", "device", "advertisingId"),
    ("anonymousId",),
)
"""Where the tracking specification lets an event say whose it is, strongest first."""

TELLING_LENGTH = 6
"""A shorter value, such as a number in sequence, counts in a text only where it stands alone in quotes."""

_WORD = re.compile(r"[^\s\"'\\<>,;:(){}\[\]=&?/|]+")


class Trace(NamedTuple):
    """One thing to look for: an identifier with its type, an id that the profile had, or an event of our own by its message id."""

    erasure: UUID
    kind: TraceKind
    type: str
    value: str


class Erasing(NamedTuple):
    """A deletion under way; what came in after `until_sequence`, or after `requested_at`, is of a new person."""

    id: UUID
    until_sequence: int
    requested_at: datetime


class Traces:
    """What several deletions look for. `schema` is that of the live profiles. Not to be used by two threads at once."""

    def __init__(self, erasing: Iterable[Erasing], traces: Iterable[Trace], schema: CompiledSchema) -> None:
        self._erasing = {each.id: each for each in erasing}
        self._identifiers: dict[Identifier, UUID] = {}
        self._values: dict[str, UUID] = {}
        self._profiles: dict[str, UUID] = {}
        self._messages: dict[str, UUID] = {}
        for trace in traces:
            self._add(trace)
        self._phones = {rule.region for rule in schema.rules.types.values() if rule.form == "phone"}
        self._tails = {value[-4:] for value in self._values if value.startswith("+")} if self._phones else set()
        self._preparer = Preparer(schema, {})
        words = {value for value in (*self._values, *self._profiles) if len(value) >= TELLING_LENGTH}
        self._words = {value for value in words if _WORD.fullmatch(value)}
        self._phrases = words - self._words
        short = [value for value in self._values if len(value) < TELLING_LENGTH]
        self._quoted = [quoted for value in short for quoted in (f'"{value}"', f'\\"{value}\\"')]

    def _add(self, trace: Trace) -> None:
        if trace.kind == "profile":
            self._profiles[trace.value] = trace.erasure
        elif trace.kind == "message":
            self._messages[trace.value] = trace.erasure
        else:
            self._identifiers[Identifier(trace.type, trace.value)] = trace.erasure
            self._values[trace.value.casefold()] = trace.erasure

    # Records

    def of_logged(self, sequence: int, record: Record) -> UUID | None:
        """The deletion that a record of the log, or of the archive, falls under."""
        found = self._owner(record)
        if found is not None and sequence <= self._erasing[found].until_sequence:
            return found
        return self._messages.get(record.meta.message_id)

    def is_of(self, record: Record) -> bool:
        """Whether a copy of a record, whose place in the log is not known, falls under one of the deletions."""
        found = self._owner(record)
        if found is None:
            return record.meta.message_id in self._messages
        try:
            return datetime.fromisoformat(record.meta.received_at) <= self._erasing[found].requested_at
        except (ValueError, TypeError):  # no time, or one without a zone: rather gone than kept
            return True

    def _owner(self, record: Record) -> UUID | None:
        found = self._profiles.get(record.meta.user_key)
        if found is not None:
            return found
        return self._owner_of_event(record.data) if record.meta.kind == "event" else self._owner_in_stream(record)

    def _owner_of_event(self, data: Mapping[str, Any]) -> UUID | None:
        claim = next(claims(data), None)
        return None if claim is None else self._by_value(claim)

    def _by_value(self, text: str) -> UUID | None:
        found = self._values.get(text.casefold())
        if found is not None or text[-4:] not in self._tails:
            return found
        for region in self._phones:
            try:
                found = self._values.get(identifier_text(text, "phone", region))
            except InvalidIdentifierError:
                continue
            if found is not None:
                return found
        return None

    def _owner_in_stream(self, record: Record) -> UUID | None:
        """As the schema says; most records hold none of the values, and are not asked about."""
        if not any(
            self._by_value(text) is not None for value in flattened(record.data).values() for text in texts(value)
        ):
            return None
        payload = encode_record(record.meta, encode(record.data))
        for arrival in self._preparer.prepare([LogRecord(0, 0, 0.0, payload)]).arrivals:
            owner = arrival.effect.owner
            if owner is not None and owner.identifier in self._identifiers:
                return self._identifiers[owner.identifier]
        return None

    # Texts

    def names(self, text: str) -> bool:
        """Whether a text that is kept for people to look at shows one of the values. Rather too often: only samples are judged so."""
        shown = text.casefold()
        for form in {shown, unquote(shown)}:
            if not self._words.isdisjoint(_WORD.findall(form)):
                return True
            if any(each in form for each in self._phrases) or any(each in form for each in self._quoted):
                return True
        return False


def claims(data: Mapping[str, Any]) -> Iterator[str]:
    """What an event says about whose it is, the strongest first, without words that mean nobody."""
    for place in PLACES:
        value: Any = data
        for key in place:
            value = value.get(key) if isinstance(value, Mapping) else None
        for text in texts(value):
            if built_in_rule(comparison_form(text)) is None:
                yield text


def texts(value: Any) -> Iterator[str]:
    """A text or whole number, or those in a list, as identifiers are spelled."""
    if isinstance(value, list):
        for each in value:
            yield from texts(each)
    elif isinstance(value, str | int) and not isinstance(value, bool):
        yield str(value).strip()
