"""What a record does to profiles: whose it is, what it says, and which audiences that moved.

What the record says is computed with the schema that is live now; whether it is in a profile is read.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple
from uuid import UUID

import msgspec

from headwater.audiences import catalog, tables
from headwater.audiences.memberships import Memberships
from headwater.console.integrations.compiled import stand_ins
from headwater.console.live.integration_way import Computed
from headwater.console.live.log_tail import Row
from headwater.pipelines import kits
from headwater.pipelines.snapshot import AttachedRevision
from headwater.playbooks import compile_kit
from headwater.privacy.permission import forwarded
from headwater.profiles.compiled_schema import CompiledSchema
from headwater.profiles.effects import EventEffect
from headwater.profiles.preparation import flattened
from headwater.profiles.store import generations
from headwater.profiles.store.generations import Generation
from headwater.profiles.targets import DEFAULT_STREAM

SHOWN_TRANSITIONS = 20


class FieldValue(NamedTuple):
    """What the record says about one field of the profile, as JSON."""

    name: str
    value: str


class Move(NamedTuple):
    """The profile entered an audience or left it after the record had arrived. `clause` is what decided, if one thing did."""

    audience: str
    entered: bool
    at: datetime
    clause: str


class ProfileEffect(NamedTuple):
    """What one piece of a record does. `profile_id` is "" as long as it is in no profile."""

    effect: EventEffect
    fields: tuple[FieldValue, ...]
    profile_id: str = ""
    moves: tuple[Move, ...] = ()


async def profile_effects(connection: Any, row: Row, ways: Sequence[Computed]) -> list[ProfileEffect]:
    """What the record does, one entry for each piece that an attachment of the profiles makes of it.

    `connection` is in a transaction. Raises as the driver does, and ConfigurationError on an install without profiles.
    """
    pieces = list(_pieces(row, ways))
    if not pieces:
        return []
    generation = await generations.live(connection)
    schema = CompiledSchema(generation.schema)
    received = _received(row)
    found = []
    for stream, flat, message_id in pieces:
        effect = schema.effect(flat, stream, received, message_id)
        fields = tuple(
            FieldValue(name, _json(schema.readers[name](state, effect.received)))
            for name, state in effect.fields.items()
        )
        found.append(await _read(connection, generation, row, ProfileEffect(effect, fields)))
    return found


def _pieces(row: Row, ways: Sequence[Computed]) -> Iterable[tuple[str, Mapping[str, Any], str]]:
    """The flat records that a record becomes: stream, content, message id (as the builder of profiles names them)."""
    meta = row.record.meta
    if meta.kind == "stream":
        yield meta.source, flattened(row.record.data), meta.message_id
        return
    for computed in ways:
        attachment = computed.attached.attachment
        if not computed.profiles or computed.trial is None or attachment.attached_at.timestamp() > row.stored_at:
            continue
        stream, bodies = _shaped(computed.attached, row.record.data)
        for number, body in enumerate(bodies):
            yield stream, body, f"{meta.message_id}#{number}" if number else meta.message_id


def _shaped(attached: AttachedRevision, event: dict[str, Any]) -> tuple[str, list[Mapping[str, Any]]]:
    content = attached.revision.content
    integration = compile_kit(kits.kit_of(content), stand_ins(content))
    stream = str(integration.connection.settings.get("stream") or DEFAULT_STREAM)
    return stream, [output.body for output in integration.prepare(forwarded(event)).outputs]


async def _read(connection: Any, generation: Generation, row: Row, effect: ProfileEffect) -> ProfileEffect:
    found = await connection.fetchrow(
        f"SELECT i.profile_id FROM {generation.namespace}.messages m"  # noqa: S608  # the name is made of a number
        f" JOIN {generation.namespace}.identifiers i ON i.id = m.fragment WHERE m.key = $1",
        UUID(effect.effect.message_key),
    )
    if found is None:
        return effect
    moves = await _moves(connection, generation.number, found["profile_id"], row.stored_at)
    return effect._replace(profile_id=found["profile_id"].hex(), moves=moves)


async def _moves(connection: Any, generation: int, profile_id: bytes, since: float) -> tuple[Move, ...]:
    if not await tables.is_made(connection, generation):
        return ()
    names = {each.number: each.name for each in (await catalog.load_catalog(connection)).audiences}
    history = await Memberships(connection, generation).history(profile_id)
    return tuple(
        Move(names.get(each.audience, "a deleted audience"), each.entered, each.at, each.reason.clause)
        for each in history
        if each.at.timestamp() >= since
    )[:SHOWN_TRANSITIONS]


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()


def _received(row: Row) -> datetime:
    try:
        return datetime.fromisoformat(row.record.meta.received_at)
    except ValueError:
        return datetime.fromtimestamp(row.stored_at, UTC)
