"""What the pages need from the rest of the process."""

from __future__ import annotations

import asyncio
from typing import Any, NamedTuple

from litestar.connection import ASGIConnection
from nats.aio.client import Client

from headwater.api.ports import Services
from headwater.console.accounts.attempts import Attempts
from headwater.routing.destinations import DestinationMaker


class Console(NamedTuple):
    """Everything that pages work on.

    `services`      what the admin API works on: `pool`, `box`, `dead_letters`
    `collector_url` where senders reach the collector, shown in snippets
    `first_party_path` the path below which the collector serves the browser tag
    `public_url`    how browsers reach the console when it is behind a proxy ("https://…"), "" for the address asked
    `log`           the event log, to look into
    `destinations`  makes destinations as the router does, to try a connection out
    `stopping`      set when the process ends: streams to browsers end then, and browsers come back by themselves
    """

    services: Services
    attempts: Attempts
    collector_url: str
    first_party_path: str
    public_url: str
    log: Client
    destinations: DestinationMaker
    stopping: asyncio.Event

    @property
    def pool(self) -> Any:
        """The `asyncpg.Pool` (the driver has no types)."""
        return self.services.pool


def console_of(connection: ASGIConnection[Any, Any, Any, Any]) -> Console:
    """What the pages of this request work on."""
    console: Console = connection.app.state.console
    return console
