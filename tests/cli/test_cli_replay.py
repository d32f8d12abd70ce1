"""`headwater replay` on a real log."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from headwater.cli.replay import replay
from headwater.database.transactions import transaction
from headwater.errors import InputError
from headwater.log import streams
from headwater.log.consumer import Consumer, ConsumerSpec
from headwater.pipelines import audit_log, deployment_store
from headwater.pipelines.changes import change
from headwater.routing import replays

Output = Callable[[Awaitable[None]], Awaitable[str]]


async def test_a_range_is_queued_for_one_integration(install, output: Output) -> None:
    """The records that fit, bytes unchanged and in order, go into the queue of the one integration."""
    for number in range(5):
        kind = b"track" if number % 2 else b"identify"
        await install.append(f"m{number}", b'{"type":"%s","n":%d}' % (kind, number))
    await install.append_to_stream("crm", "s1", b"{}")
    shown = await output(replay("web", "crm", since="1h", type="track", yes=True))
    assert "Queued 2 events for web/crm" in shown
    async with transaction(install.pool, read_only=True) as connection:
        (entry, *_) = await audit_log.entries(connection, limit=1)
    assert (entry.action, entry.subject) == ("events of the log sent again", f"integration {install.integration.id}")
    assert (entry.after["type"], entry.after["of_one_person"]) == ("track", False)
    spec = ConsumerSpec(
        streams.REPLAYS, "test", (replays.subject(install.pipeline.id, install.integration.id),), durable=True
    )
    reader = Consumer(install.client, spec)
    await reader.start()
    taken: list[bytes] = []
    async with asyncio.timeout(10):
        while len(taken) < 2:
            taken += [message.payload for message in await reader.take(10, 1.0)]
    assert [payload.rpartition(b'"data":')[2] for payload in taken] == [
        b'{"type":"track","n":1}}',
        b'{"type":"track","n":3}}',
    ]
    await reader.stop()


async def test_a_range_can_end(install, output: Output) -> None:
    """Records stored at or after --until are left out."""
    await install.append("m1", b"{}")
    assert "no event" in await output(replay("web", "crm", since="2h", until="1h", yes=True))
    assert await install.queued() == 0


async def test_nothing_happens_unasked(install, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without --yes and without a person to ask, nothing is queued, and the error names --yes."""
    await install.append("m1", b"{}")
    monkeypatch.setattr("sys.stdin.isatty", lambda: False, raising=False)
    with pytest.raises(InputError, match="--yes"):
        await replay("web", "crm", since="1h")
    assert await install.queued() == 0


async def test_only_what_is_attached_can_be_replayed_to(install) -> None:
    """A queue that nothing empties would fill for ever: the error names the command that attaches."""
    async with change(install.pool, "test") as made:
        await deployment_store.detach(made, install.pipeline, install.integration)
    with pytest.raises(InputError, match="headwater pipeline attach web crm"):
        await replay("web", "crm", since="1h", yes=True)


async def test_a_paused_integration_is_pointed_out(install, output: Output) -> None:
    """What is queued for a paused integration waits, and the command says so."""
    await install.append("m1", b"{}")
    async with change(install.pool, "test") as made:
        await deployment_store.enable(made, install.pipeline, install.integration, enabled=False)
    assert "headwater pipeline resume web crm" in await output(replay("web", "crm", since="1h", yes=True))
