"""The first connection to the log succeeds within its limit or says why not."""

from __future__ import annotations

import asyncio

import pytest
from nats.aio.msg import Msg

from headwater.engines import endpoints
from headwater.errors import UnavailableError
from headwater.log import connection


async def test_a_log_that_is_not_there_is_an_error_within_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    """The message has the system's reason and what to look at, and no address with its password."""
    monkeypatch.setattr(connection, "FIRST_CONNECT_SECONDS", 0.5)
    with pytest.raises(UnavailableError, match=r"ConnectionRefusedError.*nats_url") as refused:
        await connection.connect(f"nats://user:secret@127.0.0.1:{endpoints.free_port()}", "test")
    assert "secret" not in str(refused.value)


async def test_a_wrong_password_is_named_as_such(nats_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is not a server that is away."""
    monkeypatch.setattr(connection, "FIRST_CONNECT_SECONDS", 0.5)
    wrong = nats_url.replace("@", "wrong@")
    with pytest.raises(UnavailableError, match="Authorization"):
        await connection.connect(wrong, "test")


async def test_a_request_can_be_cancelled_in_the_moment_of_its_answer(nats_url):
    """The library would give the answer and go on; a task that works for ever would never end."""
    client = await connection.connect(nats_url, "test")
    await client.subscribe("silence")
    asking = asyncio.create_task(client.request("silence", timeout=5))
    while not client._resp_map:
        await asyncio.sleep(0.01)
    for waiting in client._resp_map.values():
        waiting.set_result(Msg(client))
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    await connection.close(client)
