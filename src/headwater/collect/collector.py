"""What every handler works with."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from headwater.collect.budget import ByteBudget
from headwater.collect.metrics import CollectMetrics
from headwater.collect.normalise import EventLimits
from headwater.collect.ports import LogWriter, RefusalLog, Sources
from headwater.collect.rate_limit import RateLimiter
from headwater.collect.request import Request
from headwater.log.records import EncodedRecord, pipeline_of
from headwater.settings import CollectSettings


class Collector(NamedTuple):
    """The ports, the limits and the counters of one process. `partitions` is the number that the log has."""

    writer: LogWriter
    refusal_log: RefusalLog
    sources: Sources
    settings: CollectSettings
    event_limits: EventLimits
    record_limits: EventLimits
    partitions: int
    metrics: CollectMetrics
    budget: ByteBudget
    limiter: RateLimiter

    async def append(self, request: Request, records: Sequence[EncodedRecord]) -> None:
        """Make records durable and count them. Raises UnavailableError when the log does not take them in time."""
        if records:
            await self.writer.append(records)
            self.metrics.accepted(request.door.name, len(records))
            # Streams of the Lytics doors are named by senders, who could name any number of them: not by name.
            for pipeline_id, count in Counter(filter(None, map(pipeline_of, records))).items():
                self.metrics.accepted_by_pipeline(pipeline_id, count)
