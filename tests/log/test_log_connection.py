"""The first connection to the log succeeds within its limit or says why not."""

from __future__ import annotations

import pytest

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
