"""Write outputs as lines on standard output: to see what a playbook makes of real events."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from headwater import jsontext
from headwater.events import Record
from headwater.playbooks import CompiledIntegration
from headwater.playbooks.outputs import SYSTEM_CLOCK
from headwater.routing.destination import Attempt, Fault, Outgoing, Pace, Prepared
from headwater.routing.outcomes import Delivered

BATCH_LIMIT = 100


class StdoutDestination:
    """One revision of an integration that only prints."""

    def __init__(self, revision: int, integration: CompiledIntegration, pace: Pace, name: str) -> None:
        self.revision = revision
        self.pace = pace
        self._integration = integration
        self._name = name

    def prepare(self, record: Record) -> Prepared:
        """Run the playbook."""
        prepared = self._integration.prepare(record.data, SYSTEM_CLOCK)
        return Prepared(
            outgoing=tuple(Outgoing(None, BATCH_LIMIT, output.body) for output in prepared.outputs),
            dropped=None if prepared.drop is None else prepared.drop.reason,
            faults=tuple(Fault(flag.where, flag.message) for flag in prepared.flags),
        )

    async def send(self, pieces: Sequence[Outgoing]) -> Attempt:
        """Print one line for each piece."""
        for piece in pieces:
            sys.stdout.write(f"{self._name} {jsontext.encode(piece.content).decode()}\n")
        sys.stdout.flush()
        return Attempt(Delivered())
