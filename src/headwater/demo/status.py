"""How far a replay has come, and whether everything is accounted for."""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple

from headwater.demo import measurements
from headwater.demo.measurements import Meter
from headwater.demo.sender import Tally


class Delivered(NamedTuple):
    """What an integration did with its pieces; those of replays and of other senders are counted too."""

    name: str
    delivered: int
    retried: int
    dropped: int
    dead: int

    @property
    def settled(self) -> int:
        """Pieces that need no further work."""
        return self.delivered + self.dropped + self.dead


class Status(NamedTuple):
    """One look at a replay. `lag` is None while it is not known; latencies are seconds from arrival to delivery."""

    total: int
    seconds: float
    sent: int
    accepted: int
    refused: int
    repeats: int
    integrations: tuple[Delivered, ...]
    lag: int | None
    half: float | None
    most: float | None
    trouble: str = ""

    @property
    def rate(self) -> float:
        """Events sent per second so far."""
        return self.sent / self.seconds if self.seconds > 0 else 0.0

    @property
    def delivered(self) -> int:
        """Pieces delivered to all integrations."""
        return sum(integration.delivered for integration in self.integrations)

    @property
    def retried(self) -> int:
        """Pieces that were put back to be sent again."""
        return sum(integration.retried for integration in self.integrations)

    @property
    def dead(self) -> int:
        """Pieces that became dead letters."""
        return sum(integration.dead for integration in self.integrations)

    @property
    def settled(self) -> int:
        """Pieces that need no further work."""
        return sum(integration.settled for integration in self.integrations)


class Balance(NamedTuple):
    """The end of a replay.

    `stored`      events that the log took
    `duplicates`  accepted events that it held already
    `lost`        accepted events that it does not hold
    `unsettled`   stored events that an integration has neither delivered nor dropped nor kept as a dead letter,
                  although nothing waits: by the router's counters, so 0 where those began anew on the way
    `waiting`     deliveries that are still to come; None when the router does not tell
    """

    stored: int
    duplicates: int
    lost: int
    unsettled: int
    waiting: int | None

    @property
    def good(self) -> bool:
        """Whether nothing is lost and nothing is left to deliver."""
        return self.waiting == 0 and self.lost == 0 and self.unsettled == 0


def status_of(
    tally: Tally, meter: Meter, total: int, seconds: float, integrations: Collection[str], consumers: Collection[str]
) -> Status:
    """Put what was sent and what the roles measured together."""
    half, most = measurements.quantiles(meter.latency(integrations))
    return Status(
        total=total,
        seconds=seconds,
        sent=tally.sent,
        accepted=tally.accepted,
        refused=tally.refused,
        repeats=tally.repeats,
        integrations=tuple(_delivered(meter, name) for name in integrations),
        lag=meter.lag(consumers),
        half=half,
        most=most,
        trouble=tally.trouble,
    )


def balance_of(status: Status, stored: int, absent: int, restarted: bool) -> Balance:
    """Compare what was accepted with what is in the log, and that with what each integration settled.

    `stored` is how much the log grew, `absent` how many of the sent events it does not hold, refused ones among them.
    `restarted` says that a role began anew on the way.
    """
    lost = max(0, absent - status.refused)
    known = status.lag == 0 and not restarted
    unsettled = max((stored - integration.settled for integration in status.integrations), default=0) if known else 0
    return Balance(
        stored=stored,
        duplicates=max(0, status.accepted - stored - lost),
        lost=lost,
        unsettled=max(0, unsettled),
        waiting=status.lag,
    )


def _delivered(meter: Meter, name: str) -> Delivered:
    return Delivered(
        name,
        delivered=meter.growth(measurements.DELIVERED, name),
        retried=meter.growth(measurements.RETRIED, name),
        dropped=meter.growth(measurements.DROPPED, name),
        dead=meter.growth(measurements.DEAD, name),
    )
