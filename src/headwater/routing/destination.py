"""What the delivery needs of a destination: turn a record into outgoing pieces, and send a batch of them.

A destination is made from one revision of an integration and never changes; a deployment makes a new one. HTTP vendors,
an object store, Kafka and the built-in profiles are all destinations, and delivery treats them alike.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from typing import Any, NamedTuple, Protocol

from headwater.events import Record
from headwater.routing.outcomes import Outcome


class Outgoing(NamedTuple):
    """One piece for the other side. Only pieces with equal `batch_key` may travel together, at most `batch_limit`."""

    batch_key: Hashable
    batch_limit: int
    content: Any


class Fault(NamedTuple):
    """A part of the playbook that failed on one record; the rest of it was sent."""

    where: str
    message: str


class Prepared(NamedTuple):
    """What a record becomes: pieces to send, or none with the reason why."""

    outgoing: tuple[Outgoing, ...]
    dropped: str | None = None
    faults: tuple[Fault, ...] = ()


class Exchange(NamedTuple):
    """One attempt as people may see it, secrets masked: request line, headers, body, and the answer."""

    request: dict[str, Any]
    reply: dict[str, Any] | None


class Attempt(NamedTuple):
    """What came of sending a batch. `exchange` makes what people may see of it: only a few attempts are ever looked at."""

    outcome: Outcome
    exchange: Callable[[], Exchange] | None = None

    def shown(self) -> Exchange | None:
        """Request and answer as people may see them, None where the destination has no such thing."""
        return None if self.exchange is None else self.exchange()


class Pace(NamedTuple):
    """How a destination wants its batches."""

    batch_wait_seconds: float
    concurrency: int
    order_per_user: bool
    retry_seconds: float


class Destination(Protocol):
    """One revision of an integration, ready to work."""

    @property
    def revision(self) -> int:
        """Number of the revision."""
        ...

    @property
    def pace(self) -> Pace:
        """Wait for a batch, requests at once, order, how long to retry."""
        ...

    def prepare(self, record: Record) -> Prepared:
        """Turn a record into pieces. Never raises: what fails is a fault of the record."""
        ...

    async def send(self, pieces: Sequence[Outgoing]) -> Attempt:
        """Send pieces that share a batch key, once. Never raises for what the other side does."""
        ...
