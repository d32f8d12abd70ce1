"""The figures of the deliveries page, over a range of time."""

from __future__ import annotations

from datetime import datetime
from typing import Any, NamedTuple

from headwater.console import charts
from headwater.console.charts import Chart
from headwater.console.overview import Row, buckets_of, row_of, step_label, total_of
from headwater.database.transactions import transaction
from headwater.pipelines import deployment_store
from headwater.timeseries import figures
from headwater.timeseries.quantiles import quantile
from headwater.timeseries.ranges import Range

_CHARTS = (
    ("delivered", "Delivered", "deliveries"),
    ("retried", "Tried again", "deliveries"),
    ("dead", "Failed for good", "dead letters"),
)
_SERIES = (*(name for name, _, _ in _CHARTS), "requests")
_DETAILED = ("dropped", "latency")


class Figures(NamedTuple):
    """What was delivered in a range. `median` and `slow` (95 %) are seconds from received to delivered."""

    span: Range
    requests: float
    delivered: float
    retried: float
    dead: float
    median: float | None
    slow: float | None
    charts: list[Chart]
    rows: list[Row]


async def read(pool: Any, span: Range, now: datetime) -> Figures:
    """The figures of a range up to `now`."""
    async with transaction(pool, read_only=True) as connection:
        attachments = await deployment_store.attachments(connection)
        series = await figures.series(connection, _SERIES, span, now)
        totals = await figures.totals(connection, _DETAILED, span, now)
        levels = await figures.levels(connection)
    steps, buckets = span.steps(now), buckets_of(totals)
    return Figures(
        span=span,
        requests=total_of(series, "requests"),
        delivered=total_of(series, "delivered"),
        retried=total_of(series, "retried"),
        dead=total_of(series, "dead"),
        median=quantile(buckets, 0.5),
        slow=quantile(buckets, 0.95),
        charts=[
            charts.counts(name, title, f"{unit} by {step_label(span)}, by integration", steps, series.get(name, {}))
            for name, title, unit in _CHARTS
        ],
        rows=[row_of(found, series, totals, levels) for found in attachments],
    )
