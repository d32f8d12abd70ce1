"""`headwater log` on a real log."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Awaitable, Callable

import pytest

from headwater import settings
from headwater.cli import log as log_commands
from headwater.collect.ports import Refusal
from headwater.collect.refusal_log import RefusalStream
from headwater.engines import endpoints
from headwater.errors import ConfigurationError, InputError, UnavailableError
from headwater.log import consumer, streams
from headwater.log.consumer import ConsumerSpec
from headwater.log.records import subject_filter
from headwater.routing.router import consumer_name

Output = Callable[[Awaitable[None]], Awaitable[str]]


def _ids(text: str) -> list[str]:
    return [json.loads(line)["meta"]["message_id"] for line in text.splitlines()]


async def test_records_are_printed_as_they_were_sent(install, output: Output) -> None:
    """Every digit of a number and every character of a text is in the line, with the record's place and time."""
    data = b'{"type":"track","total":12345678901234567890.10,"n":9007199254740993,"s":"\xc3\xa4 [b]"}'
    await install.append("m1", data)
    text = await output(log_commands.read())
    assert data.decode() in text
    record = json.loads(text)
    assert set(record) == {"sequence", "stored_at", "meta", "data"}
    assert record["sequence"] == 1
    assert record["meta"]["source"] == install.pipeline.id
    assert record["stored_at"].endswith("Z")


async def test_filters_choose_records(install, output: Output) -> None:
    """Pipeline, stream, type, name and user choose; limit stops; the order is the log's."""
    await install.append("m1", b'{"type":"track","event":"Signed Up","userId":"a"}', "a")
    await install.append("m2", b'{"type":"identify","userId":"a"}', "a")
    await install.append("m3", b'{"type":"track","event":"Left","userId":"b"}', "b")
    await install.append_to_stream("crm", "m4", b'{"email":"x"}')
    assert _ids(await output(log_commands.read())) == ["m1", "m2", "m3", "m4"]
    assert _ids(await output(log_commands.read(pipeline="web"))) == ["m1", "m2", "m3"]
    assert _ids(await output(log_commands.read(stream="crm"))) == ["m4"]
    assert _ids(await output(log_commands.read(type="track"))) == ["m1", "m3"]
    assert _ids(await output(log_commands.read(name="Left"))) == ["m3"]
    assert _ids(await output(log_commands.read(user="a", limit=1))) == ["m1"]
    assert _ids(await output(log_commands.read(until="1h"))) == []
    assert _ids(await output(log_commands.read(since="1h"))) == ["m1", "m2", "m3", "m4"]


async def test_follow_goes_on_until_the_limit(install, output: Output) -> None:
    """With --follow a record that arrives later is printed too."""
    await install.append("m1", b"{}")

    async def later() -> None:
        await asyncio.sleep(0.3)
        await install.append("m2", b"{}")

    appending = asyncio.create_task(later())
    async with asyncio.timeout(20):
        assert _ids(await output(log_commands.read(follow=True, limit=2))) == ["m1", "m2"]
    await appending


async def test_streams_and_lag_are_shown_by_their_names(install, output: Output) -> None:
    """The overview shows how many records there are, and how far which integration of which pipeline is behind."""
    name = consumer_name((install.pipeline.id, install.integration.id))
    subjects = (subject_filter("event", install.pipeline.id),)
    await consumer.ensure(install.client, ConsumerSpec(streams.MAIN, name, subjects))
    for number in range(3):
        await install.append(f"m{number}", b"{}")
    shown = await output(log_commands.overview())
    main = next(line for line in shown.splitlines() if line.startswith(streams.MAIN))
    assert main.split()[1] == "3"
    assert next(line for line in shown.splitlines() if line.startswith("web/crm")).split() == [
        "web/crm", "log", "3", "0", "0",
    ]  # fmt: skip
    (entry,) = json.loads(await output(log_commands.lag(json=True)))
    assert (entry["integration"], entry["waiting"]) == ("web/crm", 3)


async def test_an_empty_log_is_shown_as_empty(install, output: Output) -> None:
    """Before the first record there are streams without times, and nothing to read."""
    shown = await output(log_commands.streams())
    assert [line.split()[-2:] for line in shown.splitlines() if "0.0%" in line] == [["-", "-"]] * 4
    assert await output(log_commands.read()) == ""


async def test_refusals_are_shown_newest_first(install, output: Output) -> None:
    """What collectors refused is listed with its reason, the newest first, at most as many as asked for."""
    keeping = RefusalStream(install.client)
    task = asyncio.create_task(keeping.run())
    for number in range(3):
        keeping.keep(
            Refusal("p", "batch", "invalid_type", f"[no {number}]", "type", b"{}", "2026-03-01T12:00:00Z", "::1")
        )
    while next(r.messages for r in await streams.report(install.client) if r.name == streams.REFUSED) < 3:
        await asyncio.sleep(0.01)
    task.cancel()
    lines = (await output(log_commands.refused(limit=2, json=True))).splitlines()
    assert [json.loads(line)["message"] for line in lines] == ["[no 2]", "[no 1]"]
    assert "[no 2]" in await output(log_commands.refused())


async def test_mistakes_name_their_remedy(install, output: Output) -> None:
    """An unknown pipeline, a nonsensical limit and contradicting filters are refused with what to do."""
    with pytest.raises(InputError, match="headwater pipeline list"):
        await log_commands.read(pipeline="wep")
    with pytest.raises(InputError, match="--limit: must be more than 0"):
        await log_commands.read(limit=0)
    with pytest.raises(InputError, match="give one of --pipeline and --stream"):
        await log_commands.read(pipeline="web", stream="crm")


async def test_without_an_install_the_command_says_how_to_start_it(tmp_path, monkeypatch) -> None:
    """Nothing runs on this data folder: the error names the command that changes that."""
    monkeypatch.setenv("HEADWATER_DATA_FOLDER", str(tmp_path))
    with pytest.raises(ConfigurationError, match="headwater up"):
        await log_commands.overview()


async def test_after_a_crash_the_command_says_how_to_start(tmp_path, monkeypatch) -> None:
    """An install that was killed left its addresses behind; the error still names the command that starts it."""
    monkeypatch.setenv("HEADWATER_DATA_FOLDER", str(tmp_path))
    endpoints.run_folder(settings.load()).mkdir(parents=True)
    gone = f"postgresql://headwater@/postgres?host={tmp_path}/gone"
    endpoints.write(settings.load(), endpoints.Endpoints(nats_url="nats://127.0.0.1:9", database_url=gone))
    with pytest.raises(UnavailableError, match="headwater up"):
        await log_commands.overview()


async def test_a_reader_that_goes_away_ends_the_command(install) -> None:
    """`headwater log read | head -1` ends at once and without a complaint."""
    for number in range(2000):
        await install.append(f"m{number}", b'{"x":"%s"}' % (b"x" * 200))
    pipe = f"{sys.executable} -m headwater log read | head -1"
    done = await asyncio.to_thread(
        subprocess.run, ["sh", "-c", pipe], capture_output=True, timeout=60, check=False, env=os.environ
    )
    assert len(done.stdout.splitlines()) == 1
    assert done.stderr == b""
