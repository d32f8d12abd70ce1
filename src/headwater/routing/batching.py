"""Gather pieces into batches, and keep the order of each user where it is asked for. Pure: no clock, no I/O.

Invariants
1. A piece is in exactly one place: waiting behind an earlier piece of its user, in the open batch of its key, or taken.
2. With `order_per_user` a piece enters a batch only when no earlier piece of its user is outside that batch: whatever
   happens to a batch, a later event of the user is never on its way before an earlier one is settled.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Hashable, Iterable

from headwater.log.consumer import Delivered
from headwater.routing.destination import Destination, Outgoing


class Job:
    """A log message that is being worked on. Acknowledged when none of its parcels is outstanding."""

    __slots__ = ("first_seen", "message", "message_id", "origin", "outstanding", "received_at", "user_key")

    def __init__(
        self, message: Delivered, origin: int, message_id: str, user_key: str, received_at: str, first_seen: float
    ) -> None:
        self.message = message
        self.origin = origin
        self.message_id = message_id
        self.user_key = user_key
        self.received_at = received_at
        self.first_seen = first_seen
        self.outstanding = 0


class Parcel:
    """One piece on its way, with the job it belongs to and its number in it."""

    __slots__ = ("job", "number", "piece")

    def __init__(self, job: Job, number: int, piece: Outgoing) -> None:
        self.job = job
        self.number = number
        self.piece = piece


class Batch:
    """Parcels that travel together. `destination` is the revision that prepared them."""

    __slots__ = ("attempts", "destination", "first_attempt", "opened", "parcels")

    def __init__(self, destination: Destination, opened: float) -> None:
        self.destination = destination
        self.opened = opened
        self.parcels: list[Parcel] = []
        self.attempts = 0
        self.first_attempt: float | None = None

    def halves(self) -> tuple[Batch, Batch]:
        """Two batches with half of the parcels each; attempts start over, the time of the first one stays."""
        middle = len(self.parcels) // 2
        made = []
        for parcels in (self.parcels[:middle], self.parcels[middle:]):
            half = Batch(self.destination, self.opened)
            half.parcels = parcels
            half.first_attempt = self.first_attempt
            made.append(half)
        return made[0], made[1]


class Batcher:
    """Open batches by key, and the pieces that wait for their user."""

    def __init__(self) -> None:
        self._clear()

    def _clear(self) -> None:
        self._open: OrderedDict[Hashable, Batch] = OrderedDict()
        self._full: deque[Batch] = deque()
        self._owner: dict[str, Batch] = {}
        self._outside: dict[str, int] = {}
        self._waiting: dict[str, deque[tuple[Parcel, Destination]]] = {}

    def add(self, parcel: Parcel, destination: Destination, now: float) -> None:
        """Take one more parcel; `now` is when its batch starts to wait, if it opens one."""
        if not destination.pace.order_per_user:
            self._put(parcel, destination, now)
            return
        user = parcel.job.user_key
        if user in self._waiting or not self._may_join(user, parcel, destination):
            self._waiting.setdefault(user, deque()).append((parcel, destination))
            return
        self._owner[user] = self._put(parcel, destination, now)
        self._outside[user] = self._outside.get(user, 0) + 1

    def _may_join(self, user: str, parcel: Parcel, destination: Destination) -> bool:
        owner = self._owner.get(user)
        if owner is None:
            return True
        return self._open.get(_key(parcel, destination)) is owner

    def _put(self, parcel: Parcel, destination: Destination, now: float) -> Batch:
        key = _key(parcel, destination)
        batch = self._open.get(key)
        if batch is None:
            batch = self._open[key] = Batch(destination, now)
        batch.parcels.append(parcel)
        if len(batch.parcels) >= parcel.piece.batch_limit:
            del self._open[key]
            self._full.append(batch)
        return batch

    def take(self, now: float) -> Batch | None:
        """A batch that is full or has waited long enough, oldest first."""
        if self._full:
            return self._full.popleft()
        for key, batch in self._open.items():
            if now >= batch.opened + batch.destination.pace.batch_wait_seconds:
                del self._open[key]
                return batch
        return None

    def next_due(self) -> float | None:
        """When the next open batch has waited long enough; None when there is none. A full batch is due at once."""
        if self._full:
            return 0.0
        return min(
            (batch.opened + batch.destination.pace.batch_wait_seconds for batch in self._open.values()), default=None
        )

    def settled(self, parcels: Iterable[Parcel], now: float) -> None:
        """Parcels of a taken batch are done: whoever waited behind them may go."""
        for parcel in parcels:
            user = parcel.job.user_key
            if user not in self._outside:
                continue
            self._outside[user] -= 1
            if self._outside[user] == 0:
                del self._outside[user], self._owner[user]
                for waiting, destination in self._waiting.pop(user, ()):
                    self.add(waiting, destination, now)

    def drain(self) -> list[Parcel]:
        """Everything that was not taken, in no particular order; the batcher is empty afterwards."""
        left = [parcel for batch in (*self._full, *self._open.values()) for parcel in batch.parcels]
        left += [parcel for queue in self._waiting.values() for parcel, _ in queue]
        self._clear()
        return left


def _key(parcel: Parcel, destination: Destination) -> Hashable:
    # Two revisions never share a batch: their requests may differ.
    return id(destination), parcel.piece.batch_key
