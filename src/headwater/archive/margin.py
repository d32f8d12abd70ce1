"""Will the log forget records before they are archived?"""

from __future__ import annotations

import time
from datetime import datetime

import msgspec

from headwater.log.streams import SECONDS_PER_DAY, StreamReport
from headwater.settings import LogSettings

NEAR_LIMIT = 0.9
THIN_MARGIN = 0.2


class Margin(msgspec.Struct, frozen=True):
    """How the archive's position stands in the log.

    `waiting` records are not archived yet; `spare` archived ones go first when the log forgets. `used` is the part of the
    log's limit (age or size, whichever is nearer) that is used up.
    """

    waiting: int
    spare: int
    used: float

    @property
    def danger(self) -> str | None:
        """What to tell the operator, or None while there is time."""
        if self.waiting == 0 or self.used < NEAR_LIMIT or self.spare > THIN_MARGIN * (self.waiting + self.spare):
            return None
        return (
            f"the log is at {self.used:.0%} of its limit and {self.waiting:,} of its records are not archived, with "
            f"{self.spare:,} records to spare: it will forget them first; raise log.retention_days or "
            "log.retention_bytes, or give the archive more time on the processor"
        )


def margin(log: StreamReport, position: int, settings: LogSettings, now: float | None = None) -> Margin:
    """Where the archive's `position` is in the log. `now` in seconds since 1970."""
    moment = time.time() if now is None else now
    age = moment - datetime.fromisoformat(log.first_ts).timestamp() if log.messages else 0.0
    return Margin(
        waiting=max(0, log.last_seq - max(position, log.first_seq - 1)),
        spare=max(0, position + 1 - log.first_seq),
        used=max(log.bytes / settings.retention_bytes, age / (settings.retention_days * SECONDS_PER_DAY)),
    )
