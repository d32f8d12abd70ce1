"""`headwater welcome`: where everything is, and what to try first; `headwater up` ends its start with it."""

from __future__ import annotations

from headwater.cli.configuration_session import session, write_line
from headwater.console.accounts import links
from headwater.database.transactions import transaction
from headwater.pipelines import pipeline_store
from headwater.pipelines.bootstrap import PIPELINE
from headwater.pipelines.changes import change
from headwater.pipelines.objects import Pipeline
from headwater.roles.addresses import collector_url, console_url, metrics_urls
from headwater.settings import Settings


async def welcome() -> None:
    """Show the default pipeline's write key, the addresses of this install, and three commands to begin with.

    Until somebody has signed in, the console's address is a one-time link that makes the first admin.
    """
    async with session() as made:
        async with transaction(made.pool, read_only=True) as connection:
            pipeline = _first(await pipeline_store.every(connection))
        async with change(made.pool, made.actor) as changing:
            first = await links.for_first_admin(changing)
        door = console_url(made.settings) if first is None else first.url(console_url(made.settings))
        lines = [*_addresses(made.settings, pipeline, door), "", *_commands(made.settings, pipeline)]
    for line in lines:
        write_line(line)


def _first(pipelines: list[Pipeline]) -> Pipeline | None:
    """The default pipeline, or the oldest with a write key where people have made their own."""
    usable = [pipeline for pipeline in pipelines if pipeline.write_keys]
    return next((pipeline for pipeline in usable if pipeline.slug == PIPELINE), usable[0] if usable else None)


def _addresses(settings: Settings, pipeline: Pipeline | None, door: str) -> list[str]:
    lines = [] if pipeline is None else [f"write key   {pipeline.write_keys[0]}   (pipeline {pipeline.slug})"]
    lines += [f"collector   {collector_url(settings)}", f"admin API   {console_url(settings)}/api/v1"]
    lines += [f"console     {door}"]
    return [*lines, *(f"metrics     {address}   ({name})" for name, address in metrics_urls(settings).items())]


def _commands(settings: Settings, pipeline: Pipeline | None) -> list[str]:
    if pipeline is None:
        return ["No pipeline has a write key yet. Make one:", "  headwater pipeline create Web"]
    key = pipeline.write_keys[0]
    body = '{"userId": "user-1", "event": "Order Completed", "properties": {"total": 19.99, "currency": "USD"}}'
    return [
        "Send an event:",
        f"  curl {collector_url(settings)}/v1/track -u {key}: -H 'content-type: application/json' -d '{body}'",
        "Watch events arrive:",
        f"  headwater log read --pipeline {pipeline.slug} --since 1h --follow",
        "See what could not be delivered, and why:",
        "  headwater deadletters list",
    ]
