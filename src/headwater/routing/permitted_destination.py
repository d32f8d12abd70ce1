"""A destination that takes only what may leave: consent, the sender's choice, chosen audiences, asked before the playbook runs."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from headwater.events import Record
from headwater.privacy.permission import Refused, decide, forwarded
from headwater.routing.destination import Attempt, Destination, Outgoing, Pace, Prepared


class PermittedDestination:
    """Another destination behind a question. `names` are what senders may call the integration, the rest as in `decide`."""

    def __init__(
        self,
        inner: Destination,
        names: Sequence[str],
        categories: Sequence[str],
        audiences: Collection[str] | None,
    ) -> None:
        self._inner = inner
        self._names = frozenset(names)
        self._categories = tuple(categories)
        self._audiences = None if audiences is None else frozenset(audiences)

    @property
    def revision(self) -> int:
        """Number of the revision."""
        return self._inner.revision

    @property
    def pace(self) -> Pace:
        """The pace of the destination behind."""
        return self._inner.pace

    def prepare(self, record: Record) -> Prepared:
        """Ask, leave out what nobody gets, then prepare."""
        permission = decide(record.data, self._names, self._categories, self._audiences)
        if isinstance(permission, Refused):
            return Prepared((), dropped=permission.reason)
        return self._inner.prepare(Record(record.meta, forwarded(record.data)))

    async def send(self, pieces: Sequence[Outgoing]) -> Attempt:
        """Send through the destination behind."""
        return await self._inner.send(pieces)
