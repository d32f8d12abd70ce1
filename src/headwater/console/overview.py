"""The figures of the home page, read in one transaction and arranged for the eye."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple

from headwater.api.ports import Services
from headwater.console import charts
from headwater.console.attention import Concern, Situation, concerns, subject
from headwater.console.charts import Chart
from headwater.database.transactions import transaction
from headwater.pipelines import deployment_store, pipeline_store
from headwater.pipelines.objects import Attachment, Pipeline
from headwater.timeseries import figures
from headwater.timeseries.minutes import Key
from headwater.timeseries.quantiles import quantile
from headwater.timeseries.ranges import Range

_SERIES = ("received", "delivered", "retried", "dead", "dropped", "refused", "waiting", "kept", "behind")
_DETAILED = ("refused", "latency")


class Row(NamedTuple):
    """What one attachment did in the range. `median` and `slow` (95 %) are seconds from received to delivered."""

    attachment: Attachment
    delivered: float
    retried: float
    dropped: float
    dead: float
    waiting: float
    median: float | None
    slow: float | None
    circuit_open: bool


class Overview(NamedTuple):
    """Everything that the home page shows."""

    span: Range
    pipelines: list[Pipeline]
    concerns: list[Concern]
    received: float
    delivered: float
    retried: float
    dead: float
    refused: float
    waiting: float
    slow: float | None
    charts: list[Chart]
    rows: list[Row]


async def read(services: Services, span: Range, now: datetime) -> Overview:
    """The overview of a range up to `now`."""
    reasons = await services.dead_letters.reasons()
    health = await services.profiles.reader.health()
    async with transaction(services.pool, read_only=True) as connection:
        pipelines = await pipeline_store.every(connection)
        attachments = await deployment_store.attachments(connection)
        series = await figures.series(connection, _SERIES, span, now)
        totals = await figures.totals(connection, _DETAILED, span, now)
        levels = await figures.levels(connection)
    rows = [row_of(found, series, totals, levels) for found in attachments]
    return Overview(
        span=span,
        pipelines=pipelines,
        concerns=concerns(Situation(pipelines, attachments, reasons, levels, totals, health)),
        received=total_of(series, "received"),
        delivered=total_of(series, "delivered"),
        retried=total_of(series, "retried"),
        dead=total_of(series, "dead"),
        refused=total_of(series, "refused"),
        waiting=sum(row.waiting for row in rows),
        slow=quantile(buckets_of(totals), 0.95),
        charts=_charts(span, series, pipelines, now),
        rows=rows,
    )


def row_of(
    found: Attachment,
    series: Mapping[str, figures.Series],
    totals: Mapping[Key, float],
    levels: Mapping[str, Mapping[str, float]],
) -> Row:
    """What one attachment did, out of series and sums of a range and the levels of now."""
    name = subject(found)
    buckets = buckets_of(totals, name)
    return Row(
        attachment=found,
        delivered=sum(_of(series, "delivered").get(name, ())),
        retried=sum(_of(series, "retried").get(name, ())),
        dropped=sum(_of(series, "dropped").get(name, ())),
        dead=sum(_of(series, "dead").get(name, ())),
        waiting=levels.get("waiting", {}).get(name, 0.0),
        median=quantile(buckets, 0.5),
        slow=quantile(buckets, 0.95),
        circuit_open=levels.get("circuit_open", {}).get(name, 0.0) > 0,
    )


def total_of(series: Mapping[str, figures.Series], measure: str) -> float:
    """The sum of a measure over all subjects."""
    return sum(map(sum, _of(series, measure).values()))


def buckets_of(totals: Mapping[Key, float], name: str | None = None) -> dict[float, float]:
    """How many deliveries took at most so many seconds, by the upper bound; of one attachment or of all."""
    buckets: dict[float, float] = {}
    for key, value in totals.items():
        if key.measure == "latency" and name in (None, key.subject):
            bound = math.inf if key.detail == "+Inf" else float(key.detail)
            buckets[bound] = buckets.get(bound, 0.0) + value
    return buckets


def _charts(span: Range, series: Mapping[str, figures.Series], pipelines: list[Pipeline], now: datetime) -> list[Chart]:
    steps, names = span.steps(now), {pipeline.id: pipeline.slug for pipeline in pipelines}
    received = {names.get(pipeline_id, "deleted pipeline"): row for pipeline_id, row in _of(series, "received").items()}
    trouble = {
        label: [sum(column) for column in zip(*_of(series, measure).values(), strict=True)]
        for measure, label in (
            ("retried", "tried again"),
            ("dead", "failed for good"),
            ("refused", "refused at the door"),
        )
        if _of(series, measure)
    }
    per = f"by {step_label(span)}"
    return [
        charts.counts("received", "Received", f"events {per}, by pipeline", steps, received),
        charts.counts("delivered", "Delivered", f"deliveries {per}, by integration", steps, _of(series, "delivered")),
        charts.counts("trouble", "Not delivered at once", f"{per}", steps, trouble),
        charts.levels("waiting", "Waiting", "events in the log, by integration", steps, _of(series, "waiting")),
        charts.counts("kept", "Into profiles and archive", f"records {per}", steps, _of(series, "kept")),
        charts.levels("behind", "Not there yet", "records of the log", steps, _of(series, "behind")),
    ]


def _of(series: Mapping[str, figures.Series], measure: str) -> figures.Series:
    return series.get(measure, {})


def step_label(span: Range) -> str:
    """The step of a range in words: minute, 15 minutes, hour."""
    minutes = round(span.step.total_seconds() / 60)
    if minutes == 1:
        return "minute"
    return f"{minutes} minutes" if minutes < 60 else "hour" if minutes == 60 else f"{minutes // 60} hours"
