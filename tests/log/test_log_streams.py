"""Streams follow the settings, and settings that cannot be served are named."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from nats.aio.client import Client

from headwater.errors import ConfigurationError
from headwater.log import connection, streams
from headwater.settings import LogSettings


@pytest.fixture
async def client(nats_url: str) -> AsyncIterator[Client]:
    opened = await connection.connect(nats_url, "test")
    yield opened
    await connection.close(opened)


async def test_changed_retention_is_in_force_after_the_next_start(client: Client) -> None:
    """Age, size and the window for repeats of a log that exists become those of the settings."""
    await streams.ensure(client, LogSettings())
    await streams.ensure(client, LogSettings(retention_days=3, retention_bytes=10_000_000, dedup_window_seconds=60))
    config = (await client.jsm().stream_info(streams.MAIN)).config
    assert (config.max_age, config.max_bytes, config.duplicate_window) == (3 * 86_400, 10_000_000, 60)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        (LogSettings(retention_days=0.001), "window"),
        (LogSettings(replicas=3), "replicas"),
    ],
)
async def test_what_nats_cannot_keep_is_a_matter_of_settings(client: Client, settings: LogSettings, said: str) -> None:
    """The server's reason is in the message, and the room of settings to correct."""
    with pytest.raises(ConfigurationError, match=rf"^log: .*{said}.*correct the settings"):
        await streams.ensure(client, settings)


async def test_partitions_of_a_log_cannot_change(client: Client) -> None:
    """The message has the number that the log was made with."""
    await streams.ensure(client, LogSettings(partitions=4))
    with pytest.raises(ConfigurationError, match=r"log\.partitions = 4"):
        await streams.ensure(client, LogSettings(partitions=8))
