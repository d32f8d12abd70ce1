"""What people decide about identities, put into force: one transaction with the decisions, the profiles as they are then, and the
audit entries.

A preview does the same and takes it back, so it cannot differ from what would happen. Decisions hold in every generation; those
that are being built are decided anew as well.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec

from headwater.database.transactions import transaction
from headwater.errors import InputError
from headwater.pipelines.changes import QUERIES as AUDIT
from headwater.profiles.compiled_schema import CompiledSchema
from headwater.profiles.conflicts import pairs_that_separate
from headwater.profiles.decisions import Decision, DecisionKind
from headwater.profiles.identifiers import Identifier
from headwater.profiles.observers import ProfileObserver
from headwater.profiles.profile_ids import fragment_id
from headwater.profiles.resolution import Part
from headwater.profiles.store import generations
from headwater.profiles.store.builder import Builder, Decided
from headwater.profiles.store.generations import QUERIES
from headwater.profiles.store.lookup import part_of
from headwater.profiles.store.tables import decision_from

NOTE_LIMIT = 1000


class StoredDecision(msgspec.Struct, frozen=True):
    """A decision with the number by which it can be taken back."""

    id: int
    decision: Decision


class ProfileOutline(msgspec.Struct, frozen=True):
    """A profile before or after a decision: its id, identifiers, and, after, its fields as stored and its health."""

    id: str
    identifiers: tuple[Identifier, ...]
    fields: dict[str, Any] | None = None
    health: str = ""


class Outcome(msgspec.Struct, frozen=True):
    """What came of it: decisions that are in force now (or were taken back), and the profiles of everyone concerned before and after."""

    decisions: tuple[StoredDecision, ...]
    before: tuple[ProfileOutline, ...]
    after: tuple[ProfileOutline, ...]


class _TakenBack(Exception):  # noqa: N818  # no error: it ends the transaction of a preview
    def __init__(self, outcome: Outcome) -> None:
        self.outcome = outcome


class IdentityDesk:
    """Where people decide. `actor` is who does it, as the audit log shows it.

    Every method raises InputError for what cannot be decided, and as `transaction` does; with `preview` nothing is kept.
    """

    def __init__(self, pool: Any, observers: Sequence[ProfileObserver] = ()) -> None:
        self._pool = pool
        self._observers = tuple(observers)

    async def allow(
        self, actor: str, left: Identifier, right: Identifier, *, note: str = "", preview: bool = False
    ) -> Outcome:
        """The two belong together, whatever the rules say."""
        return await self._decide(actor, [("allowed", left, _other(left, right))], note, preview)

    async def keep_apart(
        self, actor: str, left: Identifier, right: Identifier, *, note: str = "", preview: bool = False
    ) -> Outcome:
        """The two are never in one profile."""
        return await self._decide(actor, [("kept apart", left, _other(left, right))], note, preview)

    async def block(self, actor: str, value: Identifier, *, note: str = "", preview: bool = False) -> Outcome:
        """The value joins nothing any more."""
        return await self._decide(actor, [("value blocked", value, None)], note, preview)

    async def unmerge(
        self, actor: str, leaving: Sequence[Identifier], *, note: str = "", preview: bool = False
    ) -> Outcome:
        """Take some identifiers of one profile out of it, for ever: each is kept apart from each that stays."""
        async with transaction(self._pool) as connection:
            generation = await generations.live(connection)
            part = await _part_of(connection, generation.number, leaving)
        try:
            pairs = sorted(pairs_that_separate(part, frozenset(leaving)))
        except ValueError as fault:
            raise InputError(str(fault), "identifiers") from None
        return await self._decide(actor, [("kept apart", left, right) for left, right in pairs], note, preview)

    async def undo(self, actor: str, numbers: Sequence[int], *, preview: bool = False) -> Outcome:
        """Take decisions back. Raises InputError with the code "not_found" when one is not in force."""

        async def take_back(connection: Any) -> Outcome:
            taken: list[StoredDecision] = []
            for number in numbers:
                row = await connection.fetchrow(QUERIES["undo_decision"], number, actor)
                if row is None:
                    raise InputError(f"there is no decision {number} in force", "decision", "not_found")
                taken.append(StoredDecision(row["id"], decision_from(row)))
            return await self._finish(connection, actor, "identity decision taken back", taken)

        return await self._run(take_back, preview)

    async def _decide(
        self,
        actor: str,
        wanted: Sequence[tuple[DecisionKind, Identifier, Identifier | None]],
        note: str,
        preview: bool,
    ) -> Outcome:
        if len(note) > NOTE_LIMIT or "\0" in note:
            raise InputError(f"at most {NOTE_LIMIT} characters, and no NUL", "note")

        async def decide(connection: Any) -> Outcome:
            decided: list[StoredDecision] = []
            for kind, left, right in wanted:
                ends = (*left, *((None, None) if right is None else right))
                row = await connection.fetchrow(QUERIES["insert_decision"], kind, *ends, actor, note)
                decided.append(StoredDecision(row["id"], decision_from(row)))
            return await self._finish(connection, actor, "identity decided", decided)

        return await self._run(decide, preview)

    async def _run(self, work: Callable[[Any], Awaitable[Outcome]], preview: bool) -> Outcome:
        """Work in a transaction in which nobody builds profiles."""
        try:
            async with transaction(self._pool) as connection:
                await connection.execute(QUERIES["own_decisions"])
                outcome = await work(connection)
                if preview:
                    raise _TakenBack(outcome)
                return outcome
        except _TakenBack as preview_end:
            return preview_end.outcome

    async def _finish(self, connection: Any, actor: str, action: str, decisions: Sequence[StoredDecision]) -> Outcome:
        await connection.execute(QUERIES["decisions_changed"])
        named = {end for each in decisions for end in (each.decision.left, each.decision.right) if end is not None}
        outcome = Outcome(tuple(decisions), (), ())
        for generation in await generations.every(connection):
            if generation.state == "retired":
                continue
            secret = await generations.secret(connection)
            # Who watches is told of the live generation alone.
            observers = self._observers if generation.state == "live" else ()
            builder = Builder(generation, CompiledSchema(generation.schema), secret, observers)
            found = await builder.decide_again(connection, named, datetime.now(UTC))
            if generation.state == "live":
                outcome = _outcome(decisions, found, secret)
        for each in decisions:
            await connection.execute(
                AUDIT["insert_audit"],
                actor,
                action,
                f"identity decision {each.id}",
                None,
                _audited(each.decision),
            )
        return outcome


def _audited(decision: Decision) -> dict[str, str | None]:
    """What the audit log keeps of a decision: its rows never change, so they name nobody. The decision itself is found by its number."""
    right = None if decision.right is None else decision.right.type
    return {"kind": decision.kind, "left": decision.left.type, "right": right}


def _other(left: Identifier, right: Identifier) -> Identifier:
    if left == right:
        raise InputError("name two different identifiers", "identifiers")
    return right


def _outcome(decisions: Sequence[StoredDecision], found: Decided, secret: bytes) -> Outcome:
    before = tuple(_outline(part, secret) for part in found.before)
    after = tuple(
        ProfileOutline(each.profile.id, each.part.members, msgspec.json.decode(each.text), each.health.state)
        for each in found.after
    )
    return Outcome(tuple(decisions), before, after)


def _outline(part: Part, secret: bytes) -> ProfileOutline:
    return ProfileOutline(fragment_id(part.founder, secret), part.members)


async def _part_of(connection: Any, generation: int, identifiers: Sequence[Identifier]) -> Part:
    """The one profile that holds all these identifiers."""
    secret = await generations.secret(connection)
    parts: set[Part] = set()
    for each in identifiers:
        part = await part_of(connection, generation, bytes.fromhex(fragment_id(each, secret)))
        if part is None:
            raise InputError(f"{each.type}:{each.value} is in no profile", "identifiers", "not_found")
        parts.add(part)
    if len(parts) != 1:
        raise InputError("name identifiers of one profile", "identifiers")
    return parts.pop()
